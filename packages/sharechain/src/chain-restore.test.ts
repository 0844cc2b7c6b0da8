import { decodeShare, type Share } from '@p2poolv2/consensus'
import { type ShareHash, unixMs } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ShareChain } from './share-chain.ts'
import { bodyKey, indexKey, stateKey } from './store/keys.ts'
import { StoreCorrupt } from './store/restore.ts'
import type { StoredRow } from './store/share-store.ts'
import { ChainBuilder, easyParams, FAR_FUTURE_MS, GENESIS_TIME_SEC, headerItem } from './testing/build-chain.ts'
import { restored, StoredChain, snapshotOf } from './testing/stored-chain.ts'

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
    const parentTimeSec = builder.known.facts(parent)?.timeSec ?? 0
    const named = uncle === null ? undefined : hashes.at(-1 - uncle)
    const uncles = named === undefined || named === builder.genesis ? [] : [named]
    const spoiling = spoil ? ({ spoil: 'payout' } as const) : {}
    hashes.push(builder.build({ parent, miner, uncles, timeSec: parentTimeSec + gapSec, ...spoiling }).hash)
  }
  return hashes.slice(1).map(hash => builder.shares.get(hash) as Share)
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
        while (node.chain.nextDeadlineMs !== null) node.take(node.chain.advance(FAR_FUTURE_MS))

        // Whatever the order, every share ends with the same verdict and the tip is as heavy.
        expect(node.chain.orphanCount).toBe(0)
        for (const { hash } of shares) {
          expect(node.chain.facts(hash)).toEqual(builder.known.facts(hash))
        }
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

  it('asks for the stored bodies that have no verdict yet, and takes them up', () => {
    const builder = new ChainBuilder()
    const node = new StoredChain(builder.params)
    const nowMs = unixMs(GENESIS_TIME_SEC * 1000)
    const row = builder.row(builder.genesis, 1, { timeSec: GENESIS_TIME_SEC + 500 })
    row.push(...builder.row(row[0]?.hash as ShareHash, 2))
    for (const share of row) expect(node.take(node.chain.addShare(share, 'peer', nowMs)).validated).toEqual([])
    expect(node.chain.resume(10)).toEqual([])

    const again = node.rebuilt()
    expect(again.resume(10)).toEqual(row.map(share => share.hash))
    expect(again.resume(2)).toEqual(row.slice(0, 2).map(share => share.hash))
    const bodies = node.store.readNow(again.resume(10)).map(bytes => decodeShare(bytes ?? new Uint8Array(0)))
    const outcome = again.bodiesRead(bodies, FAR_FUTURE_MS)
    expect(outcome.confirmed).toEqual(row.map(share => share.hash))
    expect(again.resume(10)).toEqual([])
    again.checkInvariants()
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
