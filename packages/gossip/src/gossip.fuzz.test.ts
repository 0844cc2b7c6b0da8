import { type SteadyMs, shareHash, steadyMs, ZERO_SHARE_HASH } from '@p2poolv2/primitives'
import { ChainBuilder, EASY_BITCOIN_BITS, easyParams, GENESIS_TIME_SEC } from '@p2poolv2/sharechain/testing'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { GossipEvent } from './contract.ts'
import type { PeerEffect } from './network-port.ts'
import { branchKeyOf } from './templates/book.ts'
import { blockTemplate, templateTransaction } from './testing/templates.ts'
import { TestNode } from './testing/test-node.ts'
import { encodeMessage, type PeerMessage } from './wire/messages.ts'
import { encodeAnnouncement, encodeTemplateMessage, type TemplateMessage } from './wire/template-messages.ts'

const params = easyParams()
const builder = new ChainBuilder(params)
const templates = [[], [1, 2], [2, 3, 4]].map(numbers =>
  blockTemplate({ transactions: numbers.map(n => templateTransaction(n)), bits: EASY_BITCOIN_BITS })
)
const [, made] = templates
const shares = [
  ...builder.row(builder.genesis, 6),
  ...builder.row(builder.genesis, 2, { miner: 3 }),
  builder.build({ parent: builder.genesis, miner: 4, spoil: 'payout' })
]
const [first] = shares
if (first === undefined || made === undefined) throw new Error('shares and templates were built')
shares.push(builder.build({ parent: first.hash, uncles: [shares[6]?.hash ?? ZERO_SHARE_HASH] }))
shares.push(builder.build({ parent: first.hash, template: made, isBlock: true }))
const hashes = [...shares.map(({ hash }) => hash), builder.genesis, ZERO_SHARE_HASH, shareHash('cd'.repeat(32))]
const branchKey = branchKeyOf(made.merkleBranch)
const NO_LIST = new Uint8Array(32)

const peer = fc.constantFrom('ann', 'bob', 'cid', 'dee')
const hash = fc.constantFrom(...hashes)
const message: fc.Arbitrary<PeerMessage> = fc.oneof(
  fc.constantFrom(...shares).map(share => ({ type: 'shareBlock' as const, share })),
  fc.subarray(shares).map(items => ({ type: 'shareHeaders' as const, items })),
  hash.map(tipHash => ({ type: 'handshake' as const, tipHeight: 3, tipHash })),
  fc.subarray(hashes).map(list => ({ type: 'inventory' as const, kind: 'share' as const, hashes: list })),
  hash.map(one => ({ type: 'getData' as const, kind: 'share' as const, hash: one })),
  hash.map(one => ({ type: 'notFound' as const, kind: 'share' as const, hash: one })),
  fc.subarray(hashes).map(locator => ({ type: 'getShareHeaders' as const, locator, stop: ZERO_SHARE_HASH })),
  fc.constant({ type: 'ack' as const })
)
const templateMessage: fc.Arbitrary<TemplateMessage> = fc.oneof(
  fc.constant({ type: 'getTemplate' as const, branchKey, baseId: NO_LIST }),
  fc.constant({ type: 'getTemplateTransactions' as const, branchKey, indexes: [0, 1] }),
  fc.boolean().map(full => ({
    type: 'templateList' as const,
    branchKey,
    baseId: NO_LIST,
    pieces: full ? [{ copyFrom: 0, copyCount: 0, fresh: new Uint8Array(64) }] : []
  })),
  fc.constant({ type: 'templateTransactions' as const, branchKey, transactions: [new Uint8Array(70)] })
)
/** Mostly whole messages, some cut or altered, some of nothing but noise. */
const payload: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 8, arbitrary: message.map(encodeMessage) },
  { weight: 2, arbitrary: templateMessage.map(encodeTemplateMessage) },
  {
    weight: 2,
    arbitrary: fc.tuple(message.map(encodeMessage), fc.nat(), fc.nat(255)).map(([bytes, at, byte]) => {
      return bytes.map((old, i) => (i === at % bytes.length ? byte : old))
    })
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) }
)
const announcement = encodeAnnouncement({
  prevHash: made.prevHash,
  bitcoinHeight: 100,
  coinbaseValueSats: 5n,
  transactionCount: 2,
  branchKey
})

type Step =
  | { readonly type: 'event'; readonly make: (id: number) => GossipEvent }
  | { readonly type: 'answer'; readonly which: number; readonly payload: Uint8Array | null }
  | { readonly type: 'found'; readonly which: number }
  | { readonly type: 'left'; readonly which: number }
  | { readonly type: 'pass'; readonly ms: number }

const event = (make: (id: number) => GossipEvent): Step => ({ type: 'event', make })
const protocol = fc.constantFrom('shares' as const, 'templates' as const, 'rules' as const)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(peer, fc.constantFrom('ours' as const, 'reference' as const)).map(([id, dialect]) => {
      return event(() => ({ type: 'peerConnected', peer: id, direction: 'inbound', dialect }))
    })
  },
  { weight: 1, arbitrary: peer.map(id => event(() => ({ type: 'peerGone', peer: id }))) },
  {
    weight: 8,
    arbitrary: fc.tuple(peer, protocol, payload).map(([id, spoken, bytes]) => {
      return event(requestId => ({ type: 'peerRequest', peer: id, requestId, protocol: spoken, payload: bytes }))
    })
  },
  {
    weight: 4,
    arbitrary: fc.tuple(peer, payload).map(([id, bytes]) => {
      const data = bytes.subarray(1)
      return event(n => ({ type: 'gossip', peer: id, messageId: `m${n}`, topic: 'shares', data }))
    })
  },
  {
    weight: 1,
    arbitrary: peer.map(id =>
      event(n => ({ type: 'gossip', peer: id, messageId: `m${n}`, topic: 'templates', data: announcement }))
    )
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...templates).map(template => event(() => ({ type: 'ownTemplate', template })))
  },
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant('answer' as const),
      which: fc.nat(),
      payload: fc.option(payload, { freq: 5 })
    })
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('found' as const), which: fc.nat() }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('left' as const), which: fc.nat() }) },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('pass' as const), ms: fc.constantFrom(1, 900, 3_000, 11_000, 90_000) })
  }
)

/** One node, and what it owes and is owed. */
class Run {
  readonly #node = new TestNode(params)
  #nowMs: SteadyMs = steadyMs((GENESIS_TIME_SEC + 20) * 1_000)
  #ids = 0
  #asked: number[] = []
  /** Requests of peers without answer, and whose they are. */
  readonly #owed = new Map<number, string>()
  /** Answers it gave and nobody has taken yet; those of peers that are gone among them. */
  #leaving: { readonly peer: string; readonly requestId: number }[] = []

  do(step: Step): void {
    switch (step.type) {
      case 'event':
        this.#handle(step.make(++this.#ids))
        break
      case 'answer': {
        const requestId = this.#asked[step.which % Math.max(1, this.#asked.length)]
        if (requestId === undefined) break
        this.#asked = this.#asked.filter(other => other !== requestId)
        this.#handle({ type: 'peerResponse', requestId, payload: step.payload })
        break
      }
      case 'found': {
        const share = shares[step.which % shares.length]
        if (share !== undefined) this.#take(this.#node.found(share, this.#nowMs))
        break
      }
      case 'left': {
        const leaving = this.#leaving[step.which % Math.max(1, this.#leaving.length)]
        if (leaving === undefined) break
        this.#leaving = this.#leaving.filter(other => other !== leaving)
        this.#handle({ type: 'responded', ...leaving })
        break
      }
      case 'pass':
        this.#pass(steadyMs(this.#nowMs + step.ms))
        break
      default:
        step satisfies never
    }
  }

  /** In the end nothing asked of the node is without answer. */
  finish(): void {
    this.#pass(steadyMs(this.#nowMs + 60_000))
    expect([...this.#owed.values()]).toEqual([])
    this.#node.gossip.checkInvariants()
  }

  #pass(until: SteadyMs): void {
    for (let at = this.#node.nextDeadlineMs; at !== null && at <= until; at = this.#node.nextDeadlineMs) {
      this.#nowMs = steadyMs(Math.max(at, this.#nowMs))
      this.#handle({ type: 'deadline' })
    }
    this.#nowMs = until
  }

  #handle(event: GossipEvent): void {
    if (event.type === 'peerRequest') this.#owed.set(event.requestId, event.peer)
    if (event.type === 'peerGone' || event.type === 'peerConnected') this.#forget(event.peer)
    const effects = this.#node.handle(event, this.#nowMs)
    if (event.type === 'gossip') {
      const verdicts = effects.filter(effect => effect.type === 'verdict' && effect.messageId === event.messageId)
      expect(verdicts, 'one verdict for one message').toHaveLength(1)
    }
    this.#take(effects)
  }

  #take(effects: readonly PeerEffect[]): void {
    for (const effect of effects) {
      if (effect.type === 'request') this.#asked.push(effect.requestId)
      if (effect.type === 'respond') this.#leaving.push({ peer: effect.peer, requestId: effect.requestId })
      if (effect.type === 'dropPeer') this.#forget(effect.peer)
      if (effect.type === 'respond')
        expect(this.#owed.delete(effect.requestId), 'one answer for one request').toBe(true)
    }
  }

  #forget(peer: string): void {
    for (const [requestId, owner] of this.#owed) if (owner === peer) this.#owed.delete(requestId)
  }
}

it('whatever peers send and in whatever order, each request and message is answered once and nothing breaks', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: 'max' }), steps => {
      const run = new Run()
      for (const one of steps) run.do(one)
      run.finish()
    }),
    { numRuns: 250 }
  )
})
