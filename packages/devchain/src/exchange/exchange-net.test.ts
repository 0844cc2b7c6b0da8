import { seededRng } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DevChain } from '../dev-chain.ts'
import { bitsFromHashes, DEV_DIFFICULTY } from '../difficulty.ts'
import { buildBlock, REGTEST_DIFFICULTY } from '../testing/build-block.ts'
import { ExchangeNet, type ExchangeNode } from '../testing/exchange-net.ts'
import { type Branch, growBranch } from '../testing/grow-branch.ts'

const NOW_SEC = 1_795_360_577
const START_SEC = NOW_SEC + 600_000

const trunk = growBranch({ count: 100, fromSec: NOW_SEC })
const one = growBranch({ on: trunk.blocks, count: 60, fromSec: NOW_SEC + 3_000 })
const other = growBranch({ on: trunk.blocks, count: 70, fromSec: NOW_SEC + 3_007 })

/** Each run of a test needs chains of its own. */
function copy({ blocks }: Pick<Branch, 'blocks'>): DevChain {
  const chain = new DevChain(REGTEST_DIFFICULTY)
  for (const block of blocks) chain.submit(block, START_SEC)
  return chain
}

/** As a start of the node would have it from what was written. */
function restarted(node: ExchangeNode): DevChain {
  const chain = new DevChain(REGTEST_DIFFICULTY)
  for (const hash of node.written) {
    const block = [...node.chain.blocks()].find(kept => kept.hash === hash)
    if (block !== undefined) chain.restore(block.bytes, block.bitcoinHeight)
  }
  return chain
}

const mine = (net: ExchangeNet, node: ExchangeNode): string => {
  net.mined(node, buildBlock(node.chain.template(net.nowSec)))
  return node.chain.tip.hash
}

describe('two development chains on one wire', () => {
  it('the empty one gets the blocks of the other', () => {
    const net = new ExchangeNet(START_SEC, { seed: 'join' })
    const [ann, bob] = [net.add('ann', copy(one)), net.add('bob')]
    net.connect(ann, bob)
    net.run(2_000)
    expect(bob.chain.tip.hash).toBe(one.chain.tip.hash)
    expect(bob.written).toHaveLength(160)
    expect(restarted(bob).tip.hash).toBe(one.chain.tip.hash)
    expect(ann.written).toEqual([])
  })

  it('a block found by one is the tip of all in a line within their latency', () => {
    const net = new ExchangeNet(START_SEC, { seed: 'line', latencyMs: 40 })
    const line = ['ann', 'bob', 'cid', 'dan'].map(name => net.add(name))
    for (const [i, node] of line.slice(1).entries()) net.connect(line[i] as ExchangeNode, node)
    net.run(5_000)
    for (const node of line) {
      const hash = mine(net, node)
      net.run(120)
      expect(line.map(({ chain }) => chain.tip.hash)).toEqual(line.map(() => hash))
    }
    expect(line.map(({ dropped }) => dropped)).toEqual([[], [], [], []])
  })

  it('after a partition the lighter side gives way, both have both branches', () => {
    const net = new ExchangeNet(START_SEC, { seed: 'heal' })
    const [ann, bob] = [net.add('ann', copy(one)), net.add('bob', copy(other))]
    net.connect(ann, bob)
    net.run(3_000)
    expect(ann.chain.tip.hash).toBe(other.chain.tip.hash)
    expect(ann.chain.sideCount).toBe(60)
    expect(restarted(ann).tip.hash).toBe(other.chain.tip.hash)
    expect(bob.chain.tip.hash).toBe(other.chain.tip.hash)
  })

  it('with equal work each stays with its own until the next block', () => {
    const equal = growBranch({ on: trunk.blocks, count: 60, fromSec: NOW_SEC + 3_011 })
    const net = new ExchangeNet(START_SEC, { seed: 'tie' })
    const [ann, bob] = [net.add('ann', copy(one)), net.add('bob', copy(equal))]
    net.connect(ann, bob)
    net.run(60_000)
    expect(ann.chain.tip.hash).toBe(one.chain.tip.hash)
    expect(bob.chain.tip.hash).toBe(equal.chain.tip.hash)
    const hash = mine(net, bob)
    net.run(1_000)
    expect(ann.chain.tip.hash).toBe(hash)
  })

  it('asks little of a peer that has nothing new', () => {
    const net = new ExchangeNet(START_SEC, { seed: 'quiet' })
    const [ann, bob] = [net.add('ann', copy(one)), net.add('bob', copy(other))]
    net.connect(ann, bob)
    net.run(20_000)
    const before = net.bytesSent
    net.run(600_000)
    // Every 10 s each sends a locator of some 700 bytes and gets an empty answer.
    expect((net.bytesSent - before) / 60).toBeLessThan(2 * 1_000)
  })

  it('converges over a wire that loses a third and lets messages overtake each other', () => {
    fc.assert(
      fc.property(fc.string(), seed => {
        const net = new ExchangeNet(START_SEC, { seed, lossRate: 0.33, latencyMs: 3_000 })
        const nodes = [net.add('ann', copy(one)), net.add('bob', copy(other)), net.add('cid'), net.add('dan')]
        const [ann, bob, cid, dan] = nodes as [ExchangeNode, ExchangeNode, ExchangeNode, ExchangeNode]
        net.connect(ann, bob)
        net.connect(bob, cid)
        net.connect(cid, dan)
        net.connect(dan, ann)
        const rng = seededRng(seed)
        for (let i = 0; i < 20; i++) {
          net.run(rng.u32() % 20_000)
          mine(net, nodes[rng.u32() % nodes.length] as ExchangeNode)
        }
        // One block more settles what may be a tie, once it has reached everybody.
        net.run(600_000)
        mine(net, nodes[rng.u32() % nodes.length] as ExchangeNode)
        net.run(600_000)
        const works = nodes.map(({ chain }) => chain.tip.chainWork)
        expect(new Set(nodes.map(({ chain }) => chain.tip.hash)).size, works.join(' ')).toBe(1)
        for (const node of nodes) {
          node.chain.checkInvariants()
          expect(node.dropped).toEqual([])
        }
      }),
      { numRuns: 12 }
    )
  })

  it('two miners under the real rule keep one chain at one block in 30 s while the wire comes and goes', () => {
    const rule = { ...DEV_DIFFICULTY, startBits: bitsFromHashes(256n), easiestBits: bitsFromHashes(16n) }
    const net = new ExchangeNet(START_SEC, { seed: 'two miners', lossRate: 0.1, latencyMs: 2_000 })
    const nodes = [net.add('ann', rule), net.add('bob', rule)] as const
    const [ann, bob] = nodes
    const hashrates = { ann: 16, bob: 6 } as Record<string, number>
    const rng = seededRng('luck')
    net.connect(ann, bob)
    for (let second = 0; ann.chain.tip.bitcoinHeight < 200; second++) {
      // Of every hour twenty minutes apart.
      if (second % 3_600 === 1_800) net.cut(ann, bob)
      if (second % 3_600 === 3_000) net.connect(ann, bob)
      net.run(1_000)
      for (const node of nodes) {
        const template = node.chain.template(net.nowSec)
        const hashes = Number((1n << 256n) / BigInt(`0x${template.target}`))
        if (rng.u32() / 2 ** 32 > (hashrates[node.name] ?? 0) / hashes) continue
        net.mined(node, buildBlock(template, { header: { version: node === ann ? 0x2000_0000 : 0x2000_2000 } }))
      }
    }
    net.connect(ann, bob)
    net.run(120_000)
    expect(ann.chain.tip.chainWork).toBe(bob.chain.tip.chainWork)
    expect(ann.chain.blockAt(195)?.hash).toBe(bob.chain.blockAt(195)?.hash)
    expect(ann.chain.sideCount).toBeGreaterThan(10)
    expect([...ann.dropped, ...bob.dropped]).toEqual([])
    const versions = new Set(Array.from({ length: 150 }, (_, i) => ann.chain.blockAt(i + 40)?.header.version))
    expect(versions.size).toBe(2)
    const tookSec = (ann.chain.blockAt(195)?.header.timeSec ?? 0) - (ann.chain.blockAt(35)?.header.timeSec ?? 0)
    expect(tookSec / 160).toBeGreaterThan(24)
    expect(tookSec / 160).toBeLessThan(40)
  })
})

describe('chains of which one has forgotten its beginning', () => {
  const LIMITS = { chainBlocks: 80, chainBytes: 1e9, fewestBlocks: 20, sideBlocks: 80, sideBytes: 1e9 }
  const pruned = ({ blocks }: Pick<Branch, 'blocks'>): DevChain => {
    const chain = new DevChain(REGTEST_DIFFICULTY, LIMITS)
    for (const block of blocks) chain.submit(block, START_SEC)
    return chain
  }

  it('a newcomer begins where the other’s memory does, and both go on', () => {
    const net = new ExchangeNet(START_SEC, { seed: 'week' })
    const [ann, bob] = [net.add('ann', pruned(one)), net.add('bob', pruned({ blocks: [] }))]
    expect(ann.chain.firstHeight).toBe(81)
    // The newcomer has mined a little before it heard of anybody.
    for (let i = 0; i < 3; i++) mine(net, bob)
    net.connect(ann, bob)
    net.run(3_000)
    expect(bob.chain.tip.hash).toBe(one.chain.tip.hash)
    expect(bob.chain.firstHeight).toBe(81)
    expect(bob.written).toHaveLength(80)
    bob.chain.checkInvariants()
    expect(bob.chain.template(START_SEC)).toEqual(ann.chain.template(START_SEC))
    for (const node of [bob, ann]) {
      const hash = mine(net, node)
      net.run(1_000)
      expect([ann.chain.tip.hash, bob.chain.tip.hash]).toEqual([hash, hash])
    }
  })

  it('of two that were apart for longer than they remember the one with more work is taken', () => {
    const long = growBranch({ on: trunk.blocks, count: 120, fromSec: NOW_SEC + 3_000 })
    const apart = growBranch({ on: trunk.blocks, count: 75, fromSec: NOW_SEC + 3_003 })
    const net = new ExchangeNet(START_SEC, { seed: 'weeks' })
    const light = new DevChain(REGTEST_DIFFICULTY, LIMITS)
    for (const [i, block] of apart.blocks.entries()) if (i >= 110) light.restore(block, i + 1)
    expect(light.firstHeight).toBe(111)
    const [ann, bob] = [net.add('ann', pruned(long)), net.add('bob', light)]
    net.connect(ann, bob)
    net.run(3_000)
    expect([ann.chain.tip.hash, bob.chain.tip.hash]).toEqual([long.chain.tip.hash, long.chain.tip.hash])
    expect([ann.dropped, bob.dropped]).toEqual([[], []])
  })
})
