import { MAX_BATCH_HEADERS_PER_HEIGHT, type Share } from '@p2poolv2/consensus'
import { type ShareHash, unixMs, ZERO_SHARE_HASH } from '@p2poolv2/primitives'
import { beforeEach, describe, expect, it } from 'vitest'
import { MAX_STEPS_PER_CALL } from './admission/intake.ts'
import type { ChainOutcome } from './contract.ts'
import { ShareChain } from './share-chain.ts'
import { bodyKey, headerKey, indexKey, KEY_PREFIX } from './store/keys.ts'
import { ChainBuilder, easyParams, FAR_FUTURE_MS, GENESIS_TIME_SEC, headerItem } from './testing/build-chain.ts'
import { foundBlock } from './testing/deltas.ts'
import { compareDigests } from './tree/hash-order.ts'

const BITCOIN_BITS = 0x207fffff

let builder: ChainBuilder
let chain: ShareChain

beforeEach(() => {
  builder = new ChainBuilder()
  chain = new ShareChain({ params: builder.params })
})

function add(share: Share, to: ShareChain = chain): ChainOutcome {
  const outcome = to.addShare(share, 'peer', FAR_FUTURE_MS)
  to.checkInvariants()
  return outcome
}

/** Kinds of keys a delta writes, as their prefix letters. */
function written(outcome: ChainOutcome): string {
  const kinds = (outcome.delta?.puts ?? []).map(({ key }) => String.fromCharCode(key[0] ?? 0))
  return [...new Set(kinds)].sort().join('')
}

const hashesOf = (shares: readonly Share[]) => shares.map(share => share.hash)

describe('a new chain', () => {
  it('holds the genesis: confirmed, candidate and mining base', () => {
    for (const facts of [chain.confirmedTip(), chain.candidateTip(), chain.miningBase()]) {
      expect(facts).toMatchObject({
        hash: builder.genesis,
        height: 0,
        validity: 'blockValid',
        prevHash: ZERO_SHARE_HASH
      })
    }
    expect([chain.shareCount, chain.uncleCount, chain.nextDeadlineMs, chain.resume(10)]).toEqual([1, 0, null, []])
    expect(chain.genesisDelta()).toMatchObject({ sequence: 1, deletes: [] })
  })

  it('pays the genesis for the first share', () => {
    const weights = chain.payoutWeights(builder.genesis, BITCOIN_BITS)
    expect(weights?.byAddress.size).toBe(1)
    expect(chain.windowShares(builder.genesis, BITCOIN_BITS)).toBe(1)
  })
})

describe('a valid share', () => {
  it('is confirmed, validated and becomes the mining base, own or not', () => {
    const [first, second] = builder.row(builder.genesis, 2) as [Share, Share]
    const outcome = chain.addShare(first, 'own', FAR_FUTURE_MS)
    expect(outcome).toMatchObject({
      verdict: { type: 'accepted' },
      newBase: true,
      confirmed: [first.hash],
      unconfirmed: [],
      wanted: [],
      validated: [first.hash],
      invalidated: []
    })
    expect(outcome.delta).toMatchObject({ sequence: 2, durability: 'buffered' })
    expect(written(outcome)).toBe('bhis')
    expect(add(second).delta?.sequence).toBe(3)
    expect(chain.miningBase()).toMatchObject({ hash: second.hash, height: 2, hasBody: true })
    expect([chain.confirmedHashAt(1), chain.confirmedHashAt(2), chain.confirmedHashAt(3)]).toEqual([
      first.hash,
      second.hash,
      undefined
    ])
  })

  it('is known the second time and changes nothing', () => {
    const share = builder.build({ parent: builder.genesis })
    add(share)
    expect(add(share)).toMatchObject({ verdict: { type: 'known' }, delta: null, newBase: false, validated: [] })
  })

  it('of equal work beside the tip is kept, unconfirmed, and offered as an uncle', () => {
    const [a, b] = [builder.build({ parent: builder.genesis }), builder.build({ parent: builder.genesis, miner: 1 })]
    add(a)
    expect(add(b)).toMatchObject({ verdict: { type: 'accepted' }, confirmed: [], validated: [b.hash], newBase: false })
    expect(chain.uncleChoice(a.hash)).toEqual([b.hash])
    expect(chain.hashesAtHeight(1)).toEqual([a.hash, b.hash].sort(compareDigests))
  })
})

describe('a bad copy', () => {
  it('is refused and leaves the good copy welcome', () => {
    const share = builder.build({ parent: builder.genesis })
    const other = builder.build({ parent: builder.genesis, miner: 1 })
    const copies: [string, Share][] = [
      ['body-share-coinbase', { ...share, transactions: other.transactions }],
      ['body-coinbase-txid', { ...share, bitcoinCoinbase: other.bitcoinCoinbase }],
      ['body-no-transactions', { ...share, transactions: [] }],
      ['proof-merkle-root', { ...share, merkleBranch: new Uint8Array(32) }]
    ]
    for (const [code, copy] of copies) {
      expect(add(copy), code).toMatchObject({ verdict: { type: 'refused', code }, delta: null, invalidated: [] })
    }
    expect(add(share).verdict).toEqual({ type: 'accepted' })
  })

  it('without the work its bits ask for is refused', () => {
    const share = builder.build({ parent: builder.genesis, bits: 0x207fffff })
    const header = { ...share.header, bits: 0x03000001 }
    expect(add({ ...share, header }).verdict).toMatchObject({ type: 'refused', code: 'share-work' })
  })
})

it('a share with other bits than its parent demands is refused, with everything that waits for it', () => {
  // The same genesis under another difficulty rule.
  const foreign = new ChainBuilder(easyParams({ spacingSec: 20 }))
  expect(foreign.genesis).toBe(builder.genesis)
  const [wrong, child, grandchild] = foreign.row(foreign.genesis, 3) as [Share, Share, Share]
  add(grandchild)
  add(child)
  expect(chain.orphanCount).toBe(2)
  expect(add(wrong)).toMatchObject({ verdict: { type: 'refused', code: 'share-bits' }, delta: null, invalidated: [] })
  expect(chain.orphanCount).toBe(0)
  expect(chain.facts(wrong.hash)).toBeUndefined()
})

describe('a share whose parent is not here', () => {
  it('waits in memory and is taken up when the parent comes', () => {
    const [first, second, third] = builder.row(builder.genesis, 3) as [Share, Share, Share]
    const missing = [second.hash]
    expect(add(third)).toMatchObject({ verdict: { type: 'waiting', missing }, delta: null, wanted: missing })
    expect(add(second).verdict).toEqual({ type: 'waiting', missing: [first.hash] })
    expect(chain.orphanCount).toBe(2)
    const outcome = add(first)
    expect(outcome.confirmed).toEqual(hashesOf([first, second, third]))
    expect(outcome.validated).toEqual(hashesOf([first, second, third]))
    expect(chain.orphanCount).toBe(0)
  })
})

describe('uncles', () => {
  it('a nephew waits for its uncle and then both are confirmed or paid for', () => {
    const [main, uncle] = [
      builder.build({ parent: builder.genesis }),
      builder.build({ parent: builder.genesis, miner: 1 })
    ]
    const nephew = builder.build({ parent: main.hash, uncles: [uncle.hash] })
    add(main)
    expect(add(nephew).verdict).toEqual({ type: 'waiting', missing: [uncle.hash] })
    expect(add(uncle).confirmed).toEqual([nephew.hash])
    expect(chain.uncleCount).toBe(1)
    expect(chain.facts(nephew.hash)?.uncles).toEqual([uncle.hash])
  })

  it('are offered once on a branch, and again on a branch that does not name them', () => {
    const [main, uncle] = [
      builder.build({ parent: builder.genesis }),
      builder.build({ parent: builder.genesis, miner: 1 })
    ]
    const nephew = builder.build({ parent: main.hash, uncles: [uncle.hash] })
    const rival = builder.build({ parent: main.hash, miner: 2 })
    for (const share of [main, uncle, nephew, rival]) add(share)
    expect(chain.uncleChoice(nephew.hash)).toEqual([rival.hash])
    // The nephew itself is confirmed, so it is no uncle.
    expect(chain.uncleChoice(rival.hash)).toEqual([uncle.hash])
  })

  it('that are ancestors make a share invalid, and it is remembered', () => {
    const [first, second] = builder.row(builder.genesis, 2) as [Share, Share]
    const greedy = builder.build({ parent: second.hash, uncles: [first.hash] })
    add(first)
    add(second)
    const outcome = add(greedy)
    expect(outcome.verdict).toMatchObject({ type: 'refused', code: 'uncle-is-ancestor' })
    expect(outcome.invalidated).toEqual([greedy.hash])
    expect(chain.facts(greedy.hash)?.validity).toBe('invalid')
    expect(chain.miningBase().hash).toBe(second.hash)
  })

  it('may be invalid shares, or built on one: the rules do not ask', () => {
    const main = builder.build({ parent: builder.genesis })
    const thief = builder.build({ parent: builder.genesis, spoil: 'payout', miner: 1 })
    const heir = builder.build({ parent: thief.hash, miner: 2 })
    const second = builder.build({ parent: main.hash, uncles: [thief.hash] })
    const third = builder.build({ parent: second.hash, uncles: [heir.hash] })
    for (const share of [main, thief]) add(share)
    // Nobody may build on it, so nothing of it is kept before somebody names it.
    expect(add(heir)).toMatchObject({ verdict: { type: 'refused', code: 'share-parent-invalid' }, delta: null })
    expect(chain.facts(heir.hash)).toBeUndefined()
    expect(add(second).confirmed).toEqual([second.hash])
    expect(add(third)).toMatchObject({ verdict: { type: 'waiting', missing: [heir.hash] }, wanted: [heir.hash] })
    expect(add(heir).confirmed).toEqual([third.hash])
    expect(chain.facts(heir.hash)).toMatchObject({ validity: 'invalid', hasBody: true })
    expect(chain.uncleChoice(third.hash)).toEqual([])
  })
})

describe('a share that pays the wrong miners', () => {
  it('is invalid for ever and the chain goes on without it', () => {
    const good = builder.build({ parent: builder.genesis })
    const thief = builder.build({ parent: good.hash, spoil: 'payout', miner: 1 })
    add(good)
    const outcome = add(thief)
    expect(outcome.verdict).toMatchObject({ type: 'refused', code: 'coinbase-payout' })
    expect(outcome).toMatchObject({ confirmed: [], validated: [], invalidated: [thief.hash], newBase: false })
    expect(written(outcome)).toBe('bhis')
    expect(chain.candidateTip().hash).toBe(good.hash)
    expect(add(thief)).toMatchObject({ verdict: { type: 'known' }, delta: null })
    expect(add(builder.build({ parent: good.hash })).newBase).toBe(true)
  })

  it('takes the headers already built on it along', () => {
    const good = builder.row(builder.genesis, 2)
    const thief = builder.build({ parent: builder.genesis, spoil: 'payout', miner: 1 })
    const heirs = builder.row(thief.hash, 3)
    chain.addHeaders([thief, ...heirs].map(headerItem), FAR_FUTURE_MS)
    for (const share of good) add(share)
    expect(chain.candidateTip().hash).toBe(heirs.at(-1)?.hash)
    expect(chain.confirmedTip().hash).toBe(builder.genesis)
    const outcome = add(thief)
    expect(new Set(outcome.invalidated)).toEqual(new Set(hashesOf([thief, ...heirs])))
    expect(outcome.confirmed).toEqual(hashesOf(good))
    expect(chain.candidateTip().hash).toBe(good[1]?.hash)
    // An heir's body is kept, for it may be named as an uncle, and waits for nothing.
    const heir = add(heirs[1] as Share)
    expect(heir.verdict).toMatchObject({ type: 'refused', code: 'share-parent-invalid' })
    expect(chain.facts(heirs[1]?.hash as ShareHash)).toMatchObject({ validity: 'invalid', hasBody: true })
  })
})

describe('headers before bodies', () => {
  it('make a candidate chain whose bodies are wanted, and are confirmed as bodies come', () => {
    const row = builder.row(builder.genesis, 6)
    const outcome = chain.addHeaders(row.map(headerItem), FAR_FUTURE_MS)
    chain.checkInvariants()
    expect(outcome).toMatchObject({
      verdict: { type: 'accepted' },
      confirmed: [],
      newBase: false,
      wanted: hashesOf(row)
    })
    expect(written(outcome)).toBe('his')
    expect(chain.candidateTip().height).toBe(6)
    expect(chain.bodiesWanted(4)).toEqual(hashesOf(row).slice(0, 4))
    expect(chain.locator()).toEqual([...hashesOf(row).reverse(), builder.genesis])
    // Bodies in reverse order: all but the last one to come wait.
    for (const share of row.slice(1).reverse()) expect(add(share).verdict.type).toBe('waiting')
    expect(add(row[0] as Share).confirmed).toEqual(hashesOf(row))
    expect(chain.bodiesWanted(4)).toEqual([])
  })

  it('that are known already change nothing', () => {
    const row = builder.row(builder.genesis, 3)
    chain.addHeaders(row.map(headerItem), FAR_FUTURE_MS)
    expect(chain.addHeaders(row.map(headerItem), FAR_FUTURE_MS)).toMatchObject({
      verdict: { type: 'accepted' },
      delta: null
    })
    expect(chain.addHeaders([], FAR_FUTURE_MS)).toMatchObject({ verdict: { type: 'accepted' }, delta: null })
  })

  it('are taken all or not at all', () => {
    const row = builder.row(builder.genesis, 4)
    const spoilt = { ...headerItem(row[3] as Share), merkleBranch: new Uint8Array(32) }
    const refusals = [
      [[...row.slice(0, 3).map(headerItem), spoilt], { type: 'refused', code: 'proof-merkle-root' }],
      [row.slice(1).map(headerItem), { type: 'waiting', missing: [row[0]?.hash] }],
      [[row[1], row[0]].map(share => headerItem(share as Share)), { type: 'waiting', missing: [row[0]?.hash] }]
    ] as const
    for (const [items, verdict] of refusals) {
      const outcome = chain.addHeaders(items, FAR_FUTURE_MS)
      expect(outcome).toMatchObject({ verdict, delta: null })
      expect(chain.shareCount).toBe(1)
    }
  })

  it('with wrong bits or an uncle nobody knows are refused or asked about', () => {
    const wrong = builder.build({ parent: builder.genesis, bits: 0x207fffff })
    expect(chain.addHeaders([headerItem(wrong)], FAR_FUTURE_MS).verdict).toMatchObject({ code: 'share-bits' })
    const [main, uncle] = [builder.build({ parent: builder.genesis }), builder.build({ parent: builder.genesis })]
    const nephew = builder.build({ parent: main.hash, uncles: [uncle.hash] })
    const batch = [main, nephew].map(headerItem)
    const verdict = { type: 'waiting', missing: [uncle.hash] }
    expect(chain.addHeaders(batch, FAR_FUTURE_MS)).toMatchObject({ verdict, delta: null })
    expect(chain.addHeaders([...batch, headerItem(uncle)], FAR_FUTURE_MS).verdict).toEqual({ type: 'accepted' })
  })
})

describe('a crowded height', () => {
  const most = easyParams().maxSharesPerHeight
  const siblings = (count: number) => Array.from({ length: count }, () => builder.build({ parent: builder.genesis }))

  it('is no place for a batch with more of it than an honest answer has', () => {
    const tooMany = chain.addHeaders(siblings(MAX_BATCH_HEADERS_PER_HEIGHT + 1).map(headerItem), FAR_FUTURE_MS)
    expect(tooMany.verdict).toMatchObject({ type: 'refused', code: 'height-crowded' })
  })

  it('lets in every valid share, whatever waits there', () => {
    chain.addHeaders(siblings(most).map(headerItem), FAR_FUTURE_MS)
    const valid = siblings(2 * most)
    for (const share of valid) expect(add(share).verdict).toEqual({ type: 'accepted' })
    for (const { hash } of valid) expect(chain.facts(hash)?.validity).toBe('blockValid')
  })

  it('lets the lightest branch without validated shares go for a newcomer', () => {
    const waiting = siblings(most)
    const [heavy, ...light] = waiting as [Share, ...Share[]]
    const [child] = builder.row(heavy.hash, 1) as [Share]
    chain.addHeaders([...waiting, child].map(headerItem), FAR_FUTURE_MS)
    const [early, late] = siblings(2) as [Share, Share]
    chain.addHeaders([headerItem(early)], FAR_FUTURE_MS)
    expect(chain.shareCount).toBe(1 + most + 2)
    const outcome = chain.addHeaders([headerItem(late)], FAR_FUTURE_MS)
    chain.checkInvariants()
    expect(outcome.verdict).toEqual({ type: 'accepted' })
    // The candidate chain has its place beside as many as a height is kept of.
    expect(chain.shareCount).toBe(1 + most + 2)
    expect([heavy, late].map(({ hash }) => chain.facts(hash)?.height)).toEqual([1, 1])
    // Nothing of it is left in the store, and it may come again.
    const gone = light.find(({ hash }) => chain.facts(hash) === undefined) as Share
    const deleted = (outcome.delta?.deletes ?? []).map(key => Buffer.from(key).toString('hex'))
    const keys = [indexKey(1, gone.hash), headerKey(gone.hash), bodyKey(gone.hash)]
    expect(deleted).toEqual(expect.arrayContaining(keys.map(key => Buffer.from(key).toString('hex'))))
    expect(add(gone).verdict).toEqual({ type: 'accepted' })
  })
})

describe('time', () => {
  const nowMs = unixMs((GENESIS_TIME_SEC + 10) * 1000)

  it('a share from the future waits until its time has come', () => {
    const share = builder.build({ parent: builder.genesis, timeSec: GENESIS_TIME_SEC + 10 + 120 + 5 })
    const child = builder.build({ parent: share.hash })
    const outcome = chain.addShare(share, 'peer', nowMs)
    expect(outcome.verdict).toEqual({ type: 'waiting', missing: [], code: 'share-time-future' })
    expect(outcome.validated).toEqual([])
    expect(chain.addShare(child, 'peer', nowMs).verdict).toMatchObject({ code: 'share-parent-unvalidated' })
    const dueMs = chain.nextDeadlineMs
    expect(dueMs).toBe(nowMs + 5000)
    chain.checkInvariants()
    expect(chain.advance(unixMs(nowMs + 4999))).toMatchObject({ delta: null, validated: [] })
    const due = chain.advance(unixMs(nowMs + 5000))
    expect(due.validated[0]).toBe(share.hash)
    expect(chain.nextDeadlineMs).toBe(nowMs + 6000)
    expect(chain.advance(unixMs(nowMs + 6000)).confirmed).toEqual([child.hash])
    expect(chain.nextDeadlineMs).toBeNull()
    chain.checkInvariants()
  })

  it('a share not later than the median of its ancestors is not let in, and is no more than an uncle', () => {
    const [parent] = builder.row(builder.genesis, 3).slice(-1) as [Share]
    const timeSec = builder.known.medianTimePast(parent.hash)
    const late = builder.build({ parent: parent.hash, timeSec })
    for (const share of builder.shares.values()) add(share)
    expect(add(late)).toMatchObject({ verdict: { type: 'refused', code: 'share-time-median' }, delta: null })
    expect(chain.facts(late.hash)).toBeUndefined()
    const [next] = builder.row(parent.hash, 1) as [Share]
    const nephew = builder.build({ parent: next.hash, uncles: [late.hash] })
    expect(chain.addHeaders([next, late, nephew].map(headerItem), FAR_FUTURE_MS).verdict).toEqual({ type: 'accepted' })
    for (const share of [next, late, nephew]) add(share)
    expect(chain.confirmedTip().hash).toBe(nephew.hash)
    expect(chain.facts(late.hash)?.validity).toBe('invalid')
  })
})

it('a long row of waiting shares is taken up in steps', () => {
  const row = builder.row(builder.genesis, 100)
  for (const [at, share] of row.slice(1).entries()) chain.addShare(share, { peer: `${at % 3}` }, FAR_FUTURE_MS)
  const first = chain.addShare(row[0] as Share, 'peer', FAR_FUTURE_MS)
  expect(first.confirmed.length).toBeLessThanOrEqual(MAX_STEPS_PER_CALL + 1)
  expect(chain.nextDeadlineMs).toBe(0)
  chain.checkInvariants()
  const confirmed = [...first.confirmed, ...chain.advance(FAR_FUTURE_MS).confirmed]
  expect(confirmed).toEqual(hashesOf(row))
  expect(chain.nextDeadlineMs).toBeNull()
})

it('a re-org of the confirmed chain moves the mining base and takes shares back', () => {
  const old = builder.row(builder.genesis, 2)
  const better = builder.row(builder.genesis, 3, { miner: 1 })
  for (const share of old) add(share)
  for (const share of better.slice(0, 2)) add(share)
  expect(chain.confirmedTip().hash).toBe(old[1]?.hash)
  const outcome = add(better[2] as Share)
  expect(outcome).toMatchObject({ confirmed: hashesOf(better), unconfirmed: hashesOf(old).reverse(), newBase: true })
  expect(chain.miningBase().hash).toBe(better[2]?.hash)
})

it('the payout window follows the base and holds more than one miner', () => {
  builder = new ChainBuilder(easyParams({ difficultyMultiplier: 500n }))
  chain = new ShareChain({ params: builder.params })
  let parent = builder.genesis
  for (let n = 0; n < 60; n++) {
    const share = builder.build({ parent, miner: n % 5 })
    expect(add(share).verdict.type).toBe('accepted')
    parent = share.hash
  }
  const shares = chain.windowShares(parent, BITCOIN_BITS)
  expect(shares).toBeGreaterThan(5)
  expect(shares).toBeLessThan(60)
  expect(chain.payoutWeights(parent, BITCOIN_BITS)?.byAddress.size).toBe(5)
  expect(chain.payoutWeights(parent, BITCOIN_BITS)).toEqual(builder.known.payoutWeights(parent, BITCOIN_BITS))
})

it('a found block is one flushed delta in sequence', () => {
  const delta = chain.recordBlocks({ recorded: [foundBlock(900_000)], forgotten: [] })
  expect(delta).toMatchObject({ sequence: 2, durability: 'flushed', deletes: [] })
  expect(delta.puts.map(({ key }) => key[0])).toEqual([KEY_PREFIX.state, KEY_PREFIX.block])
  expect(add(builder.build({ parent: builder.genesis })).delta?.sequence).toBe(3)
})
