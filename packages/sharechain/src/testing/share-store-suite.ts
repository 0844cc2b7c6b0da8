import { ByteWriter, blockHash, utf8FromString } from '@p2poolv2/primitives'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { foundBlockRow } from '../store/block-rows.ts'
import { bodyKey, confirmedKey, headerKey, indexKey, stateKey } from '../store/keys.ts'
import { encodeArchiveRow } from '../store/records.ts'
import type { FoundBlock, ShareStore, StoredRow } from '../store/share-store.ts'
import { compareDigests } from '../tree/hash-order.ts'
import { deltaOf, foundBlock, hashOf } from './deltas.ts'

/** A store does not look into it. */
const A_HEADER = utf8FromString('a header')
const headerRecord = (height: number): Uint8Array => new ByteWriter().u32(height).bytes(A_HEADER).finish()

/** A store and what its tests need around it. */
export interface StoreRig {
  readonly store: ShareStore
  /** Closes the store and opens what it left behind. */
  reopen(): Promise<ShareStore>
  dispose(): Promise<void>
}

export async function rowsOf(store: ShareStore): Promise<StoredRow[]> {
  const rows: StoredRow[] = []
  for await (const batch of store.load()) rows.push(...batch)
  return rows
}

/** What every implementation of the share store has to do. */
export function describeShareStore(name: string, makeRig: () => Promise<StoreRig>): void {
  describe(`a share store ${name}`, () => {
    let rig: StoreRig
    beforeEach(async () => {
      rig = await makeRig()
    })
    afterEach(async () => {
      await rig.dispose()
    })

    it('gives no rows when it is new', async () => {
      expect(await rowsOf(rig.store)).toEqual([])
    })

    it('gives the state first and then index rows by height and hash, and nothing else', async () => {
      const value = utf8FromString('row')
      const places = [
        [256, 1],
        [2, 9],
        [1, 7],
        [2, 3]
      ] as const
      const puts = places.map(([height, n]) => ({ key: indexKey(height, hashOf(n)), value }))
      puts.push(
        { key: bodyKey(hashOf(1)), value },
        { key: headerKey(hashOf(1)), value },
        { key: confirmedKey(1), value }
      )
      await rig.store.commit(deltaOf(1, { puts }))
      const keys = (await rowsOf(rig.store)).map(row => Buffer.from(row.key).toString('hex'))
      const expected = [stateKey(), indexKey(1, hashOf(7)), indexKey(2, hashOf(9)), indexKey(2, hashOf(3))]
      expected.push(indexKey(256, hashOf(1)))
      const hex = expected.map(key => Buffer.from(key).toString('hex'))
      expect(keys.slice(0, 2)).toEqual(hex.slice(0, 2))
      expect(keys.slice(2, 4).sort()).toEqual(hex.slice(2, 4).sort())
      expect(keys.slice(4)).toEqual(hex.slice(4))
    })

    it('gives more rows than one batch holds', async () => {
      const value = utf8FromString('row')
      const puts = Array.from({ length: 3000 }, (_, n) => ({ key: indexKey(n, hashOf(n)), value }))
      await rig.store.commit(deltaOf(1, { puts }))
      const rows = await rowsOf(rig.store)
      expect(rows.length).toBe(3001)
      expect(rows.at(-1)?.key).toEqual(indexKey(2999, hashOf(2999)))
    })

    it('keeps what was committed when it is opened again', async () => {
      const body = utf8FromString('a share')
      await rig.store.commit(deltaOf(1, { puts: [{ key: bodyKey(hashOf(1)), value: body }] }))
      await rig.store.commit(deltaOf(2, { durability: 'flushed' }))
      const again = await rig.reopen()
      expect(await again.readShares([hashOf(1)])).toEqual([body])
      await again.commit(deltaOf(3))
      await expect(again.commit(deltaOf(3))).rejects.toThrow()
    })

    it('answers reads in the order asked, with null where it has nothing', async () => {
      const body = utf8FromString('a share')
      const record = { height: 7, batch: A_HEADER }
      const puts = [
        { key: bodyKey(hashOf(1)), value: body },
        { key: headerKey(hashOf(2)), value: headerRecord(7) }
      ]
      await rig.store.commit(deltaOf(1, { puts }))
      expect(await rig.store.readShares([hashOf(2), hashOf(1)])).toEqual([null, body])
      expect(await rig.store.readHeaders([hashOf(2), hashOf(1)])).toEqual([record, null])
      expect(await rig.store.readShares([])).toEqual([])
    })

    it('deletes what a delta deletes, also what the same delta put', async () => {
      const value = utf8FromString('x')
      await rig.store.commit(deltaOf(1, { puts: [{ key: bodyKey(hashOf(1)), value }] }))
      const puts = [{ key: bodyKey(hashOf(2)), value }]
      await rig.store.commit(deltaOf(2, { puts, deletes: [bodyKey(hashOf(1)), bodyKey(hashOf(2))] }))
      expect(await rig.store.readShares([hashOf(1), hashOf(2)])).toEqual([null, null])
    })

    it('applies several deltas in their order, and is at the last of them when it is opened again', async () => {
      const [first, second, third] = [1, 2, 3].map(n => ({ key: bodyKey(hashOf(1)), value: Uint8Array.of(n) }))
      if (first === undefined || second === undefined || third === undefined) throw new Error('three rows')
      const other = { key: bodyKey(hashOf(2)), value: Uint8Array.of(9) }
      await rig.store.commit(
        deltaOf(1, { puts: [first, other] }),
        deltaOf(2, { puts: [second], deletes: [other.key] }),
        deltaOf(3, { puts: [third], durability: 'flushed' })
      )
      const again = await rig.reopen()
      expect(await again.readShares([hashOf(1), hashOf(2)])).toEqual([third.value, null])
      await again.commit(deltaOf(4))
    })

    it('applies none of several deltas if one of them is out of sequence', async () => {
      const puts = [{ key: bodyKey(hashOf(1)), value: Uint8Array.of(1) }]
      await expect(rig.store.commit(deltaOf(1, { puts }), deltaOf(3))).rejects.toThrow()
      expect(await rig.store.readShares([hashOf(1)])).toEqual([null])
      await rig.store.commit(deltaOf(1))
    })

    it('refuses a delta out of sequence and stays as it was', async () => {
      await rig.store.commit(deltaOf(1))
      const puts = [{ key: bodyKey(hashOf(1)), value: utf8FromString('x') }]
      for (const sequence of [1, 3]) await expect(rig.store.commit(deltaOf(sequence, { puts }))).rejects.toThrow()
      expect(await rig.store.readShares([hashOf(1)])).toEqual([null])
      await rig.store.commit(deltaOf(2, { puts }))
      expect(await rig.store.readShares([hashOf(1)])).not.toEqual([null])
    })

    it('gives whole heights of the archive, from two below the first hash of a locator that is on its chain', async () => {
      const puts = [1, 2, 3, 4, 5, 7].flatMap(n => [
        { key: headerKey(hashOf(n)), value: headerRecord(n) },
        { key: confirmedKey(n), value: encodeArchiveRow(hashOf(n), n === 4 ? [hashOf(40), hashOf(41)] : []) }
      ])
      puts.push(
        { key: headerKey(hashOf(0)), value: headerRecord(0) },
        { key: headerKey(hashOf(41)), value: headerRecord(4) }
      )
      await rig.store.commit(deltaOf(1, { puts }))
      const heights = async (locator: readonly number[], limit = 10) =>
        (await rig.store.readArchive(locator.map(hashOf), limit)).map(({ height }) => height)
      expect(await heights([99, 5, 0])).toEqual([3, 4, 5])
      expect(await heights([0])).toEqual([1, 2, 3, 4, 5])
      expect(await heights([0], 3)).toEqual([1, 2, 3])
      expect(await heights([5], 2)).toEqual([3, 4])
      expect(await heights([99])).toEqual([])
      // An uncle is no place to go on from: what follows it is another branch.
      expect(await heights([41])).toEqual([])
      const [, fourth] = await rig.store.readArchive([hashOf(5)], 2)
      expect(fourth?.chain).toBe(hashOf(4))
      expect(fourth?.hashes).toEqual([hashOf(4), hashOf(40), hashOf(41)].sort(compareDigests))
    })

    it('lists found blocks newest first, each with its last result', async () => {
      const blocks = [foundBlock(1), foundBlock(3), foundBlock(2), foundBlock(3, 'rejected')]
      for (const [at, block] of blocks.entries()) {
        await rig.store.commit(deltaOf(at + 1, { puts: [foundBlockRow(block)], durability: 'flushed' }))
      }
      expect(await rig.store.readBlocks(2)).toEqual([foundBlock(3, 'rejected'), foundBlock(2)])
    })

    it('goes on with found blocks below any of them, block by block, and counts them', async () => {
      const twins = ['aa', 'bb'].map(byte => ({ ...foundBlock(2), blockHash: blockHash(byte.repeat(32)) }))
      const blocks = [foundBlock(1), ...twins, foundBlock(3)]
      await rig.store.commit(deltaOf(1, { puts: blocks.map(foundBlockRow), durability: 'flushed' }))
      const read: FoundBlock[] = []
      for (let page = await rig.store.readBlocks(1); page.length > 0; ) {
        read.push(...page)
        page = await rig.store.readBlocks(1, page.at(-1))
      }
      expect(read).toEqual([foundBlock(3), ...[...twins].reverse(), foundBlock(1)])
      expect(await rig.store.countBlocks()).toBe(4)
    })
  })
}
