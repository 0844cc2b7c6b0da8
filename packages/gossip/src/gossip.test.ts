import { encodeShare } from '@p2poolv2/consensus'
import { type SteadyMs, steadyMs, ZERO_SHARE_HASH } from '@p2poolv2/primitives'
import { ChainBuilder, easyParams, GENESIS_TIME_SEC } from '@p2poolv2/sharechain/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { STALL_MS } from './headers/pace.ts'
import { POLL_MS } from './headers/turns.ts'
import type { PeerEffect } from './network-port.ts'
import { MAX_QUEUED_PER_PEER } from './peers/request-queue.ts'
import { TestNode } from './testing/test-node.ts'
import { encodeFrame } from './wire/frame.ts'
import { decodeMessage, encodeMessage, type PeerMessage } from './wire/messages.ts'

const params = easyParams()
const builder = new ChainBuilder(params)
const row = builder.row(builder.genesis, 5)
const tip = builder.known.confirmedTip()
const NOW = steadyMs((GENESIS_TIME_SEC + 10) * 1_000)
const later = (ms: number) => steadyMs(NOW + ms)

const EMPTY_INPUT = { prevIndex: 0, scriptSig: new Uint8Array(0), sequence: 0, witness: [] }

let node: TestNode

const connect = (peer: string, dialect: 'ours' | 'reference' = 'reference') =>
  node.handle({ type: 'peerConnected', peer, direction: 'inbound', dialect }, NOW)
let lastId = 0
/** Peers that take what they are answered at once. */
const withAnswersTaken = (effects: readonly PeerEffect[], atMs: SteadyMs): readonly PeerEffect[] => {
  const all = [...effects]
  for (const effect of all) {
    if (effect.type !== 'respond') continue
    all.push(...node.handle({ type: 'responded', peer: effect.peer, requestId: effect.requestId }, atMs))
  }
  return all
}
const ask = (peer: string, message: PeerMessage | Uint8Array, atMs = NOW): readonly PeerEffect[] => {
  const payload = message instanceof Uint8Array ? message : encodeMessage(message)
  const request = { type: 'peerRequest', peer, requestId: ++lastId, protocol: 'shares', payload } as const
  return withAnswersTaken(node.handle(request, atMs), atMs)
}
const deadline = (atMs: SteadyMs): readonly PeerEffect[] =>
  withAnswersTaken(node.handle({ type: 'deadline' }, atMs), atMs)
const requests = (effects: readonly PeerEffect[]) =>
  effects.flatMap(effect =>
    effect.type === 'request' ? [{ peer: effect.peer, ...decodeMessage(effect.payload), id: effect.requestId }] : []
  )
const answers = (effects: readonly PeerEffect[]) =>
  effects.flatMap(effect =>
    effect.type === 'respond' ? [effect.payload === null ? null : decodeMessage(effect.payload)] : []
  )

beforeEach(() => {
  node = new TestNode(params, { shares: row, nowMs: NOW })
})

describe('the handshake', () => {
  it('is sent to every peer on connection, with the confirmed tip', () => {
    const [handshake] = requests(connect('ann'))
    expect(handshake).toMatchObject({ peer: 'ann', type: 'handshake', tipHeight: 5, tipHash: tip.hash })
  })

  it('on a new chain is the known frame of the genesis', () => {
    const young = new TestNode(params)
    const effects = young.handle({ type: 'peerConnected', peer: 'ann', direction: 'inbound', dialect: 'ours' }, NOW)
    const payload = effects[0]?.type === 'request' ? effects[0].payload : new Uint8Array(0)
    expect(encodeFrame(payload)).toHaveLength(8 + 37)
    expect(decodeMessage(payload)).toMatchObject({ tipHeight: 0, tipHash: builder.genesis })
  })

  it.each([
    ['our own tip', tip.hash, 5],
    ['a share that is valid here', row[1]?.hash ?? tip.hash, 2],
    ['the genesis', builder.genesis, 0]
  ])('with %s asks for nothing', (_name, tipHash, tipHeight) => {
    connect('ann')
    const effects = ask('ann', { type: 'handshake', tipHeight, tipHash })
    expect(answers(effects)).toEqual([{ type: 'ack' }])
    expect(requests(effects)).toEqual([])
  })

  it('with a share we do not know asks for headers, even if it is lower than ours', () => {
    connect('ann')
    const effects = ask('ann', { type: 'handshake', tipHeight: 1, tipHash: ZERO_SHARE_HASH })
    const [first] = requests(effects)
    expect(first).toMatchObject({ type: 'getShareHeaders', stop: ZERO_SHARE_HASH })
    expect(first?.type === 'getShareHeaders' && first.locator).toEqual(node.chain.locator(0))
    expect(first?.type === 'getShareHeaders' && first.locator.at(-1)).toBe(builder.genesis)
  })
})

describe('requests', () => {
  beforeEach(() => {
    connect('ann')
  })

  it('for a share are answered with it, or with not found', () => {
    const [share] = row
    if (share === undefined) throw new Error('shares were built')
    expect(answers(ask('ann', { type: 'getData', kind: 'share', hash: share.hash }))).toMatchObject([
      { type: 'shareBlock', share: { hash: share.hash } }
    ])
    expect(answers(ask('ann', { type: 'getData', kind: 'share', hash: ZERO_SHARE_HASH }))).toEqual([
      { type: 'notFound', kind: 'share', hash: ZERO_SHARE_HASH }
    ])
  })

  it('for the shares after a locator are answered with their hashes', () => {
    const effects = ask('ann', { type: 'getShareBlocks', locator: [builder.genesis], stop: ZERO_SHARE_HASH })
    expect(answers(effects)).toEqual([{ type: 'inventory', kind: 'share', hashes: row.map(({ hash }) => hash) }])
  })

  it.each([[{ type: 'ack' } as const], [{ type: 'notFound', kind: 'share', hash: ZERO_SHARE_HASH } as const]])(
    'that are none get no answer and no penalty: %o',
    message => {
      const effects = ask('ann', message)
      expect(answers(effects)).toEqual([null])
      expect(effects).toHaveLength(1)
    }
  )

  it('beyond the rate wait their turn and are all answered', () => {
    let answered = 0
    for (let i = 0; i < 400 + MAX_QUEUED_PER_PEER; i++) answered += answers(ask('ann', { type: 'ack' })).length
    expect(answered).toBe(400)
    for (let at = node.gossip.nextDeadlineMs; at !== null && at <= later(1_000); at = node.gossip.nextDeadlineMs) {
      answered += answers(deadline(at)).length
    }
    expect(answered).toBe(400 + MAX_QUEUED_PER_PEER)
  })

  it('for much wait until the bytes of the answers before are paid for; what is told does not wait', () => {
    const transaction = {
      version: 2,
      inputs: [{ ...EMPTY_INPUT, prevTxidWire: new Uint8Array(32).fill(7) }],
      outputs: [{ valueSats: 0n, script: new Uint8Array(190_000) }],
      lockTime: 0
    }
    const wide = builder.build({ parent: tip.hash, transactions: [transaction] })
    node = new TestNode(params, { shares: [...row, wide], nowMs: NOW })
    connect('ann')
    const wanted = 100
    const bytes = encodeShare(wide).length + 1
    const isIt = (message: ReturnType<typeof answers>[number]) => message?.type === 'shareBlock'
    let given = 0
    for (let i = 0; i < wanted; i++) {
      given += answers(ask('ann', { type: 'getData', kind: 'share', hash: wide.hash })).filter(isIt).length
    }
    expect(given).toBe(Math.ceil(8_000_000 / bytes))
    const told = ask('ann', { type: 'inventory', kind: 'share', hashes: [tip.hash] })
    expect(answers(told)).toEqual([{ type: 'ack' }])
    expect(answers(ask('ann', { type: 'getData', kind: 'share', hash: wide.hash }))).toEqual([])
    let lastMs = 0
    for (
      let at = node.gossip.nextDeadlineMs;
      given <= wanted && at !== null && at < later(60_000);
      at = node.gossip.nextDeadlineMs
    ) {
      given += answers(deadline(at)).filter(isIt).length
      lastMs = at - NOW
    }
    // All of them in the end, at two megabytes a second.
    expect(given).toBe(wanted + 1)
    const expectedMs = ((wanted + 1) * bytes - 8_000_000) / 2_000
    expect(lastMs).toBeGreaterThan(0.95 * expectedMs)
    expect(lastMs).toBeLessThan(1.05 * expectedMs)
  })

  it('of strangers are closed', () => {
    expect(answers(ask('zoe', { type: 'ack' }))).toEqual([null])
  })
})

describe('asking for headers', () => {
  it('asks a second peer when the first keeps us waiting, and a third one not', () => {
    for (const peer of ['ann', 'bob', 'cid']) connect(peer)
    const first = ask('ann', { type: 'handshake', tipHeight: 9, tipHash: ZERO_SHARE_HASH })
    expect(requests(first).map(({ peer }) => peer)).toEqual(['ann'])
    expect(requests(node.handle({ type: 'deadline' }, later(STALL_MS - 1)))).toEqual([])
    expect(node.gossip.nextDeadlineMs).toBe(NOW + STALL_MS)
    const second = node.handle({ type: 'deadline' }, later(STALL_MS))
    expect(requests(second).map(({ type }) => type)).toEqual(['getShareHeaders'])
    expect(requests(node.handle({ type: 'deadline' }, later(STALL_MS * 2)))).toEqual([])
  })

  it('is done with one peer after another about once a minute even when nothing seems to be missing', () => {
    for (const peer of ['ann', 'bob']) connect(peer)
    const polled: string[] = []
    for (let at = node.gossip.nextDeadlineMs; at !== null && at < later(POLL_MS * 5); at = node.gossip.nextDeadlineMs) {
      const effects = node.handle({ type: 'deadline' }, at)
      for (const { peer, type, id } of requests(effects)) {
        if (type !== 'getShareHeaders') continue
        polled.push(peer)
        const payload = encodeMessage({ type: 'shareHeaders', items: [] })
        node.handle({ type: 'peerResponse', requestId: id, payload }, at)
      }
    }
    expect(polled).toEqual(['ann', 'bob', 'ann', 'bob'])
  })

  it('ends when there is nobody left to ask', () => {
    connect('ann')
    ask('ann', { type: 'handshake', tipHeight: 9, tipHash: ZERO_SHARE_HASH })
    node.handle({ type: 'peerGone', peer: 'ann' }, NOW)
    expect(node.gossip.nextDeadlineMs).toBeNull()
  })
})

describe('the status', () => {
  it('is alone, then syncing while a peer’s headers are awaited, then current', () => {
    const nowMs = steadyMs((GENESIS_TIME_SEC + 5_000) * 1_000)
    expect(node.gossip.status(nowMs).state).toBe('alone')
    node.handle({ type: 'peerConnected', peer: 'ann', direction: 'outbound', dialect: 'ours' }, nowMs)
    expect(node.gossip.status(nowMs).state).toBe('syncing')
    const [request] = requests(ask('ann', { type: 'handshake', tipHeight: 9, tipHash: ZERO_SHARE_HASH }, nowMs))
    expect(node.gossip.status(nowMs)).toMatchObject({ state: 'syncing', peers: [{ peer: 'ann', claimedHeight: 9 }] })
    const payload = encodeMessage({ type: 'shareHeaders', items: [] })
    node.handle({ type: 'peerResponse', requestId: request?.id ?? 0, payload }, nowMs)
    expect(node.gossip.status(nowMs)).toMatchObject({ state: 'current', quiet: true })
    expect(node.facts.filter(fact => fact.type === 'statusChanged').map(fact => fact.state)).toEqual([
      'syncing',
      'current'
    ])
  })

  it('is current on a fresh chain as soon as a peer has had a word, and not before', () => {
    connect('ann')
    expect(node.gossip.status(NOW).state).toBe('syncing')
    ask('ann', { type: 'handshake', tipHeight: 0, tipHash: builder.genesis })
    expect(node.gossip.status(NOW).state).toBe('current')
  })
})

it('a message from a peer that was just dropped is ignored, and its answers are too', () => {
  connect('ann', 'ours')
  node.handle({ type: 'peerGone', peer: 'ann' }, NOW)
  const data = new Uint8Array([1])
  expect(node.handle({ type: 'gossip', peer: 'ann', messageId: 'm', topic: 'shares', data }, NOW)).toEqual([
    { type: 'verdict', peer: 'ann', messageId: 'm', verdict: 'ignore' }
  ])
  expect(node.handle({ type: 'peerResponse', requestId: 1, payload: data }, NOW)).toEqual([])
  expect(node.handle({ type: 'requestFailed', requestId: 1, reason: 'malformed' }, NOW)).toEqual([])
  expect(node.handle({ type: 'sharesRead', requestId: 99, shares: [null] }, NOW)).toEqual([])
  expect(node.handle({ type: 'headersRead', requestId: 99, batches: [null] }, NOW)).toEqual([])
})
