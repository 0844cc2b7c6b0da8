import { describe, expect, it } from 'vitest'
import { Device } from './device.ts'
import type { Firmware } from './firmware.ts'
import { Hall } from './hall.ts'
import { FirmwarePool, type PoolSize } from './pool.ts'
import { FIRMWARES } from './profiles.ts'
import { stagesOf } from './stages.ts'

const HIGH_DIFFICULTY_DOOR = { startDifficulty: 1_000_000 }

async function open(size: PoolSize, firmware: Firmware): Promise<Hall<Device>> {
  const pool = await FirmwarePool.open(size, [HIGH_DIFFICULTY_DOOR])
  return Hall.open({ pool, door: firmware.door, device: new Device(firmware, size) })
}

/** Longer than any test: what it would come to is shown without it. */
const NEVER_MS = 3_600_000

const { passed, testPage } = stagesOf('stratum.md')

describe.each(FIRMWARES)('$name', firmware => {
  it('logs in and hears the difficulty of its kind, in numbers that it reads', async () => {
    const { device } = await open('real', firmware)
    expect(device.difficulties[0]).toBe(firmware.firstDifficulty)
    expect(device.isFirstClean).toBe(true)
    expect(device.complaints).toEqual([])
    passed(firmware.name, 'login')
  })

  it('is never left alone for so long that it gives the pool up, and is asked for less, but not too little', async () => {
    const at = await open('real', firmware)
    await at.pass(900_000)
    const { device } = at
    expect(device.isOpen).toBe(true)
    expect(device.connections).toBe(1)
    const last = device.difficulties.at(-1) ?? 0
    expect(last).toBeGreaterThanOrEqual(firmware.leastDifficulty)
    expect(device.complaints).toEqual([])
    passed(firmware.name, 'silence of 15 min')
  })

  it('mines shares, and again after each change of its difficulty', async () => {
    const at = await open('small', firmware)
    const { device } = at
    await at.mine(5, 100)
    expect(device.verdicts).toEqual(Array(5).fill(expect.objectContaining({ isAccepted: true })))
    passed(firmware.name, 'shares')

    // Ten a second: what is useful is not asked for any more, but what the node can bear.
    const before = device.difficulties.at(-1) ?? 0
    await at.mine(25, 100)
    at.pool.refresh()
    await at.settle()
    const high = device.difficulties.at(-1) ?? 0
    expect(high).toBeGreaterThan(before)
    expect(device.accepted).toBe(30)
    passed(firmware.name, 'higher difficulty')

    const old = device.job
    await at.pass(200_000)
    expect(device.difficulties.at(-1)).toBeLessThan(high)
    device.mine(old)
    device.mine()
    await at.settle()
    expect(device.accepted).toBe(32)
    expect(device.complaints).toEqual([])
    passed(firmware.name, 'lower difficulty')
  })

  it('goes on with a new block, and bears what is refused', async () => {
    const at = await open('small', firmware)
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
    passed(firmware.name, 'new block')

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
    passed(firmware.name, 'refusals')
  })

  it('comes back after its line was cut, and what it was hashing still counts if it asks for its session', async () => {
    const at = await open('small', firmware)
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
    passed(firmware.name, resumes ? 'cut line, resumed' : 'cut line')
  })

  it('is told when the node stops, and what it had under way is judged', async () => {
    const at = await open('small', firmware)
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
    passed(firmware.name, 'stop')
  })

  it('comes back after the node was started anew', async () => {
    const at = await open('small', firmware)
    const { device } = at
    await at.mine(2, 1_000)
    await at.pool.restart()
    await at.pass(firmware.retryMs + 10_000)
    expect(device.connections).toBe(2)
    expect(device.isFirstClean).toBe(true)
    await at.mine(3, 1_000)
    expect(device.accepted).toBe(5)
    expect(device.complaints).toEqual([])
    passed(firmware.name, 'restart')
  })
})

testPage()
