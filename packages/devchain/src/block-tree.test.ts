import { type BlockHash, blockHash, seededRng } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BlockTree, type ChainBlock, type TreeLimits } from './block-tree.ts'

const header = {
  version: 4,
  prevHashWire: new Uint8Array(32),
  merkleRootWire: new Uint8Array(32),
  timeSec: 0,
  bits: 0x207f_ffff,
  nonce: 0
}
const hashOf = (n: number): BlockHash => blockHash(n.toString(16).padStart(64, '0'))

function blockOn(parent: ChainBlock | null, n: number, work = 1n, sizeBytes = 100): ChainBlock {
  return {
    hash: hashOf(n),
    prevHash: parent?.hash ?? hashOf(0),
    bitcoinHeight: parent === null ? 0 : parent.bitcoinHeight + 1,
    header,
    medianTimeSec: 0,
    chainWork: (parent?.chainWork ?? 0n) + work,
    bytes: new Uint8Array(sizeBytes)
  }
}

const GENESIS = blockOn(null, 1)

function row(parent: ChainBlock, from: number, count: number, work = 1n, sizeBytes = 100): ChainBlock[] {
  const blocks: ChainBlock[] = []
  for (let i = 0; i < count; i++) blocks.push(blockOn(blocks.at(-1) ?? parent, from + i, work, sizeBytes))
  return blocks
}

const LIMITS: TreeLimits = {
  chainBlocks: 1_000,
  chainBytes: 1_000_000,
  fewestBlocks: 2,
  sideBlocks: 1_000,
  sideBytes: 1_000_000
}

/** Adds what can be added; after each block the tree is true to itself. */
function treeOf(blocks: readonly ChainBlock[], limits: Partial<TreeLimits> = {}): BlockTree {
  const tree = new BlockTree(GENESIS, { ...LIMITS, ...limits })
  for (const block of blocks) {
    if (tree.parent(block.prevHash) !== null || tree.isEmpty) tree.add(block)
    tree.checkInvariants()
  }
  return tree
}

/** Blocks with random parents among those before them, and random work. */
const anyBlocks = fc
  .array(fc.record({ parent: fc.nat(), work: fc.integer({ min: 1, max: 4 }) }), { minLength: 1, maxLength: 40 })
  .map(wishes => {
    const blocks: ChainBlock[] = []
    for (const [i, { parent, work }] of wishes.entries()) {
      const below = [GENESIS, ...blocks][parent % (blocks.length + 1)] ?? GENESIS
      blocks.push(blockOn(below, 100 + i, BigInt(work)))
    }
    return blocks
  })

/** Every order in which a parent comes before its children can come out. */
function shuffled(blocks: readonly ChainBlock[], seed: string): ChainBlock[] {
  const rng = seededRng(seed)
  const left = [...blocks]
  const known = new Set([GENESIS.hash])
  const order: ChainBlock[] = []
  while (left.length > 0) {
    const ready = left.filter(({ prevHash }) => known.has(prevHash))
    const next = ready[rng.u32() % ready.length] as ChainBlock
    left.splice(left.indexOf(next), 1)
    known.add(next.hash)
    order.push(next)
  }
  return order
}

describe('BlockTree', () => {
  it('moves to a branch once it has more work, and not for equal work', () => {
    const trunk = row(GENESIS, 10, 5)
    const branch = row(trunk[1] as ChainBlock, 20, 4)
    const tree = treeOf([...trunk, ...branch.slice(0, 3)])
    expect(tree.tip).toBe(trunk[4])
    expect(tree.sideCount).toBe(3)
    tree.add(branch[3] as ChainBlock)
    expect(tree.tip).toBe(branch[3])
    expect(tree.sideCount).toBe(3)
    expect([1, 2, 3, 6].map(height => tree.at(height))).toEqual([trunk[0], trunk[1], branch[0], branch[3]])
    expect(trunk.map(block => tree.isInChain(block))).toEqual([true, true, false, false, false])
    tree.checkInvariants()
  })

  it('can leave every block behind down to the genesis block, and come back', () => {
    const [one, other] = [row(GENESIS, 10, 3), row(GENESIS, 20, 4)]
    const tree = treeOf([...one, ...other])
    expect(tree.tip).toBe(other[3])
    const more = row(one[2] as ChainBlock, 30, 2)
    for (const block of more) tree.add(block)
    expect(tree.tip).toBe(more[1])
    tree.checkInvariants()
  })

  it('work counts, not height', () => {
    const heavy = row(GENESIS, 20, 2, 10n)
    expect(treeOf([...row(GENESIS, 10, 9), ...heavy]).tip).toBe(heavy[1])
  })

  it('has a tip of the most work whatever the order of arrival, the same one if only one has so much', () => {
    fc.assert(
      fc.property(anyBlocks, fc.string(), (blocks, seed) => {
        const most = blocks.toSorted((a, b) => Number(b.chainWork - a.chainWork))[0]?.chainWork
        const heaviest = blocks.filter(({ chainWork }) => chainWork === most)
        const order = shuffled(blocks, seed)
        const tree = treeOf(order)
        expect(tree.tip.chainWork).toBe(most)
        expect(heaviest).toContain(tree.tip)
        // Of several the one whose block came first.
        expect(tree.tip).toBe(order.find(block => heaviest.includes(block)))
      })
    )
  })

  it('gives the same tip again when its blocks are added in their order', () => {
    fc.assert(
      fc.property(anyBlocks, fc.string(), (blocks, seed) => {
        const tree = treeOf(shuffled(blocks, seed), { sideBlocks: 6, chainBlocks: 12 })
        const again = treeOf([...tree.blocks()], { sideBlocks: 6, chainBlocks: 12 })
        expect(again.tip).toBe(tree.tip)
        expect([...again.blocks()]).toEqual([...tree.blocks()])
      })
    )
  })

  it('stays within its caps and true to itself', () => {
    const limits = { chainBlocks: 5, chainBytes: 600, sideBlocks: 3, sideBytes: 250 }
    fc.assert(
      fc.property(anyBlocks, fc.string(), (blocks, seed) => {
        const tree = new BlockTree(GENESIS, { ...LIMITS, ...limits })
        for (const block of shuffled(blocks, seed)) {
          if (tree.parent(block.prevHash) === null) continue
          tree.add(block)
          tree.checkInvariants()
          expect(tree.sideCount).toBeLessThanOrEqual(2)
          expect([...tree.blocks()].length).toBeLessThanOrEqual(7)
        }
      })
    )
  })

  it('at the cap gives up the end of the branch with the least work, the newcomer if that is it', () => {
    const trunk = row(GENESIS, 10, 9)
    const light = row(GENESIS, 20, 2)
    const heavy = row(trunk[3] as ChainBlock, 30, 2)
    const tree = treeOf([...trunk, ...light, ...heavy], { sideBlocks: 3 })
    expect([...light, ...heavy].map(({ hash }) => tree.get(hash) !== null)).toEqual([true, false, true, true])
    const lightest = blockOn(GENESIS, 40)
    expect(tree.add(lightest)).toBe(false)
    expect(tree.get(lightest.hash)).toBeNull()
    tree.checkInvariants()
  })

  it('never gives up the chain for what is beside it, however large', () => {
    const trunk = row(GENESIS, 10, 3)
    const large = blockOn(GENESIS, 20, 1n, 5_000)
    const tree = treeOf([...trunk], { sideBytes: 1_000 })
    expect(tree.add(large)).toBe(false)
    expect(tree.tip).toBe(trunk[2])
  })

  it('forgets branches from below the oldest block that it keeps', () => {
    const trunk = row(GENESIS, 10, 6)
    const low = row(trunk[0] as ChainBlock, 20, 3)
    const high = row(trunk[3] as ChainBlock, 30, 1)
    const tree = treeOf([...trunk, ...low, ...high], { chainBlocks: 6 })
    expect(tree.sideCount).toBe(4)
    for (const block of row(trunk[5] as ChainBlock, 40, 2)) tree.add(block)
    tree.checkInvariants()
    expect(tree.firstHeight).toBe(3)
    expect([...low, ...high].map(({ hash }) => tree.get(hash) !== null)).toEqual([false, false, false, true])
    expect(tree.parent(GENESIS.hash)).toBeNull()
  })

  it('keeps few blocks if they are large, and some however large', () => {
    const tree = treeOf(row(GENESIS, 10, 9, 1n, 400_000), { chainBytes: 1_000_000, fewestBlocks: 3 })
    expect(tree.firstHeight).toBe(7)
  })
})
