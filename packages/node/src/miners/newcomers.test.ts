import { expect, it } from 'vitest'
import { A_SHARE, address, effectsOf, Rig } from '../testing/rig.ts'

const CAP = 4

/** A node at its cap: two miners of one house that have had a share accepted, and two that sit there, of another. */
function full(sitting: readonly [string, string] = ['203.0.113.9', '203.0.113.9']): Rig {
  const rig = new Rig({ maxMiners: CAP })
  rig.template()
  for (const id of [1, 2]) come(rig, id, '192.0.2.1')
  for (const [n, host] of sitting.entries()) come(rig, 11 + n, host)
  for (const id of [1, 2]) rig.mine(id, A_SHARE)
  return rig
}

function come(rig: Rig, id: number, host: string): readonly (readonly [number, string])[] {
  const miner = rig.script(id, address(id))
  const effects = rig.handle({ type: 'minerConnected', miner: id, remote: `${host}:${4_000 + id}` })
  rig.handle({ type: 'minerLines', miner: id, lines: miner.hello() })
  rig.core.checkInvariants()
  return effectsOf(effects, 'closeMiner').map(({ miner: closed, reason }) => [closed, reason])
}

it('at the cap who has had nothing accepted gives way, the first to come first, and those that mine stay', () => {
  const rig = full()
  expect(come(rig, 21, '198.51.100.1')).toEqual([[11, 'made-room']])
  expect(rig.miner(21).jobs).toHaveLength(1)
  expect(come(rig, 22, '198.51.100.2')).toEqual([[12, 'made-room']])
  rig.mine(1, A_SHARE)
  expect(rig.facts('shareAccepted')).toHaveLength(3)
})

it('of them one of the host that has the most, so that a flood takes only its own places', () => {
  const rig = full()
  come(rig, 21, '198.51.100.1')
  for (let id = 31; id < 40; id++) expect(come(rig, id, '203.0.113.9')).not.toContainEqual([21, 'made-room'])
  expect(rig.core.queries.status(rig.now).miners).toHaveLength(CAP)
})

it('an IPv6 host is one host whatever its addresses', () => {
  const rig = full(['[2001:db8::1]', '[2001:db8::2]'])
  expect(come(rig, 21, '203.0.113.9')).toEqual([[11, 'made-room']])
})

it('where all have had something accepted one that had nothing for ten minutes gives way', () => {
  const rig = full()
  for (const id of [11, 12]) rig.mine(id, A_SHARE)
  expect(come(rig, 21, '198.51.100.1')).toEqual([[21, 'too-many-miners']])
  rig.advance(599_000)
  for (const id of [1, 2, 12]) rig.mine(id, A_SHARE)
  expect(come(rig, 22, '198.51.100.1')).toEqual([[22, 'too-many-miners']])
  rig.advance(1_000)
  expect(come(rig, 23, '198.51.100.1')).toEqual([[11, 'made-room']])
})

it('what one that gave way had sent already may still be a share', () => {
  const rig = full()
  const lines = [rig.miner(11).submit(rig.miner(11).grind(A_SHARE))]
  expect(come(rig, 21, '198.51.100.1')).toEqual([[11, 'made-room']])
  const shares = rig.facts('shareFound').length
  rig.handle({ type: 'minerLines', miner: 11, lines })
  expect(rig.facts('shareFound')).toHaveLength(shares + 1)
})

it('of the names of a connection only the first is listed before something was accepted under it', () => {
  const rig = new Rig()
  rig.template()
  const miner = rig.connect(1, `${address(1)}.w0`)
  const authorize = (n: number): Uint8Array =>
    Buffer.from(JSON.stringify({ id: 90 + n, method: 'mining.authorize', params: [`${address(1)}.w${n}`, 'x'] }))
  rig.handle({ type: 'minerLines', miner: 1, lines: Array.from({ length: 63 }, (_, n) => authorize(n + 1)) })
  const listed = (): string[] => rig.core.queries.workers(rig.now).map(({ worker }) => worker)
  expect(listed()).toEqual(['w0'])
  const submit = Buffer.from(miner.submit(miner.grind(A_SHARE)))
    .toString()
    .replace('.w0"', '.w7"')
  rig.handle({ type: 'minerLines', miner: 1, lines: [Buffer.from(submit)] })
  expect(listed()).toEqual(['w0', 'w7'])
  expect(rig.core.queries.totals(rig.now).connections).toBe(2)
  rig.handle({ type: 'minerGone', miner: 1 })
  expect(listed()).toEqual(['w7'])
  rig.core.checkInvariants()
})
