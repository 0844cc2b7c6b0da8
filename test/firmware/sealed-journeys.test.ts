import { describe, expect, it } from 'vitest'
import { Hall } from './hall.ts'
import { FirmwarePool, type PoolSize, sealedDoor } from './pool.ts'
import { type ChannelKind, ESP_MINER, SealedDevice } from './sealed-device.ts'
import { stagesOf } from './stages.ts'

const SEALED_DOOR = 1
/** Longer than any test: what it would come to is shown without it. */
const NEVER_MS = 3_600_000

async function open(size: PoolSize, kind: ChannelKind): Promise<Hall<SealedDevice>> {
  const pool = await FirmwarePool.open(size, [sealedDoor()])
  return Hall.open({ pool, door: SEALED_DOOR, device: new SealedDevice(kind) })
}

const { passed: passedBy, testPage } = stagesOf('stratum-v2.md')

describe.each(['extended', 'standard'] as const)('a bitaxe set to Stratum V2, with %s channels', kind => {
  const name = `ESP-Miner 5c27713, ${kind} channel`
  const passed = (what: string): void => passedBy(name, what)

  it('opens its channel and hears the difficulty of its kind', async () => {
    const { device } = await open('real', kind)
    expect(device.difficulties.map(Math.round)).toEqual([512])
    expect(device.complaints).toEqual([])
    passed('login')
  })

  it('is never left alone for so long that it gives the pool up, and is asked for less, but not too little', async () => {
    const at = await open('real', kind)
    await at.pass(900_000)
    const { device } = at
    expect(device.isOpen).toBe(true)
    expect(device.connections).toBe(1)
    expect(Math.round(device.difficulties.at(-1) ?? 0)).toBeGreaterThanOrEqual(256)
    expect(device.complaints).toEqual([])
    passed('silence of 15 min')
  })

  it('mines shares, and again after each change of its difficulty', async () => {
    const at = await open('small', kind)
    const { device } = at
    await at.mine(5, 100)
    expect(device.verdicts).toEqual(Array(5).fill(expect.objectContaining({ refusal: null })))
    passed('shares')

    const before = device.difficulties.at(-1) ?? 0
    await at.mine(25, 100)
    at.pool.refresh()
    await at.settle()
    const high = device.difficulties.at(-1) ?? 0
    expect(high).toBeGreaterThan(before)
    expect(device.accepted).toBe(30)
    passed('higher difficulty')

    const old = device.job
    await at.pass(200_000)
    expect(device.difficulties.at(-1)).toBeLessThan(high)
    device.mine(old)
    device.mine()
    await at.settle()
    expect(device.accepted).toBe(32)
    expect(device.complaints).toEqual([])
    passed('lower difficulty')
  })

  it('goes on with a new block, and bears what is refused', async () => {
    const at = await open('small', kind)
    const { device } = at
    await at.mine(2, 1_000)
    const old = device.job
    at.pool.newBlock()
    await at.settle()
    // On its way while the block was announced.
    device.mine(old)
    await at.settle()
    expect(device.verdicts.at(-1)).toMatchObject({ refusal: null })
    await at.mine(2, 1_000)
    expect(device.accepted).toBe(5)
    passed('new block')

    await at.pass(10_000)
    device.mine(old)
    device.mine()
    await at.settle()
    device.repeat()
    await at.settle()
    expect(device.verdicts.slice(-3).map(({ refusal }) => refusal)).toEqual(['stale-share', null, 'duplicate-share'])
    await at.mine(1, 1_000)
    expect(device.verdicts.at(-1)).toMatchObject({ refusal: null })
    expect(device.complaints).toEqual([])
    passed('refusals')
  })

  it('comes back after its line was cut, to a channel of its own', async () => {
    const at = await open('small', kind)
    const { device } = at
    await at.mine(2, 1_000)
    await device.cut()
    await at.pass(ESP_MINER.retryMs + 5_000)
    expect(device.connections).toBe(2)
    await at.mine(3, 1_000)
    expect(device.accepted).toBe(5)
    expect(device.complaints).toEqual([])
    passed('cut line')
  })

  it('is told nothing when the node stops, and what it had under way is judged', async () => {
    const at = await open('small', kind)
    const { device } = at
    await at.mine(2, 1_000)
    const stopped = at.pool.drain(NEVER_MS)
    device.mine()
    await at.settle()
    expect(device.accepted).toBe(3)
    await device.cut()
    await stopped
    expect(at.pool.rig.facts('shareAccepted')).toHaveLength(3)
    expect(device.complaints).toEqual([])
    passed('stop')
  })

  it('comes back after the node was started anew', async () => {
    const at = await open('small', kind)
    const { device } = at
    await at.mine(2, 1_000)
    await at.pool.restart()
    await at.pass(ESP_MINER.retryMs + 10_000)
    expect(device.connections).toBe(2)
    await at.mine(3, 1_000)
    expect(device.accepted).toBe(5)
    expect(device.complaints).toEqual([])
    passed('restart')
  })
})

testPage()
