import { type ChainParams, encodeShare, fingerprintText } from '@p2poolv2/consensus'
import { asciiToBytes, sha256, steadyMs } from '@p2poolv2/primitives'
import { ChainBuilder, easyParams, GENESIS_TIME_SEC } from '@p2poolv2/sharechain/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { differences, MAX_TOLD_DIFFERENCES } from './peers/rules.ts'
import { ScriptedPeer } from './testing/scripted-peer.ts'
import { TestNet } from './testing/test-net.ts'
import { TestNode } from './testing/test-node.ts'
import { encodeRulesMessage } from './wire/rules-messages.ts'

const params = easyParams()
/** The same genesis, and another rule. */
const otherParams: ChainParams = { ...params, spacingSec: params.spacingSec + 1 }
const builder = new ChainBuilder(params)
const row = builder.row(builder.genesis, 20)
const START_MS = steadyMs((GENESIS_TIME_SEC + 300) * 1_000)

let net: TestNet
let ann: TestNode

const rulesAt = (node: TestNode, peer: string) =>
  node.gossip.status(net.nowMs).peers.find(status => status.peer === peer)?.rules
const rulesOf = (theirs: ChainParams): Uint8Array => {
  const lines = fingerprintText(theirs)
  return encodeRulesMessage({ type: 'rules', fingerprint: sha256(asciiToBytes(lines)), lines })
}
const scripted = (rules: () => Uint8Array | null): ScriptedPeer => {
  const peer = new ScriptedPeer(() => null)
  peer.rules = rules
  net.add('mallory', peer)
  net.connect('mallory', 'ann', { latencyMs: 10 })
  return peer
}

beforeEach(() => {
  net = new TestNet(START_MS)
  ann = new TestNode(params)
  net.add('ann', ann)
})

describe('two nodes of our kind', () => {
  it('with the same rules find that out and sync', () => {
    const bob = new TestNode(params, { shares: row, nowMs: START_MS })
    net.add('bob', bob)
    net.connect('bob', 'ann')
    net.run(5_000)
    expect([rulesAt(ann, 'bob'), rulesAt(bob, 'ann')]).toEqual(['same', 'same'])
    expect(ann.gossip.status(net.nowMs).isPrivateFork).toBe(false)
    expect(ann.tip).toBe(bob.tip)
  })

  it('with other rules say which value differs, ask each other for nothing and part without blame', () => {
    const bob = new TestNode(otherParams, { shares: row, nowMs: START_MS })
    net.add('bob', bob)
    net.connect('ann', 'bob')
    net.run(300_000)
    const words = `spacingSec is ${params.spacingSec} here and ${otherParams.spacingSec} there`
    expect(rulesAt(ann, 'bob')).toEqual({ differs: [words] })
    expect(ann.facts.filter(({ type }) => type === 'rulesDiffer')).toEqual([
      { type: 'rulesDiffer', peer: 'bob', differs: [words] }
    ])
    const status = ann.gossip.status(net.nowMs)
    expect([status.state, status.isPrivateFork]).toEqual(['alone', true])
    expect(ann.chain.confirmedTip().height).toBe(0)
    expect(net.count(({ kind, payload }) => kind === 'response' && (payload?.length ?? 0) > 2_500)).toBe(0)
    expect([net.penalties, net.dropped]).toEqual([[], []])
  })

  it('are not told twice of one that comes back', () => {
    net.add('bob', new TestNode(otherParams))
    for (let n = 0; n < 3; n++) {
      net.connect('bob', 'ann')
      net.run(1_000)
      net.disconnect('bob', 'ann')
    }
    expect(ann.facts.filter(({ type }) => type === 'rulesDiffer')).toHaveLength(1)
  })

  it('are no private fork as long as one of them agrees', () => {
    net.add('bob', new TestNode(otherParams))
    net.connect('ann', 'bob')
    net.run(1_000)
    expect(ann.gossip.status(net.nowMs).isPrivateFork).toBe(true)
    net.add('cid', new TestNode(params))
    net.connect('ann', 'cid')
    net.run(1_000)
    expect(ann.gossip.status(net.nowMs).isPrivateFork).toBe(false)
  })
  it('make no private fork of a node that others dialled, whoever they are', () => {
    net.add('bob', new TestNode(otherParams))
    net.connect('bob', 'ann')
    net.run(1_000)
    expect(rulesAt(ann, 'bob')).toMatchObject({ differs: [expect.any(String)] })
    expect(ann.gossip.status(net.nowMs).isPrivateFork).toBe(false)
  })
})

it.each([
  ['the same rules', params, 'reject', 1],
  ['other rules', otherParams, 'ignore', 0]
] as const)('a share that is wrong here, from a peer with %s, ends as is due', (_name, theirs, verdict, penalties) => {
  scripted(() => rulesOf(theirs))
  net.run(1_000)
  const share = builder.build({ parent: builder.genesis, miner: 4, spoil: 'payout' })
  net.act('mallory', [{ type: 'publish', topic: 'shares', data: encodeShare(share) }])
  net.run(1_000)
  expect(net.verdicts).toMatchObject([{ by: 'ann', verdict }])
  expect(net.penalties).toHaveLength(penalties)
})

it('what was held against a peer before it told other rules is forgiven, and what it is asked for ends', () => {
  net.loses = ({ from, kind }) => from === 'mallory' && kind === 'response'
  scripted(() => rulesOf(otherParams))
  const share = builder.build({ parent: builder.genesis, miner: 4, spoil: 'payout' })
  net.act('mallory', [{ type: 'publish', topic: 'shares', data: encodeShare(share) }])
  net.run(100)
  const points = () => ann.gossip.status(net.nowMs).peers[0]?.penaltyPoints
  expect(points()).toBeGreaterThan(0)
  const [rules] = net.delivered.filter(
    ({ to, kind, payload }) => to === 'mallory' && kind === 'request' && payload?.length === 1
  )
  expect(rules).toBeDefined()
  // Its answer comes late: the second request of the node, behind the handshake.
  net.act('ann', ann.handle({ type: 'peerResponse', requestId: 2, payload: rulesOf(otherParams) }, net.nowMs))
  expect(points()).toBe(0)
  expect(rulesAt(ann, 'mallory')).toMatchObject({ differs: [expect.stringContaining('spacingSec')] })
  ann.gossip.checkInvariants()
})

describe('a peer of our kind', () => {
  it('that does not answer is one of whom nothing is known, and is asked for headers like a reference peer', () => {
    const peer = scripted(() => null)
    net.act('mallory', [
      peer.request('ann', { type: 'handshake', tipHeight: 20, tipHash: row[19]?.hash ?? builder.genesis })
    ])
    net.run(5_000)
    expect(rulesAt(ann, 'mallory')).toBe('unknown')
    expect(peer.count('getShareHeaders')).toBeGreaterThan(0)
    expect(ann.gossip.status(net.nowMs).isPrivateFork).toBe(false)
  })

  it('that sends nonsense for rules is blamed, and nothing is known of it', () => {
    scripted(() => Uint8Array.of(1, 2, 3))
    net.run(5_000)
    expect(net.penalties).toEqual([{ by: 'ann', peer: 'mallory', code: 'malformed-answer' }])
    expect(rulesAt(ann, 'mallory')).toBe('unknown')
  })

  it('that tells a fingerprint alone has other rules, nobody knows which', () => {
    scripted(() => encodeRulesMessage({ type: 'rules', fingerprint: new Uint8Array(32), lines: '' }))
    net.run(5_000)
    expect(rulesAt(ann, 'mallory')).toEqual({ differs: ['it does not say which'] })
  })

  it('is answered once a connection', () => {
    const peer = scripted(() => null)
    const question = {
      type: 'request',
      peer: 'ann',
      protocol: 'rules',
      payload: Uint8Array.of(0),
      timeoutMs: 1_000
    } as const
    for (let n = 0; n < 3; n++) net.act('mallory', [{ ...question, requestId: 1_000 + n }])
    net.run(1_000)
    const answers = net.delivered.filter(({ to, kind }) => to === 'mallory' && kind === 'response')
    expect(answers.map(({ payload }) => payload !== null)).toEqual([true, false, false])
    expect(peer.asked.length).toBeGreaterThan(0)
  })
})

describe('differences', () => {
  it('name values that differ and those only one has, each with what it is', () => {
    expect(differences('a=1\nb=2\nc=3\n', 'a=1\nb=5\nd=4\n')).toEqual([
      'b is 2 here and 5 there',
      'c is 3 here and not known there',
      'd is not known here and 4 there'
    ])
  })

  it('are few and short whatever a peer tells, and never none', () => {
    const many = Array.from({ length: 200 }, (_, n) => `n${n}=${'9'.repeat(300)}\n`).join('')
    const words = differences('a=1\n', many)
    expect(words).toHaveLength(MAX_TOLD_DIFFERENCES)
    expect(Math.max(...words.map(line => line.length))).toBeLessThan(300)
    expect(differences('a=1\nb=2\n', 'b=2\na=1\n')).toHaveLength(1)
  })
})
