import { encodeShare, genesisShare, type Share } from '@p2poolv2/consensus'
import { blockHash, concatBytes, shareHash } from '@p2poolv2/primitives'
import { type FoundBlock, ShareChain } from '@p2poolv2/sharechain'
import { ChainBuilder, easyParams, FAR_FUTURE_MS } from '@p2poolv2/sharechain/testing'
import { describe, expect, it } from 'vitest'
import { EffectList } from '../effect-list.ts'
import { A_BLOCK, A_SHARE, address, effectsOf, Rig, type RigOptions, SOURCE } from '../testing/rig.ts'
import { JobMaker } from '../work/job-maker.ts'
import { BLOCKS_READ, BlockKeeper } from './block-keeper.ts'
import { MAX_RECENT_BLOCKS } from './block-log.ts'
import { MAX_UNCONFIRMED_BLOCKS } from './seen-blocks.ts'

const PARAMS = easyParams()

/** A node with a peer, whose bitcoin is far beyond the blocks in the shares it hears of. */
function nodeWithPeer(options: RigOptions = {}): Rig {
  const rig = new Rig({ params: PARAMS, ...options })
  rig.listener('peer')
  rig.template({ height: 5_000 })
  return rig
}

function push(rig: Rig, ...shares: readonly Share[]) {
  return shares.flatMap(share => {
    // The type byte of a whole share (protocol §18.4).
    const payload = concatBytes(Uint8Array.of(5), encodeShare(share))
    return rig.handle({ type: 'peerRequest', peer: 'peer', requestId: 900, protocol: 'shares', payload })
  })
}

/** The node after a stop: a new one with its store. */
const restarted = (rig: Rig) => nodeWithPeer({ store: rig.store, recentBlocks: rig.store.blocksNow(10) })

const shown = (rig: Rig) =>
  rig.core.queries.status(rig.now).blocks.map(({ shareHash, result }) => ({ shareHash, result }))
const stored = (rig: Rig) => rig.store.blocksNow(10).map(({ shareHash, result }) => ({ shareHash, result }))

describe('what becomes of a block', () => {
  const foundOne = () => {
    const rig = new Rig()
    rig.template()
    rig.connect(1, address(1))
    const [submitted] = effectsOf(rig.mine(1, A_BLOCK), 'submitBlock')
    if (submitted === undefined) throw new Error('there is a block')
    const { blockHash: hash } = submitted
    const fate = (confirmations: number) => rig.handle({ type: 'blockFate', blockHash: hash, confirmations })
    const answer = (result: 'accepted' | 'lost-race', reason: string | null) =>
      rig.handle({ type: 'blockResult', blockHash: hash, url: SOURCE, result, reason })
    const results = () => [shown(rig)[0]?.result, stored(rig)[0]?.result]
    return { rig, fate, answer, results }
  }

  it('is told, on record and stored: accepted, orphaned by another, back again, mature', () => {
    const { rig, fate, answer, results } = foundOne()
    answer('accepted', null)
    const steps: [number, string][] = [
      [1, 'accepted'],
      [-1, 'orphaned'],
      [3, 'accepted'],
      [99, 'accepted'],
      [100, 'accepted']
    ]
    for (const [confirmations, result] of steps) {
      fate(confirmations)
      expect(results(), `${confirmations} confirmations`).toEqual([result, result])
    }
    expect(rig.facts('blockFate').map(fact => fact.fate)).toEqual(['in-chain', 'orphaned', 'in-chain', 'mature'])
  })

  it('one that came second is said to have lost the race, and may still win', () => {
    const { rig, fate, answer, results } = foundOne()
    answer('lost-race', 'inconclusive')
    expect(results()).toEqual(['lost-race: inconclusive', 'lost-race: inconclusive'])
    fate(-1)
    expect(rig.facts('blockFate')).toEqual([])
    fate(2)
    expect(results()).toEqual(['accepted', 'accepted'])
  })

  it('is not in the chain while there is no block on it, itself counted', () => {
    const { rig, fate, results } = foundOne()
    fate(1)
    fate(0)
    expect(results()).toEqual(['orphaned', 'orphaned'])
    expect(rig.facts('blockFate').map(fact => fact.fate)).toEqual(['in-chain', 'orphaned'])
  })

  it('of a block that is not on record is nothing', () => {
    const { rig } = foundOne()
    expect(rig.handle({ type: 'blockFate', blockHash: blockHash('07'.repeat(32)), confirmations: 1 })).toEqual([])
  })
})

describe('blocks of ours on one parent', () => {
  const burst = (count: number) => {
    const rig = new Rig()
    rig.template()
    rig.connect(1, address(1))
    const hashes = Array.from({ length: count }, () => {
      rig.advance(1_000)
      const [submitted] = effectsOf(rig.mine(1, A_BLOCK), 'submitBlock')
      return submitted?.blockHash ?? expect.fail()
    })
    const answer = (n: number, result: 'accepted' | 'superseded' | 'rejected') =>
      rig.handle({ type: 'blockResult', blockHash: hashes[n] ?? expect.fail(), url: SOURCE, result, reason: null })
    const results = () => [shown(rig), stored(rig)].map(blocks => blocks.map(({ result }) => result).toSorted())
    return { rig, hashes, answer, results }
  }

  it('only the first is on record at once, and of those that gave way two', () => {
    const { rig, answer, results } = burst(6)
    expect(results()).toEqual([['submitted'], ['submitted']])
    expect(rig.facts('blockFound').map(({ siblingsBefore }) => siblingsBefore)).toEqual([0, 1, 2, 3, 4, 5])
    for (const n of [1, 2, 3, 4, 5, 5]) answer(n, 'superseded')
    answer(0, 'accepted')
    const record = ['accepted', 'superseded', 'superseded']
    expect(results()).toEqual([record, record])
    expect(rig.facts('blockResult')).toHaveLength(3)
  })

  it('a later one is on record with its share as soon as bitcoin has taken it', () => {
    const { rig, hashes, answer } = burst(3)
    answer(0, 'rejected')
    answer(2, 'accepted')
    const taken = rig.store.blocksNow(10).find(({ blockHash: hash }) => hash === hashes[2])
    expect(taken).toMatchObject({ result: 'accepted', shareHash: expect.any(String) })
  })

  it('thousands after the first was refused and the second taken are no records either', () => {
    const { rig, answer, results } = burst(3)
    answer(1, 'superseded')
    answer(0, 'rejected')
    const later = () => {
      const [submitted] = effectsOf(rig.mine(1, A_BLOCK), 'submitBlock')
      return { blockHash: submitted?.blockHash ?? expect.fail(), url: SOURCE, reason: null }
    }
    // Nothing is known of the third yet: this one stands for the parent until it gives way.
    rig.handle({ type: 'blockResult', ...later(), result: 'superseded' })
    for (let n = 0; n < 3; n++) rig.handle({ type: 'blockResult', ...later(), result: 'superseded' })
    answer(2, 'accepted')
    for (let n = 0; n < 3; n++) rig.handle({ type: 'blockResult', ...later(), result: 'superseded' })
    const record = ['accepted', 'rejected', 'superseded', 'superseded', 'superseded']
    expect(results()).toEqual([record, record])
  })

  it('one that comes after the first was refused is on record at once', () => {
    const { rig, answer, results } = burst(1)
    answer(0, 'rejected')
    rig.mine(1, A_BLOCK)
    expect(results()[1]).toEqual(['rejected', 'submitted'])
  })
})

describe('a block of another node, however old', () => {
  const builder = new ChainBuilder(PARAMS)
  const parent = builder.build({ parent: builder.genesis })
  const block = builder.build({ parent: parent.hash, isBlock: true })
  const [besideParent, beside] = builder.row(builder.genesis, 2, { miner: 1 }) as [Share, Share]
  const nephew = builder.build({ parent: beside.hash, uncles: [block.hash] })
  const record = [{ shareHash: block.hash, result: 'seen' }]

  it('is on record when its share is confirmed and not before, with what it pays', () => {
    const rig = nodeWithPeer()
    push(rig, block)
    expect([shown(rig), rig.chain.confirmedTip().height]).toEqual([[], 0])
    push(rig, parent)
    expect([shown(rig), rig.chain.confirmedTip().hash]).toEqual([record, block.hash])
    expect(stored(rig)).toEqual(record)
    const paid = block.bitcoinCoinbase.outputs.filter(({ valueSats }) => valueSats > 0n)
    expect(rig.store.blocksNow(1)[0]?.outputs.map(({ valueSats }) => valueSats)).toEqual(
      paid.map(({ valueSats }) => valueSats)
    )
  })

  it('is on record when a share that names it as its uncle is confirmed', () => {
    const rig = nodeWithPeer()
    push(rig, besideParent, beside, parent, block)
    expect(shown(rig)).toEqual([])
    push(rig, nephew)
    expect(rig.chain.confirmedTip().hash).toBe(nephew.hash)
    expect(shown(rig)).toEqual(record)
  })

  it('stays on record when the share chain turns away from it', () => {
    const rig = nodeWithPeer()
    push(rig, parent, block)
    push(rig, besideParent, beside, builder.build({ parent: beside.hash }))
    expect(rig.facts('reorg')).toHaveLength(1)
    expect([shown(rig), shown(restarted(rig))]).toEqual([record, record])
  })

  it('is not forgotten by a stop between its share and what confirms it', () => {
    const rig = nodeWithPeer()
    push(rig, besideParent, beside, parent, block)
    const again = restarted(rig)
    expect(shown(again)).toEqual([])
    push(again, builder.build({ parent: block.hash }))
    expect([shown(again), stored(again)]).toEqual([record, record])
    expect(shown(restarted(again))).toEqual(record)
  })

  it('is stored together with its share, and its record with what confirms it', () => {
    const rig = nodeWithPeer()
    push(rig, parent)
    const deltas = effectsOf(push(rig, block), 'commit').map(({ delta }) => delta)
    expect(deltas).toHaveLength(1)
    expect(deltas[0]?.durability).toBe('flushed')
  })

  it('told again and again while its parent is missing is stored once', () => {
    const rig = nodeWithPeer()
    expect(effectsOf(push(rig, block), 'commit')).toHaveLength(1)
    expect(effectsOf(push(rig, block, block), 'commit')).toEqual([])
  })

  it('is told from a share that is none, which is not stored as one', () => {
    const rig = nodeWithPeer()
    const after = builder.build({ parent: block.hash })
    push(rig, after)
    expect(stored(rig)).toEqual([])
    push(rig, block)
    expect(stored(rig)).toEqual([{ shareHash: block.hash, result: 'unconfirmed' }])
  })

  it('that breaks a rule is never on record', () => {
    const rig = nodeWithPeer()
    const spoilt = builder.build({ parent: parent.hash, isBlock: true, spoil: 'payout' })
    push(rig, parent, spoilt, spoilt)
    expect([shown(rig), stored(rig)]).toEqual([[], []])
  })

  it('that came before the first template is judged by it', () => {
    const rig = new Rig({ params: PARAMS })
    rig.listener('peer')
    // Too late for its block to be of use to bitcoin.
    rig.nowMs += 7_200_000
    push(rig, block)
    expect(stored(rig)).toEqual([{ shareHash: block.hash, result: 'unconfirmed' }])
    // Far harder than what this share calls a block.
    rig.template({ bits: 0x1c00ffff })
    push(rig, parent)
    expect([shown(rig), stored(rig)]).toEqual([[], []])
  })
})

describe('a block from before this start', () => {
  const before = () => {
    const rig = new Rig()
    rig.template()
    rig.connect(1, address(1))
    const [block] = effectsOf(rig.mine(1, A_BLOCK), 'submitBlock')
    return { rig, block: block ?? expect.unreachable('there is a block') }
  }

  it('goes to bitcoin once more, and is on record by what it says itself where its record was not written', () => {
    const { rig, block } = before()
    const [record] = rig.store.blocksNow(10)
    const again = new Rig()
    const effects = again.handle({ ...block, type: 'blockKept' })
    expect(effects[0]).toEqual(block)
    expect(again.store.blocksNow(10)).toEqual([{ ...record, shareHash: null }])
    expect(shown(again)).toEqual([{ shareHash: null, result: 'submitted' }])
  })

  it('whose share comes back later keeps what bitcoin has said meanwhile, in the store as well', () => {
    const builder = new ChainBuilder(PARAMS)
    const block = builder.build({ parent: builder.genesis, isBlock: true })
    const rig = new Rig({ params: PARAMS })
    rig.listener('peer')
    rig.nowMs = (block.header.timeSec + 1) * 1_000
    const [submitted] = effectsOf(push(rig, block), 'submitBlock')
    const kept = submitted ?? expect.unreachable('a block without transactions is put together')
    const again = new Rig({ params: PARAMS })
    again.listener('peer')
    again.nowMs = rig.nowMs
    again.handle({ ...kept, type: 'blockKept' })
    again.handle({ type: 'blockResult', blockHash: kept.blockHash, url: SOURCE, result: 'accepted', reason: null })
    push(again, block)
    const record = [{ shareHash: block.hash, result: 'accepted' }]
    expect([shown(again), stored(again)]).toEqual([record, record])
  })

  it('whose record is there keeps it as it is', () => {
    const { rig, block } = before()
    const again = new Rig({ store: rig.store, recentBlocks: rig.store.blocksNow(10) })
    const effects = again.handle({ ...block, type: 'blockKept' })
    expect(effectsOf(effects, 'submitBlock')).toEqual([block])
    expect(effectsOf(effects, 'commit')).toEqual([])
    expect(shown(again)[0]?.result).toBe('submitted: no answer on record')
    expect(stored(again)).toEqual(stored(rig))
  })

  it('that cannot be read any more is for the bitcoin nodes to judge', () => {
    const { block } = before()
    const again = new Rig()
    const cut = { ...block, blockHex: block.blockHex.slice(0, 200) }
    expect(effectsOf(again.handle({ ...cut, type: 'blockKept' }), 'submitBlock')).toEqual([cut])
    expect([shown(again), stored(again)]).toEqual([[], []])
  })
})

describe('whom a found block pays', () => {
  it('is told: its finder, and what goes to the key of the genesis share', () => {
    const rig = new Rig()
    rig.template({ valueSats: 1_000_000 })
    rig.connect(1, address(1))
    rig.mine(1, A_SHARE)
    rig.advance(1_000)
    rig.connect(2, address(2))
    rig.mine(2, A_BLOCK)
    rig.advance(1_000)
    rig.template({ valueSats: 1_000_000, parent: 2, height: 102 })
    rig.mine(1, A_BLOCK)
    const genesisAddress = genesisShare(rig.params).header.minerBitcoinAddress.text
    const outputs = rig.store.blocksNow(10).map(block => block.outputs)
    expect(outputs.map(({ length }) => length).toSorted()).toEqual([2, 3])
    for (const fact of rig.facts('blockFound')) {
      const found = outputs.find(({ length }) => length === fact.payees) ?? []
      const paidTo = (who: string): bigint => found.find(output => output.address === who)?.valueSats ?? 0n
      expect(fact).toMatchObject({
        valueSats: 1_000_000n,
        finderSats: paidTo(fact.payoutAddress),
        lostSats: paidTo(genesisAddress)
      })
      expect(fact.lostSats).toBeGreaterThan(300_000n)
    }
    // The second had nothing in the window when it found its block.
    expect(rig.facts('blockFound').map(({ finderSats }) => finderSats > 0n)).toEqual([false, true])
  })
})

describe('a peer’s share that is a block without transactions', () => {
  const builder = new ChainBuilder(PARAMS)
  const block = builder.build({ parent: builder.genesis, isBlock: true })
  /** A node whose bitcoin stands where the share's does. */
  const here = (bits?: number): Rig => {
    const rig = new Rig({ params: PARAMS })
    rig.listener('peer')
    rig.nowMs = (block.header.timeSec + 1) * 1_000
    if (bits !== undefined) rig.template({ height: 100, bits })
    return rig
  }
  const record = { shareHash: block.hash, result: 'submitted' }

  it('is submitted at once and on record, and its share changes nothing of that', () => {
    for (const rig of [here(0x1f00ffff), here()]) {
      const effects = push(rig, block)
      expect(effects[0]).toMatchObject({ type: 'submitBlock', bitcoinHeight: 100 })
      expect(rig.chain.confirmedTip().hash).toBe(block.hash)
      expect([shown(rig), stored(rig)]).toEqual([[record], [record]])
      push(rig, block)
      expect(stored(rig)).toEqual([record])
    }
  })

  it('is not submitted where our bitcoin wants more work, or at a height that is none', () => {
    expect(effectsOf(push(here(0x1c00ffff), block), 'submitBlock')).toEqual([])
    const at = (bitcoinHeight: bigint): number => {
      const effects = push(here(0x1f00ffff), { ...block, header: { ...block.header, bitcoinHeight } })
      return effectsOf(effects, 'submitBlock').length
    }
    expect([at(500_000_000n), at(500_000_001n)]).toEqual([1, 0])
  })
})

it('as many of the store’s blocks are read at the start as are remembered, with all that are not confirmed', () => {
  expect(BLOCKS_READ).toBeGreaterThanOrEqual(MAX_RECENT_BLOCKS + MAX_UNCONFIRMED_BLOCKS)
})

it('a block that was submitted from here is not dropped for others that are not confirmed', () => {
  const builder = new ChainBuilder(PARAMS)
  const parent = builder.build({ parent: builder.genesis })
  const [first, second] = [1, 2].map(() => builder.build({ parent: parent.hash, isBlock: true })) as [Share, Share]
  const others = Array.from({ length: MAX_UNCONFIRMED_BLOCKS - 1 }, (_, n): FoundBlock => {
    const hash = n.toString(16).padStart(64, '0')
    return {
      bitcoinHeight: 1,
      blockHash: blockHash(hash),
      timeSec: 1,
      shareHash: shareHash(hash),
      outputs: [],
      result: 'unconfirmed'
    }
  })
  const chain = new ShareChain({ params: PARAMS })
  const jobs = new JobMaker(
    { params: PARAMS, mode: 'sharechain', donation: null, fee: null, poolSignature: new Uint8Array(0) },
    { chain, accounting: null }
  )
  const effects = new EffectList()
  const keeper = new BlockKeeper(others, { network: 'regtest', genesisAddress: '', chain, jobs, effects })
  const meet = (share: Share) => keeper.changes(chain.addShare(share, { peer: 'peer' }, FAR_FUTURE_MS), share)
  expect(meet(first).recorded).toMatchObject([{ shareHash: first.hash }])
  keeper.submitRebuilt({ blockHash: blockHash('77'.repeat(32)), bitcoinHeight: 100, blockHex: '00', share: first })
  expect(meet(second)).toMatchObject({ recorded: [{ shareHash: second.hash }], forgotten: [] })
})
