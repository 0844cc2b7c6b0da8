import { decodeHeaderBatch, decodeShare, type Share } from '@p2poolv2/consensus'
import { type ShareHash, ZERO_SHARE_HASH } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { inPayoutZone, PRUNE_SLACK_HEIGHTS, pruneHeightOf } from './chains/zones.ts'
import { ChainBuilder, easyParams, FAR_FUTURE_MS, headerItem } from './testing/build-chain.ts'
import { StoredChain, snapshotOf } from './testing/stored-chain.ts'

/** The real rules with a window of 20 shares and twice that kept. The builder keeps everything. */
const short = easyParams({ windowMaxShares: 20, pruneDepth: 40, paddingSpan: 10, difficultyMultiplier: 10_000n })
const makeBuilder = () => new ChainBuilder(easyParams({ windowMaxShares: 20, difficultyMultiplier: 10_000n }))

const hashesOf = (shares: readonly Share[]) => shares.map(share => share.hash)

/** A chain with a sibling every seven heights, which the next but one share names as its uncle. */
function growth(builder: ChainBuilder, length: number): Share[] {
  const shares: Share[] = []
  let parent = builder.genesis
  let uncles: ShareHash[] = []
  for (let height = 1; height <= length; height++) {
    const share = builder.build({ parent, uncles, miner: height % 5 })
    uncles = []
    shares.push(share)
    if (height % 7 === 0) {
      const sibling = builder.build({ parent, miner: 6 })
      shares.push(sibling)
      uncles = [sibling.hash]
    }
    parent = share.hash
  }
  return shares
}

// protocol §12.8, with the values of 0.13's tests
it.each([
  [300_000, true],
  [179_041, true],
  [179_040, false],
  [0, false]
])('with the tip at 300,000 height %i is in the payout zone: %s', (height, inside) => {
  const params = easyParams()
  expect(inPayoutZone(params, height, 300_000)).toBe(inside)
  expect(inPayoutZone(params, 1, 100)).toBe(true)
  expect(pruneHeightOf(params, 300_000)).toBe(58_080)
  expect(pruneHeightOf(params, 100)).toBe(0)
})

describe('pruning', () => {
  it('keeps memory and store bounded and changes no answer', () => {
    const builder = makeBuilder()
    const node = new StoredChain(short)
    const shares = growth(builder, 150)
    for (const [at, share] of shares.entries()) {
      const outcome = node.take(node.chain.addShare(share, 'peer', FAR_FUTURE_MS))
      expect(outcome.verdict).toEqual({ type: 'accepted' })
      const base = node.chain.miningBase().hash
      expect(base).toBe(builder.known.facts(base)?.hash)
      expect(node.chain.payoutWeights(base, 0x207fffff)).toEqual(builder.known.payoutWeights(base, 0x207fffff))
      if (at % 10 === 0 || at > 150) expect(snapshotOf(node.rebuilt())).toEqual(snapshotOf(node.chain))
    }
    const floor = 150 - 40 - PRUNE_SLACK_HEIGHTS
    const kept = shares.filter(share => (builder.known.facts(share.hash)?.height ?? 0) >= floor)
    expect(node.chain.shareCount).toBe(kept.length + 1)
    expect(node.chain.uncleCount).toBe(Math.floor(149 / 7))
    expect(node.chain.locator().at(-1)).toBe(builder.genesis)
  })

  it('of shares the payout window stands on does not confuse the window', () => {
    const builder = makeBuilder()
    const node = new StoredChain(short)
    const row = builder.row(builder.genesis, 100)
    for (const share of row) node.take(node.chain.addShare(share, 'peer', FAR_FUTURE_MS))
    // Headers alone prune from under the oldest window there is, and are given the slots that become free.
    expect(node.chain.payoutWeights(row[65]?.hash as ShareHash, 0x207fffff)).not.toBeNull()
    let tip = row[99]?.hash as ShareHash
    for (let miner = 1; miner < 20; miner++) {
      const share = builder.build({ parent: tip, miner })
      node.take(node.chain.addHeaders([headerItem(share)], FAR_FUTURE_MS))
      tip = share.hash
    }
    expect(node.chain.payoutWeights(tip, 0x207fffff)).toEqual(builder.known.payoutWeights(tip, 0x207fffff))
  })

  it('deletes bodies and shares nobody needs from the store and archives the headers of the chain and its uncles', () => {
    const builder = makeBuilder()
    const node = new StoredChain(short)
    const shares = growth(builder, 100)
    const thief = builder.build({ parent: shares[8]?.hash as ShareHash, spoil: 'payout', miner: 6 })
    shares.splice(12, 0, thief)
    for (const share of shares) node.take(node.chain.addShare(share, 'peer', FAR_FUTURE_MS))
    const floor = 100 - 40 - PRUNE_SLACK_HEIGHTS
    const heightOf = (share: Share) => builder.known.facts(share.hash)?.height ?? 0
    for (const share of shares) {
      const [body] = node.store.readNow([share.hash])
      const [header] = node.store.readHeadersNow([share.hash])
      expect(body !== null, `body at ${heightOf(share)}`).toBe(heightOf(share) >= floor)
      expect(header !== null, `header at ${heightOf(share)}`).toBe(share !== thief)
      if (header !== undefined && header !== null) expect(header.height).toBe(heightOf(share))
    }
    const archive = node.store.archiveNow([builder.genesis], 1000)
    expect(archive.map(({ height }) => height)).toEqual(Array.from({ length: floor - 1 }, (_, at) => at + 1))
    expect(archive.map(({ chain }) => chain)).toEqual(
      archive.map(({ height }) => builder.known.confirmedHashAt(height))
    )
    const below = shares.filter(share => share !== thief && heightOf(share) < floor).map(share => share.hash)
    expect(new Set(archive.flatMap(({ hashes }) => hashes))).toEqual(new Set(below))
    expect(node.chain.keptFromHeight).toBe(floor)
    expect(node.chain.facts(archive[3]?.chain as ShareHash)).toBeUndefined()
  })

  it('leaves an answer to a peer that starts from the genesis to the store', () => {
    const builder = makeBuilder()
    const node = new StoredChain(short)
    const row = builder.row(builder.genesis, 100)
    for (const share of row) node.take(node.chain.addShare(share, 'peer', FAR_FUTURE_MS))
    const ask = (hash: ShareHash) =>
      node.chain.headerAnswer({ locator: [hash, builder.genesis], stopHash: ZERO_SHARE_HASH })
    expect(ask(row[10]?.hash as ShareHash)).toEqual([])
    expect(ask(row[44]?.hash as ShareHash)).toEqual(hashesOf(row).slice(43))
    const [record] = node.store.readHeadersNow([row[10]?.hash as ShareHash])
    expect(record?.height).toBe(11)
    const archive = node.store.archiveNow([row[12]?.hash as ShareHash, builder.genesis], 3)
    expect(archive.map(({ chain }) => chain)).toEqual(hashesOf(row).slice(10, 13))
    expect(decodeHeaderBatch(record?.batch ?? new Uint8Array(0))).toMatchObject([{ hash: row[10]?.hash }])
  })

  it('refuses forks from below what is kept', () => {
    const builder = makeBuilder()
    const node = new StoredChain(short)
    const row = builder.row(builder.genesis, 100)
    for (const share of row) node.take(node.chain.addShare(share, 'peer', FAR_FUTURE_MS))
    const [deep, shallow] = [row[10] as Share, row[70] as Share]
    const late = builder.build({ parent: deep.hash })
    expect(node.take(node.chain.addShare(late, 'peer', FAR_FUTURE_MS)).verdict).toEqual({
      type: 'waiting',
      missing: [deep.hash]
    })
    const other = builder.build({ parent: shallow.hash })
    expect(node.take(node.chain.addShare(other, 'peer', FAR_FUTURE_MS)).verdict).toEqual({ type: 'accepted' })
  })
})

describe('a node that syncs a long chain', () => {
  it('confirms nothing until the top is validated, then headers below the prune height too', () => {
    const builder = makeBuilder()
    const node = new StoredChain(short)
    const shares = growth(builder, 120)
    const batch = shares.map(headerItem)
    const outcome = node.take(node.chain.addHeaders(batch, FAR_FUTURE_MS))
    expect(outcome.verdict).toEqual({ type: 'accepted' })
    expect([node.chain.candidateTip().height, node.chain.confirmedTip().height]).toEqual([120, 0])
    expect(snapshotOf(node.rebuilt())).toEqual(snapshotOf(node.chain))

    const wanted = node.chain.bodiesWanted(1000)
    expect(new Set(wanted)).toEqual(new Set(outcome.wanted))
    expect(wanted.every(hash => (builder.known.facts(hash)?.height ?? 0) >= 80)).toBe(true)
    for (const hash of wanted) {
      const share = builder.shares.get(hash) as Share
      expect(node.take(node.chain.addShare(share, 'peer', FAR_FUTURE_MS)).verdict).toEqual({ type: 'accepted' })
    }
    expect(node.chain.confirmedTip().hash).toBe(builder.known.confirmedTip().hash)
    expect(node.chain.uncleCount).toBe(builder.known.uncleCount)
    expect(snapshotOf(node.rebuilt())).toEqual(snapshotOf(node.chain))
  })

  it('takes the past on trust, but proves it once the tip falls back to it', () => {
    const builder = makeBuilder()
    const params = easyParams({ windowMaxShares: 20, pruneDepth: 60, paddingSpan: 10, difficultyMultiplier: 10_000n })
    const node = new StoredChain(params)
    // Height 30 pays the wrong miner, and so does height 41; only the latter is in the zone of a tip at height 60.
    const row = builder.row(builder.genesis, 29)
    row.push(builder.build({ parent: row[28]?.hash as ShareHash, spoil: 'payout', miner: 1 }))
    row.push(...builder.row(row[29]?.hash as ShareHash, 10))
    row.push(builder.build({ parent: row[39]?.hash as ShareHash, spoil: 'payout', miner: 1 }))
    row.push(...builder.row(row[40]?.hash as ShareHash, 19))
    node.take(node.chain.addHeaders(row.map(headerItem), FAR_FUTURE_MS))
    for (const share of row.slice(0, 40)) node.take(node.chain.addShare(share, 'peer', FAR_FUTURE_MS))
    expect(node.chain.confirmedTip().height).toBe(40)
    const outcome = node.take(node.chain.addShare(row[40] as Share, 'peer', FAR_FUTURE_MS))
    expect(outcome.invalidated.length).toBe(20)
    expect(node.chain.candidateTip().height).toBe(40)

    const child = builder.build({ parent: row[39]?.hash as ShareHash })
    // A node that was restarted in between remembers what it never looked at.
    for (const chain of [node.rebuilt(), node.chain]) {
      const parked = chain.addShare(child, 'peer', FAR_FUTURE_MS)
      expect(parked.verdict).toMatchObject({ type: 'waiting', code: 'share-parent-unvalidated' })
      const invalidated: ShareHash[] = []
      for (let hashes = chain.resume(5); hashes.length > 0; hashes = chain.resume(5)) {
        const bodies = node.store.readNow(hashes).map(bytes => decodeShare(bytes ?? new Uint8Array(0)))
        invalidated.push(...chain.bodiesRead(bodies, FAR_FUTURE_MS).invalidated)
        chain.checkInvariants()
      }
      expect(new Set(invalidated)).toEqual(new Set([...hashesOf(row.slice(29, 40)), child.hash]))
      expect([chain.confirmedTip().hash, chain.candidateTip().hash]).toEqual([row[28]?.hash, row[28]?.hash])
    }
  })
})
