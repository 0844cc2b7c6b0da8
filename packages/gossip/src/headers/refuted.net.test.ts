import type { Share } from '@p2poolv2/consensus'
import { type ShareHash, steadyMs } from '@p2poolv2/primitives'
import { ChainBuilder, easyParams, GENESIS_TIME_SEC, headerItem } from '@p2poolv2/sharechain/testing'
import { expect, it } from 'vitest'
import { ScriptedPeer } from '../testing/scripted-peer.ts'
import { TestNet } from '../testing/test-net.ts'
import { TestNode } from '../testing/test-node.ts'

const params = easyParams()
const START_MS = steadyMs((GENESIS_TIME_SEC + 2_000) * 1_000)
const SHARES = 800
const FORK = 400

const builder = new ChainBuilder(params)
const honest = builder.row(builder.genesis, SHARES)
/** Heavier, and against the rules from its first share of its own on. */
const forged: Share[] = []
for (let height = FORK + 1; height <= SHARES + 20; height++) {
  const parent = forged.at(-1)?.hash ?? honest[FORK - 1]?.hash ?? builder.genesis
  forged.push(builder.build({ parent, miner: 7, ...(forged.length === 0 ? { spoil: 'payout' } : {}) }))
}
const told = [...honest.slice(0, FORK), ...forged]
const tipOf = (shares: readonly Share[]): ShareHash => shares.at(-1)?.hash ?? builder.genesis

/** Has every header and body of a chain. @param isSlow asked for headers: whether this answer does not come */
function teller(chain: readonly Share[], isSlow: () => boolean = () => false): ScriptedPeer {
  return new ScriptedPeer(
    message => {
      if (message.type === 'getShareHeaders') {
        if (isSlow()) return 'silent'
        const at = chain.findLastIndex(({ hash }) => message.locator.includes(hash))
        return { type: 'shareHeaders', items: chain.slice(at + 1, at + 901).map(headerItem) }
      }
      if (message.type !== 'getData' || message.kind !== 'share') return null
      const share = chain.find(({ hash }) => hash === message.hash)
      return share === undefined
        ? { type: 'notFound', kind: 'share', hash: message.hash }
        : { type: 'shareBlock', share }
    },
    [{ type: 'handshake', tipHeight: chain.length, tipHash: tipOf(chain) }]
  )
}

it('asks those again, at once, whose chain was lighter than one that turned out to break the rules', () => {
  const net = new TestNet(START_MS)
  const ann = new TestNode(params)
  net.add('ann', ann)
  net.add('liar', teller(told))
  net.add('bob', new TestNode(params, { shares: honest, nowMs: START_MS }))
  net.connect('ann', 'liar', { latencyMs: 20 })
  net.run(300)
  expect(ann.chain.candidateTip().hash).toBe(tipOf(told))
  net.connect('ann', 'bob', { latencyMs: 20 })
  net.run(15_000)
  expect(ann.facts).toContainEqual({ type: 'headersFailed', peer: 'bob', reason: 'lighter-chain' })
  expect(ann.tip).toBe(tipOf(honest))
})

it('asks those again too that had told all before: what they told may have been let go of', () => {
  const net = new TestNet(START_MS)
  const ann = new TestNode(params)
  const bob = teller(honest)
  net.add('ann', ann)
  net.add('bob', bob)
  net.add('liar', teller(told))
  net.connect('ann', 'bob', { latencyMs: 20 })
  net.run(15_000)
  expect(ann.tip).toBe(tipOf(honest))
  const asked = bob.count('getShareHeaders')
  net.connect('ann', 'liar', { latencyMs: 20 })
  net.run(5_000)
  const fact = { type: 'headersTaken', peer: 'liar', height: told.length }
  expect(ann.facts).toContainEqual(expect.objectContaining(fact))
  expect(ann.tip).toBe(tipOf(honest))
  expect(bob.count('getShareHeaders')).toBeGreaterThan(asked)
})

it('asks one again soon that was slow with the rest of what it had to tell, while others had nothing', () => {
  const net = new TestNet(START_MS)
  const ann = new TestNode(params)
  // Its first answer after the fall does not come.
  let isRefuted = false
  const bob = teller(honest, () => {
    const isSlow = isRefuted
    isRefuted = false
    return isSlow
  })
  net.add('ann', ann)
  net.add('liar', teller(told))
  net.add('bob', bob)
  net.connect('ann', 'liar', { latencyMs: 20 })
  net.run(300)
  net.connect('ann', 'bob', { latencyMs: 20 })
  net.run(100)
  expect(ann.facts).toContainEqual({ type: 'headersFailed', peer: 'bob', reason: 'lighter-chain' })
  isRefuted = true
  net.run(25_000)
  expect(isRefuted).toBe(false)
  expect(ann.tip).toBe(tipOf(honest))
})

it('takes headers that it knows to break the rules for nothing, whoever shows them, and is current in a quiet network', () => {
  const net = new TestNet(START_MS)
  const ann = new TestNode(params)
  const liar = teller(told)
  net.add('ann', ann)
  net.add('liar', liar)
  net.add('bob', teller(honest))
  net.connect('ann', 'liar', { latencyMs: 20 })
  net.run(300)
  net.connect('ann', 'bob', { latencyMs: 20 })
  net.run(20_000)
  expect(ann.tip).toBe(tipOf(honest))
  const asked = liar.count('getShareHeaders')
  net.run(180_000)
  expect(ann.tip).toBe(tipOf(honest))
  const status = ann.gossip.status(net.nowMs)
  expect([status.state, status.quiet]).toEqual(['current', true])
  expect(status.peers.map(({ peer, shownHeight }) => [peer, shownHeight])).toEqual([
    ['liar', null],
    ['bob', SHARES]
  ])
  // After 10 s, 20 s and so on, one answer each.
  expect(liar.count('getShareHeaders') - asked).toBeLessThanOrEqual(6)
  expect(net.penalties).toEqual([])
})
