import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { Device } from './device.ts'
import type { Firmware } from './firmware.ts'
import { FirmwarePool } from './pool.ts'
import { FIRMWARES } from './profiles.ts'

const HIGH_DIFFICULTY_DOOR = { startDifficulty: 1_000_000 }

let hall: Hall | null = null
afterEach(async () => {
  await hall?.close()
  hall = null
})

/** One device at one pool, and the time they share. */
class Hall {
  readonly pool: FirmwarePool
  readonly device: Device

  static async open(size: 'real' | 'small', firmware: Firmware): Promise<Hall> {
    hall = new Hall(await FirmwarePool.open(size, [HIGH_DIFFICULTY_DOOR]), new Device(firmware, size))
    await hall.connect()
    return hall
  }

  private constructor(pool: FirmwarePool, device: Device) {
    this.pool = pool
    this.device = device
  }

  async connect(): Promise<void> {
    await this.device.connect(this.pool.port(this.device.firmware.door), this.pool.nowMs)
    await this.settle()
  }

  settle(): Promise<void> {
    return this.pool.settle([this.device])
  }

  /** Lets time pass in steps; the device does what its timers say. */
  async pass(ms: number, stepMs = 5_000): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      this.pool.rig.advance(Math.min(stepMs, ms - passed))
      await this.settle()
      if (this.device.tick(this.pool.nowMs) === 'connect') await this.connect()
      await this.settle()
    }
  }

  /** Shares one after the other, with time between them. */
  async mine(shares: number, everyMs: number): Promise<void> {
    for (let share = 0; share < shares; share++) {
      this.device.mine()
      await this.settle()
      await this.pass(everyMs, everyMs)
    }
  }

  async close(): Promise<void> {
    await this.device.cut()
    await this.pool.stop()
  }
}

/** Longer than any test: what it would come to is shown without it. */
const NEVER_MS = 3_600_000

/** What every make went through, for the table at the end. */
const went = new Map<string, string[]>()

function passed(firmware: Firmware, what: string): void {
  went.set(firmware.name, [...(went.get(firmware.name) ?? []), what])
}

describe.each(FIRMWARES)('$name', firmware => {
  it('logs in and hears the difficulty of its kind, in numbers that it reads', async () => {
    const { device } = await Hall.open('real', firmware)
    expect(device.difficulties[0]).toBe(firmware.firstDifficulty)
    expect(device.isFirstClean).toBe(true)
    expect(device.complaints).toEqual([])
    passed(firmware, 'login')
  })

  it('is never left alone for so long that it gives the pool up, and is asked for less, but not too little', async () => {
    const at = await Hall.open('real', firmware)
    await at.pass(900_000)
    const { device } = at
    expect(device.isOpen).toBe(true)
    expect(device.connections).toBe(1)
    const last = device.difficulties.at(-1) ?? 0
    expect(last).toBeGreaterThanOrEqual(firmware.leastDifficulty)
    expect(device.complaints).toEqual([])
    passed(firmware, 'silence of 15 min')
  })

  it('mines shares, and again after each change of its difficulty', async () => {
    const at = await Hall.open('small', firmware)
    const { device } = at
    await at.mine(5, 100)
    expect(device.verdicts).toEqual(Array(5).fill(expect.objectContaining({ isAccepted: true })))
    passed(firmware, 'shares')

    // Ten a second: what is useful is not asked for any more, but what the node can bear.
    const before = device.difficulties.at(-1) ?? 0
    await at.mine(25, 100)
    at.pool.refresh()
    await at.settle()
    const high = device.difficulties.at(-1) ?? 0
    expect(high).toBeGreaterThan(before)
    expect(device.accepted).toBe(30)
    passed(firmware, 'higher difficulty')

    const old = device.job
    await at.pass(200_000)
    expect(device.difficulties.at(-1)).toBeLessThan(high)
    device.mine(old)
    device.mine()
    await at.settle()
    expect(device.accepted).toBe(32)
    expect(device.complaints).toEqual([])
    passed(firmware, 'lower difficulty')
  })

  it('goes on with a new block, and bears what is refused', async () => {
    const at = await Hall.open('small', firmware)
    const { device } = at
    await at.mine(2, 1_000)
    const old = device.job
    at.pool.newBlock()
    await at.settle()
    expect(device.job.isClean).toBe(true)
    // On its way while the block was announced.
    device.mine(old)
    await at.settle()
    expect(device.verdicts.at(-1)).toMatchObject({ isAccepted: true })
    await at.mine(2, 1_000)
    expect(device.accepted).toBe(5)
    passed(firmware, 'new block')

    await at.pass(10_000)
    const { job } = device
    device.mine(old)
    device.mine(job)
    await at.settle()
    device.mine(job, { again: true })
    await at.settle()
    expect(device.verdicts.slice(-3).map(({ code }) => code)).toEqual([21, null, 22])
    await at.mine(1, 1_000)
    expect(device.verdicts.at(-1)).toMatchObject({ isAccepted: true })
    expect(device.complaints).toEqual([])
    passed(firmware, 'refusals')
  })

  it('comes back after its line was cut, and what it was hashing still counts if it asks for its session', async () => {
    const at = await Hall.open('small', firmware)
    const { device } = at
    await at.mine(2, 1_000)
    const { extranonce1, job } = device
    await device.cut()
    await at.pass(firmware.retryMs + 5_000)
    expect(device.connections).toBe(2)
    const asked = firmware.login.flat().find(({ what }) => what === 'subscribe')
    const session = '0123456789abcdef'
    const resumes = asked?.line({ user: '', password: '', session, minimumDifficulty: 1 }).includes(session) === true
    expect(device.extranonce1 === extranonce1).toBe(resumes)
    device.mine(job)
    await at.settle()
    expect(device.verdicts.at(-1)).toMatchObject(resumes ? { isAccepted: true } : { code: 21 })
    await at.mine(3, 1_000)
    expect(device.verdicts.slice(-3)).toEqual(Array(3).fill(expect.objectContaining({ isAccepted: true })))
    expect(device.complaints).toEqual([])
    passed(firmware, resumes ? 'cut line, resumed' : 'cut line')
  })

  it('is told when the node stops, and what it had under way is judged', async () => {
    const at = await Hall.open('small', firmware)
    const { device } = at
    await at.mine(2, 1_000)
    const stopped = at.pool.drain(NEVER_MS)
    // Those that obey hang up when they hear it; the share is on its way by then.
    device.mine()
    if (firmware.reconnect === 'ignores') {
      await at.settle()
      expect(device.accepted).toBe(3)
      await device.cut()
    }
    await stopped
    expect(at.pool.rig.facts('shareAccepted')).toHaveLength(3)
    expect(device.complaints).toEqual([])
    passed(firmware, 'stop')
  })

  it('comes back after the node was started anew', async () => {
    const at = await Hall.open('small', firmware)
    const { device } = at
    await at.mine(2, 1_000)
    await at.pool.restart()
    await at.pass(firmware.retryMs + 10_000)
    expect(device.connections).toBe(2)
    expect(device.isFirstClean).toBe(true)
    await at.mine(3, 1_000)
    expect(device.accepted).toBe(5)
    expect(device.complaints).toEqual([])
    passed(firmware, 'restart')
  })
})

const STAGES = 10

function tableRow([name, what]: readonly [string, readonly string[]]): string {
  return `| ${name} | ${what.join(', ')} |`
}

it('docs/stratum.md says what each make went through', () => {
  const docs = readFileSync(join(import.meta.dirname, '../../docs/stratum.md'), 'utf8')
  // Of those that were played whole: a run may be of some tests only.
  const rows = [...went].filter(([, what]) => what.length === STAGES).map(tableRow)
  expect(rows.filter(row => !docs.includes(row))).toEqual([])
})

afterAll(() => {
  const rows = [...went].map(([name, what]) => `  ${name.padEnd(24)} ${what.join(', ')}`)
  process.stdout.write(`firmware, and what it went through:\n${rows.join('\n')}\n`)
})
