import { decodeShare, RULES_VERSION, type Share } from '@p2poolv2/consensus'
import { type ShareHash, unixMs } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ShareChain } from './share-chain.ts'
import { bodyKey, indexKey, parseIndexKey, stateKey } from './store/keys.ts'
import { encodeState } from './store/records.ts'
import { StoreCorrupt } from './store/restore.ts'
import { sealed } from './store/seal.ts'
import type { StoredRow } from './store/share-store.ts'
import {
  ChainBuilder,
  deliver,
  easyParams,
  FAR_FUTURE_MS,
  GENESIS_TIME_SEC,
  headerItem
} from './testing/build-chain.ts'
import { refusedRow, restored, StoredChain, snapshotOf } from './testing/stored-chain.ts'

const arbitraryShare = fc.record({
  back: fc.oneof({ weight: 4, arbitrary: fc.nat(2) }, { weight: 1, arbitrary: fc.nat(12) }),
  miner: fc.nat(3),
  uncle: fc.option(fc.nat(4), { freq: 3 }),
  gapSec: fc.nat(4),
  spoil: fc.boolean().chain(spoilt => (spoilt ? fc.boolean() : fc.constant(false)))
})

/** A random tree of real shares, some of them paying the wrong miners. */
function plant(
  builder: ChainBuilder,
  wishes: readonly { back: number; miner: number; uncle: number | null; gapSec: number; spoil: boolean }[]
) {
  const hashes: ShareHash[] = [builder.genesis]
  for (const { back, miner, uncle, gapSec, spoil } of wishes) {
    const parent = hashes.at(-1 - back) ?? builder.genesis
    const parentTimeSec = builder.facts(parent).timeSec
    const named = uncle === null ? undefined : hashes.at(-1 - uncle)
    const uncles = named === undefined || named === builder.genesis ? [] : [named]
    const spoiling = spoil ? ({ spoil: 'payout' } as const) : {}
    hashes.push(builder.build({ parent, miner, uncles, timeSec: parentTimeSec + gapSec, ...spoiling }).hash)
  }
  return hashes.slice(1).map(hash => builder.shares.get(hash) as Share)
}

/** A row as a version of the rules would have left it that refused these shares. */
function condemned(stored: StoredRow, verdicts: ReadonlyMap<ShareHash, string>, rulesVersion: number): StoredRow {
  const at = parseIndexKey(stored.key)
  const verdict = at === null ? undefined : verdicts.get(at.hash)
  if (verdict === undefined) return stored
  return refusedRow(stored, verdict, rulesVersion)
}

describe('a node rebuilt from its store', () => {
  it('equals the running one, whatever came in which order', () => {
    const property = fc.property(
      fc.array(arbitraryShare, { minLength: 1, maxLength: 25 }),
      fc.array(fc.nat(1000), { minLength: 25, maxLength: 25 }),
      fc.nat(4),
      (wishes, order, headersFirst) => {
        const builder = new ChainBuilder()
        const shares = plant(builder, wishes)
        const node = new StoredChain(builder.params)
        if (headersFirst === 0) {
          node.take(node.chain.addHeaders(shares.slice(0, 10).map(headerItem), FAR_FUTURE_MS))
        }
        const shuffled = shares.map((share, at) => ({ share, rank: order[at] ?? 0 })).sort((a, b) => a.rank - b.rank)
        for (const { share } of shuffled) {
          node.take(node.chain.addShare(share, { peer: share.hash.slice(0, 1) }, FAR_FUTURE_MS))
          expect(snapshotOf(node.rebuilt())).toEqual(snapshotOf(node.chain))
        }
        node.rest(FAR_FUTURE_MS)

        // What was not let in before somebody named it is asked for again.
        for (const share of shares) deliver(node.chain, share, builder.shares)
        node.chain.checkInvariants()

        // Whatever the order, every share that is not invalid ends with the same verdict and the tip is as heavy.
        const isLost = (chain: ShareChain, hash: ShareHash) => (chain.facts(hash)?.validity ?? 'invalid') === 'invalid'
        for (const { hash } of shares) {
          expect(isLost(node.chain, hash)).toBe(isLost(builder.known, hash))
          if (!isLost(node.chain, hash)) expect(node.chain.facts(hash)).toEqual(builder.known.facts(hash))
        }
        // Who still waits is built on what may not be built on.
        const lost = shares.filter(({ hash }) => isLost(node.chain, hash))
        expect(node.chain.orphanCount).toBeLessThanOrEqual(lost.length)
        expect(node.chain.candidateTip().chainWork).toBe(builder.known.candidateTip().chainWork)
        expect(node.chain.confirmedTip().chainWork).toBe(builder.known.confirmedTip().chainWork)
      }
    )
    fc.assert(property, { numRuns: 100 })
  })

  it('goes on like the running one', () => {
    const builder = new ChainBuilder()
    const node = new StoredChain(builder.params)
    for (const share of builder.row(builder.genesis, 5)) node.take(node.chain.addShare(share, 'own', FAR_FUTURE_MS))
    const again = node.rebuilt()
    const next = builder.build({ parent: node.chain.miningBase().hash })
    expect(again.addShare(next, 'peer', FAR_FUTURE_MS)).toEqual(node.chain.addShare(next, 'peer', FAR_FUTURE_MS))
  })

  it('knows an uncle from the future by its verdict, and judges it when its time has come', () => {
    const builder = new ChainBuilder()
    const node = new StoredChain(builder.params)
    const nowMs = unixMs((GENESIS_TIME_SEC + 10) * 1000)
    const main = builder.build({ parent: builder.genesis })
    const early = builder.build({ parent: builder.genesis, timeSec: GENESIS_TIME_SEC + 500 })
    const nephew = builder.build({ parent: main.hash, uncles: [early.hash] })
    for (const share of [main, nephew, early]) node.take(node.chain.addShare(share, 'peer', nowMs))
    expect(node.chain.confirmedTip().hash).toBe(nephew.hash)
    expect(node.chain.facts(early.hash)?.validity).toBe('invalid')

    const again = node.rebuilt()
    expect(snapshotOf(again)).toEqual(snapshotOf(node.chain))
    const dueMs = (GENESIS_TIME_SEC + 500 - 120) * 1000
    expect([again.nextDeadlineMs, again.resume(10)]).toEqual([dueMs, []])
    again.advance(unixMs(dueMs))
    expect(again.resume(10)).toEqual([early.hash])
    again.bodiesRead([decodeShare(node.store.readNow([early.hash])[0] ?? new Uint8Array(0))], unixMs(dueMs))
    expect(again.facts(early.hash)?.validity).toBe('blockValid')
    expect(again.resume(10)).toEqual([])
    again.checkInvariants()
  })

  it('judges anew what other rules refused, from the stored body or from one that is fetched', () => {
    const builder = new ChainBuilder()
    const node = new StoredChain(builder.params)
    const [main] = builder.row(builder.genesis, 1) as [Share]
    const row = builder.row(builder.genesis, 3, { miner: 1 })
    const thief = builder.build({ parent: main.hash, spoil: 'payout', miner: 2 })
    node.take(node.chain.addHeaders([...row, main].map(headerItem), FAR_FUTURE_MS))
    for (const share of [main, thief, ...row.slice(0, 2)]) node.take(node.chain.addShare(share, 'peer', FAR_FUTURE_MS))
    // As if an earlier version had refused the first share of the row, and with it what was built on it.
    const verdicts = new Map(row.map(({ hash }, at) => [hash, at === 0 ? 'coinbase-payout' : 'share-parent-invalid']))
    const rows = node.store.rows().map(stored => condemned(stored, verdicts, RULES_VERSION - 1))
    const state = { sequence: 9, confirmedTip: main.hash, candidateTip: main.hash, uncleCount: 0 }
    const again = restored(builder.params, [sealed(stateKey(), encodeState(state)), ...rows.slice(1)])

    expect(again.facts(thief.hash)?.validity).toBe('invalid')
    expect([again.candidateTip().hash, again.confirmedTip().hash]).toEqual([row[2]?.hash, main.hash])
    expect(again.resume(10)).toEqual(row.slice(0, 2).map(share => share.hash))
    expect(again.bodiesWanted(10)).toEqual([row[2]?.hash])
    again.bodiesRead(row.slice(0, 2), FAR_FUTURE_MS)
    expect(again.addShare(row[2] as Share, 'peer', FAR_FUTURE_MS).verdict).toEqual({ type: 'accepted' })
    expect(again.confirmedTip().hash).toBe(row[2]?.hash)
    again.checkInvariants()

    // The same rows by the rules of today stay refused.
    const ours = node.store.rows().map(stored => condemned(stored, verdicts, RULES_VERSION))
    const still = restored(builder.params, [sealed(stateKey(), encodeState(state)), ...ours.slice(1)])
    expect([still.candidateTip().hash, still.resume(10)]).toEqual([main.hash, []])
  })

  it('is a new chain when the store is empty', () => {
    const chain = new ShareChain({ params: easyParams() })
    chain.beginRestore()
    expect(chain.finishRestore()).toBe('empty')
    expect(chain.sequence).toBe(1)
  })
})

describe('a damaged store is refused', () => {
  const builder = new ChainBuilder()
  const node = new StoredChain(builder.params)
  const row = builder.row(builder.genesis, 4)
  for (const share of row) node.take(node.chain.addShare(share, 'peer', FAR_FUTURE_MS))
  const rows = node.store.rows()
  const isOf = (at: number) => (stored: StoredRow) =>
    Buffer.compare(stored.key, indexKey(at + 1, row[at]?.hash as ShareHash)) === 0
  const swap = (at: number, value: (bytes: Uint8Array) => Uint8Array) =>
    rows.map(stored => (isOf(at)(stored) ? { key: stored.key, value: value(stored.value) } : stored))

  it.each([
    ['a share in the middle missing', rows.filter(stored => !isOf(1)(stored))],
    ['the tip missing', rows.filter(stored => !isOf(3)(stored))],
    ['a share twice', [...rows, rows.at(-1) as StoredRow]],
    ['the state missing', rows.slice(1)],
    ['the shares missing', rows.slice(0, 1)],
    ['shares out of order', [...rows].reverse()],
    ['a row cut off', swap(2, bytes => bytes.subarray(0, 50))],
    ['a bit flipped in the work', swap(2, bytes => bytes.map((byte, at) => (at === 42 ? byte ^ 1 : byte)))],
    ['a bit flipped in the target', swap(2, bytes => bytes.map((byte, at) => (at === 1 ? byte ^ 1 : byte)))],
    ['the tip marked invalid', swap(3, bytes => bytes.map((byte, at) => (at === 0 ? 1 : byte)))],
    ['a body among the rows', [...rows, { key: bodyKey(builder.genesis), value: new Uint8Array(1) }]],
    ['a state cut off', [{ key: stateKey(), value: new Uint8Array(5) }, ...rows.slice(1)]]
  ])('%s', (_, damaged) => {
    expect(() => restored(builder.params, damaged)).toThrow(StoreCorrupt)
  })

  it('a store that begins with another genesis', () => {
    const other = new StoredChain(easyParams({ genesisTimeSec: GENESIS_TIME_SEC + 1 }))
    expect(() => restored(builder.params, other.store.rows())).toThrow('another genesis')
  })
})
