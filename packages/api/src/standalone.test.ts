import { type DoctorJson, type EarningsJson, ROUTES, type Route, type WindowJson } from '@p2poolv2/api/schema'
import { A_BLOCK, A_SHARE, address, type RigOptions } from '@p2poolv2/node/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { LiveNode } from './testing/live-node.ts'

const MODES: readonly (readonly [string, RigOptions])[] = [
  ['solo', { mode: 'solo' }],
  ['hydrapool', { mode: 'hydrapool', accounting: { rows: [], windowBlocks: 1 } }]
]

let node: LiveNode
afterEach(() => node.stop())

async function mined(options: RigOptions): Promise<void> {
  node = new LiveNode(options)
  const { rig } = node
  rig.template()
  rig.connect(1, `${address(1)}.attic`)
  await node.start()
  rig.advance(10_000)
  rig.mine(1, A_SHARE)
  rig.advance(10_000)
  rig.mine(1, A_BLOCK)
}

describe.each(MODES)('a node in the mode %s', (mode, options) => {
  it('promises nothing that only a share chain could pay', async () => {
    await mined(options)
    const { earnings, message } = await node.json<EarningsJson>('/v1/earnings')
    expect(earnings).toBeNull()
    expect(message).toMatch(mode === 'solo' ? /pays the miner that finds it/ : /by its own accounting/)
  })

  it('misses neither peers nor shares', async () => {
    await mined(options)
    const { checks } = await node.json<DoctorJson>('/v1/doctor')
    expect(checks.map(({ id }) => id)).toEqual([
      'bitcoin-node',
      'work',
      'clock',
      'miners',
      'miners-refused',
      'coinbase-room'
    ])
    expect(checks.filter(({ group }) => group === 'peers' || group === 'sharechain')).toEqual([])
    expect(checks.find(({ id }) => id === 'work')).toMatchObject({ state: 'ok' })
  })

  it('answers every question without a fault, and the window is that of its accounting', async () => {
    await mined(options)
    for (const { method, path } of Object.values<Route>(ROUTES)) {
      if (method !== 'get' || path.includes('{') || path === '/v1/events') continue
      expect((await fetch(node.url(path))).status, path).not.toBe(500)
    }
    expect((await node.json<WindowJson>('/v1/window')).base).toBeNull()
    const { miners } = await node.json<WindowJson>('/v1/window')
    expect(miners.map(payee => payee.address)).toEqual(mode === 'solo' ? [] : [address(1)])
  })
})
