import type { Share } from '@p2poolv2/consensus'
import { msFromSec, type ShareHash, type UnixMs, unixSec, workFromBits } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { MAX_ORPHANS, MAX_ORPHANS_PER_PEER } from './admission/orphan-pool.ts'
import { ShareChain } from './share-chain.ts'
import { ChainBuilder, easyParams, GENESIS_TIME_SEC, headerItem } from './testing/build-chain.ts'

const params = easyParams()
const FAR_SEC = 0xfffff000

function at(sec: number): UnixMs {
  return msFromSec(unixSec(GENESIS_TIME_SEC + sec))
}

/**
 * A chain of honest shares, a branch from its first ones that is dated so far ahead that each of its shares costs the least a
 * share can, and a share with all the work of the chain that names the branch's end as its uncle.
 */
function draggedBranch(length: number, salt = 0n) {
  const builder = new ChainBuilder(params, salt)
  const honest = builder.row(builder.genesis, length + 3)
  const root = builder.build({ parent: honest[0]?.hash ?? builder.genesis, timeSec: FAR_SEC, miner: 9 })
  const branch = [root, ...builder.row(root.hash, length - 1, { timeSec: FAR_SEC + 1, miner: 9 })]
  const tip = honest.at(-1)?.hash ?? builder.genesis
  const nephew = builder.build({ parent: tip, uncles: [branch.at(-1)?.hash ?? tip], miner: 9 })
  return { builder, honest, tip, branch, nephew }
}

/** Gives a node a share, and, as peers would, whatever it then misses. @returns how many were given */
function bring(node: ShareChain, share: Share, builder: ChainBuilder, peers: number): number {
  let given = 0
  const open = [share]
  const asked = new Set<ShareHash>()
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { verdict } = node.addShare(next, { peer: `mallory ${given % peers}` }, at(2_000))
    given += 1
    for (const hash of verdict.type === 'waiting' ? verdict.missing : []) {
      if (asked.has(hash)) continue
      asked.add(hash)
      open.push(builder.shares.get(hash) as Share)
    }
  }
  // Only so many released shares are taken up in one call.
  while ((node.nextDeadlineMs ?? Number.POSITIVE_INFINITY) <= at(2_000)) node.advance(at(2_000))
  node.checkInvariants()
  return given
}

function nodeWith(
  honest: readonly Share[],
  limits?: { maxShares: number; maxBytes: number; maxSideBodyBytes: number }
) {
  const node = new ShareChain(limits === undefined ? { params } : { params, limits })
  for (const share of honest) node.addShare(share, 'peer', at(1_000))
  return node
}

const present = (node: ShareChain, shares: readonly Share[]): number =>
  shares.filter(({ hash }) => node.facts(hash) !== undefined).length

describe('a share with full work that names the end of a cheap branch', () => {
  it('brings it in as something that nothing can be built on, for the least work a share can have each', () => {
    const { builder, honest, branch, nephew } = draggedBranch(MAX_ORPHANS_PER_PEER)
    const node = nodeWith(honest)
    expect(bring(node, nephew, builder, 1)).toBe(branch.length + 1)
    expect(node.confirmedTip().hash).toBe(nephew.hash)
    expect(present(node, branch)).toBe(branch.length)
    const leastWork = workFromBits(params.maxTargetBits)
    for (const { hash, header } of branch) {
      expect(node.facts(hash)?.validity).toBe('invalid')
      expect(workFromBits(header.bits)).toBeGreaterThanOrEqual(leastWork)
    }
    const heir = builder.build({ parent: branch.at(-1)?.hash ?? nephew.hash, miner: 9 })
    expect(node.addShare(heir, { peer: 'mallory' }, at(2_000)).delta).toBeNull()
  })

  it('brings in none that is longer than what one peer may have waiting', () => {
    const { builder, honest, branch, nephew, tip } = draggedBranch(MAX_ORPHANS_PER_PEER + 1)
    const node = nodeWith(honest)
    bring(node, nephew, builder, 1)
    expect([present(node, branch), node.confirmedTip().hash]).toEqual([0, tip])
    // And its first share, which waits for its time.
    expect(node.orphanCount).toBeLessThanOrEqual(MAX_ORPHANS_PER_PEER + 1)
  })

  it('brings in more with the help of many peers or of headers, and never without a share that has all its work', () => {
    const { builder, honest, branch, nephew } = draggedBranch(400)
    const pushed = nodeWith(honest)
    bring(pushed, nephew, builder, 8)
    expect(present(pushed, branch)).toBe(branch.length)
    expect(branch.length).toBeLessThan(MAX_ORPHANS)

    const alone = nodeWith(honest)
    alone.addHeaders(branch.map(headerItem), at(2_000))
    expect(present(alone, branch)).toBe(0)
    alone.addHeaders([...branch, nephew].map(headerItem), at(2_000))
    expect(present(alone, branch)).toBe(branch.length)
  })

  it('goes with the branch at the cap of the index once the chain went on without it', () => {
    const { builder, honest, tip, branch, nephew } = draggedBranch(100)
    const limits = { maxShares: honest.length + 110, maxBytes: 1e9, maxSideBodyBytes: 1e9 }
    const node = nodeWith(honest, limits)
    const better = builder.row(tip, 2, { miner: 1 })
    for (const share of better) node.addShare(share, 'own', at(1_000))
    bring(node, nephew, builder, 1)
    expect(present(node, branch)).toBe(branch.length)
    let base = better.at(-1)?.hash ?? tip
    for (let count = 0; count < 20; count++) {
      const own = builder.build({ parent: base, miner: 1 })
      expect(node.addShare(own, 'own', at(2_000)).verdict).toEqual({ type: 'accepted' })
      base = own.hash
    }
    node.checkInvariants()
    expect([present(node, [nephew]), node.confirmedTip().hash]).toEqual([0, base])
    expect(present(node, branch)).toBeLessThan(branch.length)
    expect(node.shareCount).toBeLessThanOrEqual(limits.maxShares)
  })

  it('stays with the branch while it is on the chain, and neither own shares nor honest uncles suffer for it', () => {
    const { builder, honest, branch, nephew } = draggedBranch(100)
    const limits = { maxShares: honest.length + 20, maxBytes: 1e9, maxSideBodyBytes: 1e9 }
    const node = nodeWith(honest, limits)
    bring(node, nephew, builder, 1)
    const floor = node.shareCount
    expect([present(node, branch), floor]).toEqual([branch.length, honest.length + branch.length + 2])
    let base = nephew.hash
    let named = 0
    for (let count = 0; count < 30; count++) {
      const beside = builder.build({ parent: base, miner: 2 })
      const uncles = node.uncleChoice(base)
      named += uncles.length
      const own = builder.build({ parent: base, uncles, miner: 1 })
      expect(node.addShare(own, 'own', at(2_000)).verdict).toEqual({ type: 'accepted' })
      expect(node.addShare(beside, 'peer', at(2_000)).verdict).toEqual({ type: 'accepted' })
      expect(node.miningBase().height).toBe(honest.length + 2 + count)
      base = node.miningBase().hash
      // What others grow beside the chain goes as before.
      const light = builder.row(honest[count]?.hash ?? base, 2, { spoil: 'payout', miner: 9 })
      node.addHeaders(light.map(headerItem), at(2_000))
    }
    node.checkInvariants()
    expect(named).toBeGreaterThanOrEqual(25)
    expect(node.shareCount).toBeLessThanOrEqual(floor + 60 + 30)
  })
})
