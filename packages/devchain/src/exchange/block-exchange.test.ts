import { type Moment, steadyMs, unixMs, wireFromDisplay } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { DevChain } from '../dev-chain.ts'
import { buildBlock, REGTEST_DIFFICULTY } from '../testing/build-block.ts'
import { growBranch } from '../testing/grow-branch.ts'
import { BlockExchange, MAX_EXCHANGE_PEERS, POLL_MS } from './block-exchange.ts'
import type { ExchangeEffect, ExchangeEvent } from './contract.ts'
import { decodeMessage, type ExchangeMessage, encodeMessage } from './messages.ts'

const NOW_SEC = 1_795_360_577
const trunk = growBranch({ count: 30, fromSec: NOW_SEC })

type Ask = Extract<ExchangeEffect, { type: 'ask' }>

/** One machine and what a test says to it. */
class Bench {
  readonly chain = new DevChain(REGTEST_DIFFICULTY)
  readonly exchange = new BlockExchange({ chain: this.chain })
  nowMs = 0

  constructor(blocks: readonly Uint8Array[] = []) {
    for (const block of blocks) this.chain.submit(block, NOW_SEC + 7_000)
  }

  get now(): Moment {
    return { steadyMs: steadyMs(this.nowMs), wallMs: unixMs((NOW_SEC + 7_000) * 1_000 + this.nowMs) }
  }

  tell(event: ExchangeEvent): readonly ExchangeEffect[] {
    const effects = this.exchange.handle(event, this.now)
    this.exchange.checkInvariants()
    return effects
  }

  connect(peer: string): Ask | undefined {
    return asks(this.tell({ type: 'peerConnected', peer }))[0]
  }

  respond(ask: Ask | undefined, message: ExchangeMessage): readonly ExchangeEffect[] {
    return this.tell({ type: 'response', requestId: ask?.requestId ?? -1, payload: encodeMessage(message) })
  }

  request(peer: string, message: ExchangeMessage | Uint8Array): readonly ExchangeEffect[] {
    const payload = message instanceof Uint8Array ? message : encodeMessage(message)
    return this.tell({ type: 'request', peer, requestId: 7, payload })
  }

  wait(ms: number): readonly ExchangeEffect[] {
    this.nowMs += ms
    return this.tell({ type: 'deadline' })
  }
}

const asks = (effects: readonly ExchangeEffect[]): Ask[] => effects.filter(effect => effect.type === 'ask')
const asked = (ask: Ask | undefined): ExchangeMessage | null => (ask === undefined ? null : decodeMessage(ask.payload))
const drops = (effects: readonly ExchangeEffect[]) =>
  effects.flatMap(effect => (effect.type === 'drop' ? [effect.reason] : []))
const answers = (effects: readonly ExchangeEffect[]) =>
  effects.flatMap(effect =>
    effect.type === 'answer' ? [effect.payload === null ? null : decodeMessage(effect.payload)] : []
  )
const blocksOf = (blocks: readonly Uint8Array[], firstHeight = 1): ExchangeMessage => ({
  type: 'blocks',
  firstHeight,
  tipHeight: firstHeight + blocks.length - 1,
  blocks
})

describe('BlockExchange', () => {
  it('asks a new peer at once, and every 10 s from then on', () => {
    const bench = new Bench()
    const first = bench.connect('eve')
    expect(asked(first)).toEqual({ type: 'getBlocks', locator: [bench.chain.tip.hash] })
    expect(asks(bench.respond(first, blocksOf([])))).toEqual([])
    expect(bench.exchange.nextDeadlineMs).toBe(POLL_MS)
    expect(asks(bench.wait(POLL_MS - 1))).toEqual([])
    expect(asks(bench.wait(1))).toHaveLength(1)
  })

  it('asks on where an answer ended, and not when it leads nowhere', () => {
    const bench = new Bench()
    const first = bench.connect('eve')
    const more = { ...blocksOf(trunk.blocks.slice(0, 10)), tipHeight: 30 } as ExchangeMessage
    const second = asks(bench.respond(first, more))[0]
    expect(asked(second)).toMatchObject({ locator: expect.arrayContaining([trunk.chain.blockAt(10)?.hash]) })
    expect(asks(bench.respond(second, more))).toEqual([])
    expect(bench.chain.tip.bitcoinHeight).toBe(10)
  })

  it('answers every question once, within its bounds', () => {
    const bench = new Bench(trunk.blocks)
    bench.connect('eve')
    const after = (locator: readonly string[]) => answers(bench.request('eve', { type: 'getBlocks', locator } as never))
    expect(after([])).toEqual([blocksOf(trunk.blocks)])
    expect(after([trunk.chain.tip.hash])).toMatchObject([{ firstHeight: 31, tipHeight: 30, blocks: [] }])
    expect(after(['ab'.repeat(32), trunk.chain.blockAt(28)?.hash ?? ''])).toEqual([
      blocksOf(trunk.blocks.slice(28), 29)
    ])
    expect(answers(bench.request('stranger', { type: 'getBlocks', locator: [] }))).toEqual([null])
  })

  it('does not answer a peer that asks without end, and answers it again later', () => {
    const bench = new Bench(trunk.blocks)
    bench.connect('eve')
    const ask = () => answers(bench.request('eve', { type: 'getBlocks', locator: [] }))[0]
    const first = Array.from({ length: 150 }, ask)
    expect(first.filter(answer => answer !== null)).toHaveLength(100)
    bench.nowMs += 1_000
    expect(Array.from({ length: 50 }, ask).filter(answer => answer !== null)).toHaveLength(20)
  })

  it('gives a peer no more bytes than it may have', () => {
    const nowSec = NOW_SEC + 7_000
    const bench = new Bench()
    for (let i = 0; i < 2; i++) {
      const large = buildBlock(bench.chain.template(NOW_SEC + i), {
        coinbase: tx => ({ ...tx, outputs: [...tx.outputs, { valueSats: 0n, script: new Uint8Array(900_000) }] })
      })
      expect(bench.chain.submit(large, nowSec).type).toBe('accepted')
    }
    bench.connect('eve')
    let given = 0
    for (let second = 0; second < 60; second++, bench.nowMs += 1_000) {
      for (let i = 0; i < 5; i++) {
        const [answer] = answers(bench.request('eve', { type: 'getBlocks', locator: [] }))
        if (answer?.type === 'blocks') given += answer.blocks.reduce((sum, block) => sum + block.length, 0)
        if (answer?.type === 'blocks') expect(answer.blocks).toHaveLength(1)
      }
    }
    expect(given).toBeGreaterThan(60 * 1_000_000)
    expect(given).toBeLessThan((60 + 25) * 1_100_000)
  })

  it('reads no more of what a peer tells than it may tell: a large block whose parent nobody has, again and again', () => {
    const bench = new Bench()
    const large = buildBlock(growBranch({ count: 3, fromSec: NOW_SEC }).chain.template(NOW_SEC + 300), {
      coinbase: tx => ({ ...tx, outputs: [...tx.outputs, { valueSats: 0n, script: new Uint8Array(900_000) }] })
    })
    bench.connect('eve')
    let read = 0
    for (let second = 0; second < 60; second++, bench.nowMs += 1_000)
      for (let i = 0; i < 20; i++)
        if (answers(bench.request('eve', { type: 'newBlock', block: large }))[0]?.type === 'noted') read += 1
    expect(read).toBeGreaterThanOrEqual(4 + 6)
    expect(read).toBeLessThanOrEqual(5 + 7)
    // What is small it may say still, once a while has passed.
    bench.nowMs += 1_000
    expect(answers(bench.request('eve', { type: 'getBlocks', locator: [] }))[0]?.type).toBe('blocks')
  })

  it.each<[string, (bench: Bench, ask: Ask | undefined) => readonly ExchangeEffect[], string]>([
    ['an answer that is none', (bench, ask) => bench.respond(ask, { type: 'noted' }), 'malformed'],
    [
      'an answer cut short',
      (bench, ask) =>
        bench.tell({ type: 'response', requestId: ask?.requestId ?? -1, payload: Uint8Array.of(2, 0, 0) }),
      'malformed'
    ],
    ['a request that is none', bench => bench.request('eve', Uint8Array.of(9)), 'malformed'],
    ['an answer as a request', bench => bench.request('eve', { type: 'noted' }), 'malformed'],
    [
      'a first block that is none',
      (bench, ask) => bench.respond(ask, blocksOf([new Uint8Array(200)])),
      'no-first-block'
    ],
    [
      'a block that is none on one that is known',
      (bench, ask) => {
        const block = new Uint8Array(200).fill(0xff)
        block.set(wireFromDisplay(bench.chain.tip.hash), 4)
        return bench.respond(ask, blocksOf([block]))
      },
      'undecodable'
    ],
    [
      'a first block at a height that no chain reaches',
      (bench, ask) => bench.respond(ask, blocksOf(trunk.blocks.slice(10), 500_000_000)),
      'no-first-block'
    ],
    [
      'a first block at another height than its own',
      (bench, ask) => bench.respond(ask, blocksOf(trunk.blocks.slice(10), 12)),
      'bad-cb-height'
    ],
    [
      'bytes behind a block',
      (bench, ask) => bench.respond(ask, blocksOf([Uint8Array.of(...(trunk.blocks[0] ?? []), 0)])),
      'undecodable'
    ],
    [
      'a block without work',
      bench => {
        const block = buildBlock(bench.chain.template(NOW_SEC), { work: 'misses' })
        return bench.request('eve', { type: 'newBlock', block })
      },
      'high-hash'
    ],
    [
      'a block that takes too much',
      (bench, ask) => {
        const template = bench.chain.template(NOW_SEC)
        return bench.respond(ask, blocksOf([buildBlock({ ...template, coinbasevalue: 5_000_000_001 })]))
      },
      'bad-cb-amount'
    ]
  ])('drops a peer for %s', (_what, act, reason) => {
    const bench = new Bench()
    const ask = bench.connect('eve')
    expect(drops(act(bench, ask))).toEqual([reason])
    expect(bench.exchange.peerCount).toBe(0)
    expect(bench.exchange.nextDeadlineMs).toBeNull()
    expect(bench.chain.tip.bitcoinHeight).toBe(0)
  })

  it('keeps the good blocks before a bad one', () => {
    const bench = new Bench()
    const bad = Uint8Array.from(trunk.blocks[10] ?? [])
    bad[bad.length - 60] = (bad[bad.length - 60] ?? 0) ^ 1
    const effects = bench.respond(bench.connect('eve'), blocksOf([...trunk.blocks.slice(0, 10), bad]))
    expect(effects[0]).toMatchObject({ type: 'added', blocks: { length: 10 } })
    expect(drops(effects)).toEqual(['bad-txnmrklroot'])
    expect(bench.chain.tip.bitcoinHeight).toBe(10)
  })

  it('holds a block from a clock ahead against nobody', () => {
    const bench = new Bench()
    const block = buildBlock(bench.chain.template(NOW_SEC + 7_000 + 8_000))
    expect(drops(bench.respond(bench.connect('eve'), blocksOf([block])))).toEqual([])
    expect(bench.exchange.peerCount).toBe(1)
  })

  it('asks for the parents of a block it was told of', () => {
    const bench = new Bench(trunk.blocks.slice(0, 20))
    bench.respond(bench.connect('eve'), blocksOf([]))
    const effects = bench.request('eve', { type: 'newBlock', block: trunk.blocks[29] ?? new Uint8Array(0) })
    expect(answers(effects)).toEqual([{ type: 'noted' }])
    const [ask] = asks(effects)
    expect(asked(ask)).toMatchObject({ type: 'getBlocks' })
    const after = bench.respond(ask, blocksOf(trunk.blocks.slice(20, 29), 21))
    // The one that waited comes in with its parents.
    expect(after[0]).toMatchObject({ type: 'added', blocks: { length: 10 } })
    expect(bench.chain.tip.hash).toBe(trunk.chain.tip.hash)
  })

  it('tells a new tip once to each peer, and not to who told it', () => {
    const bench = new Bench(trunk.blocks.slice(0, 29))
    for (const peer of ['eve', 'bob', 'cid']) bench.connect(peer)
    const block = trunk.blocks[29] ?? new Uint8Array(0)
    const told = asks(bench.request('eve', { type: 'newBlock', block })).filter(ask => asked(ask)?.type === 'newBlock')
    expect(told.map(({ peer }) => peer)).toEqual(['bob', 'cid'])
    expect(asks(bench.request('bob', { type: 'newBlock', block }))).toEqual([])
    expect(asks(bench.tell({ type: 'ownBlocks' }))).toEqual([])
  })

  it('asks two peers at once, and others when one of them is silent', () => {
    const bench = new Bench()
    const first = ['a', 'b', 'c', 'd'].map(peer => bench.connect(peer))
    expect(first.map(ask => ask !== undefined)).toEqual([true, true, false, false])
    expect(asks(bench.wait(12_000)).map(({ peer }) => peer)).toEqual(['c', 'd'])
    const late = bench.tell({ type: 'response', requestId: first[0]?.requestId ?? -1, payload: Uint8Array.of(9) })
    expect(late).toEqual([])
    expect(bench.exchange.peerCount).toBe(4)
  })

  it('asks a peer that gives nothing more and more rarely', () => {
    const bench = new Bench()
    let ask = bench.connect('eve')
    const pauses: number[] = []
    for (let i = 0; i < 6; i++) {
      bench.tell({ type: 'response', requestId: ask?.requestId ?? -1, payload: null })
      const dueMs = bench.exchange.nextDeadlineMs ?? 0
      pauses.push(dueMs - bench.nowMs)
      ask = asks(bench.wait(dueMs - bench.nowMs))[0]
    }
    expect(pauses).toEqual([10_000, 20_000, 40_000, 80_000, 160_000, 160_000])
  })

  it('asks it sooner if its own question shows that it has more', () => {
    const bench = new Bench()
    let ask = bench.connect('eve')
    for (let i = 0; i < 3; i++) {
      bench.tell({ type: 'failed', requestId: ask?.requestId ?? -1 })
      if (i < 2) ask = asks(bench.wait((bench.exchange.nextDeadlineMs ?? 0) - bench.nowMs))[0]
    }
    expect(bench.exchange.nextDeadlineMs).toBe(bench.nowMs + 40_000)
    bench.request('eve', { type: 'getBlocks', locator: [bench.chain.tip.hash] })
    expect(bench.exchange.nextDeadlineMs).toBe(bench.nowMs + 40_000)
    bench.request('eve', { type: 'getBlocks', locator: [trunk.chain.tip.hash] })
    expect(bench.exchange.nextDeadlineMs).toBe(bench.nowMs + POLL_MS)
  })

  it('reads a chain that joins ours nowhere to its end, also when an answer fails to come', () => {
    const bench = new Bench()
    const first = { ...blocksOf(trunk.blocks.slice(10, 20), 11), tipHeight: 30 } as ExchangeMessage
    const second = asks(bench.respond(bench.connect('eve'), first))[0]
    expect(asked(second)).toMatchObject({ locator: expect.arrayContaining([trunk.chain.blockAt(20)?.hash]) })
    bench.tell({ type: 'response', requestId: second?.requestId ?? -1, payload: null })
    const third = asks(bench.wait(POLL_MS))[0]
    expect(asked(third)).toEqual(asked(second))
    expect(bench.chain.tip.bitcoinHeight).toBe(0)
    const effects = bench.respond(third, blocksOf(trunk.blocks.slice(20), 21))
    expect(effects).toEqual([{ type: 'replaced' }])
    expect(bench.chain.tip.hash).toBe(trunk.chain.tip.hash)
    expect(bench.chain.firstHeight).toBe(11)
    bench.chain.checkInvariants()
  })

  it('gives up a chain beside ours that nobody goes on with, and reads the next', () => {
    const bench = new Bench()
    const part = { ...blocksOf(trunk.blocks.slice(10, 20), 11), tipHeight: 30 } as ExchangeMessage
    let ask = asks(bench.respond(bench.connect('eve'), part))[0]
    for (let i = 0; i < 3; i++) {
      bench.tell({ type: 'failed', requestId: ask?.requestId ?? -1 })
      ask = asks(bench.wait((bench.exchange.nextDeadlineMs ?? 0) - bench.nowMs))[0]
    }
    expect(asked(ask)).toEqual({ type: 'getBlocks', locator: [bench.chain.genesis.hash] })
    expect(bench.respond(bench.connect('bob'), blocksOf(trunk.blocks.slice(10), 11))).toMatchObject([
      { type: 'replaced' },
      // The new tip, told.
      { type: 'ask', peer: 'eve' }
    ])
  })

  it('forgets what it asked a peer that is gone', () => {
    const bench = new Bench()
    const ask = bench.connect('eve')
    bench.tell({ type: 'peerGone', peer: 'eve' })
    expect(bench.respond(ask, blocksOf(trunk.blocks))).toEqual([])
    expect(bench.exchange.nextDeadlineMs).toBeNull()
    expect(bench.chain.tip.bitcoinHeight).toBe(0)
  })

  it('has no more peers than it can serve', () => {
    const bench = new Bench()
    for (let i = 0; i <= MAX_EXCHANGE_PEERS; i++) bench.connect(`peer ${i}`)
    expect(bench.exchange.peerCount).toBe(MAX_EXCHANGE_PEERS)
    expect(answers(bench.request(`peer ${MAX_EXCHANGE_PEERS}`, { type: 'getBlocks', locator: [] }))).toEqual([null])
  })
})
