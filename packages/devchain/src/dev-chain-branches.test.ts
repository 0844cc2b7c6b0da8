import { seededRng } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DevChain } from './dev-chain.ts'
import { bitsFromHashes, DEV_DIFFICULTY } from './difficulty.ts'
import { buildBlock, REGTEST_DIFFICULTY } from './testing/build-block.ts'
import { type Branch, growBranch } from './testing/grow-branch.ts'
import { MAX_WAITING_BLOCKS } from './waiting-blocks.ts'

const NOW_SEC = 1_795_360_577
const LATER_SEC = NOW_SEC + 7_000

function chainOf(blocks: readonly Uint8Array[]): DevChain {
  const chain = new DevChain(REGTEST_DIFFICULTY)
  for (const block of blocks) chain.receive(block, LATER_SEC)
  chain.checkInvariants()
  return chain
}

const at = (branch: Branch, position: number): Uint8Array => branch.blocks.at(position) ?? new Uint8Array(0)

const trunk = growBranch({ count: 20, fromSec: NOW_SEC })
const short = growBranch({ on: trunk.blocks, count: 3, fromSec: NOW_SEC + 600 })
const long = growBranch({ on: trunk.blocks, count: 4, fromSec: NOW_SEC + 607 })

describe('a chain with branches', () => {
  it('answers as bitcoind does while another branch overtakes', () => {
    const chain = chainOf(short.blocks)
    const words = long.blocks.slice(20).map(block => chain.submit(block, LATER_SEC).type)
    expect(words).toEqual(['beside', 'beside', 'beside', 'accepted'])
    expect(chain.tip.hash).toBe(long.chain.tip.hash)
    expect(chain.sideCount).toBe(3)
    expect(chain.submit(at(short, -1), LATER_SEC)).toEqual({ type: 'refused', reason: 'duplicate' })
    expect(chain.blockAt(21)?.hash).toBe(long.chain.blockAt(21)?.hash)
    const left = chain.blockOf(short.chain.tip.hash)
    expect(left !== null && chain.isInChain(left)).toBe(false)
    expect(chain.template(LATER_SEC)).toEqual(long.chain.template(LATER_SEC))
  })

  it('judges a branch by its own times', () => {
    const rule = { ...DEV_DIFFICULTY, startBits: bitsFromHashes(64n), easiestBits: bitsFromHashes(16n) }
    const below = growBranch({ count: 5, fromSec: NOW_SEC, rule })
    const fast = growBranch({ on: below.blocks, count: 4, fromSec: NOW_SEC + 150, spacingSec: 1, rule })
    const slow = growBranch({ on: below.blocks, count: 12, fromSec: NOW_SEC + 151, spacingSec: 100, rule })
    expect(fast.chain.tip.header.bits).not.toBe(slow.chain.blockAt(9)?.header.bits)
    for (const [first, second] of [
      [fast, slow],
      [slow, fast]
    ] as const) {
      const chain = new DevChain(rule)
      const outcomes = [...first.blocks, ...second.blocks.slice(5)].map(block => chain.submit(block, LATER_SEC).type)
      expect(outcomes.filter(type => type !== 'accepted' && type !== 'beside')).toEqual([])
      const heavier = fast.chain.tip.chainWork > slow.chain.tip.chainWork ? fast : slow
      expect(chain.tip.hash).toBe(heavier.chain.tip.hash)
    }
  })

  it('a block waits for its parents, and with them finds its place', () => {
    const chain = chainOf(trunk.blocks.slice(0, 17))
    expect(chain.receive(at(trunk, 19), LATER_SEC)).toEqual({ type: 'waits' })
    expect(chain.receive(at(trunk, 19), LATER_SEC)).toEqual({ type: 'refused', reason: 'duplicate' })
    expect(chain.receive(at(trunk, 18), LATER_SEC)).toEqual({ type: 'waits' })
    expect(chain.submit(at(trunk, 17), LATER_SEC)).toMatchObject({
      type: 'accepted',
      added: [{ bitcoinHeight: 18 }, { bitcoinHeight: 19 }, { bitcoinHeight: 20 }]
    })
    expect(chain.tip.hash).toBe(trunk.chain.tip.hash)
  })

  it('a submitted block without a parent is refused and does not wait', () => {
    const chain = chainOf(trunk.blocks.slice(0, 17))
    expect(chain.submit(at(trunk, 18), LATER_SEC)).toEqual({ type: 'refused', reason: 'prev-blk-not-found' })
    chain.receive(at(trunk, 17), LATER_SEC)
    expect(chain.tip.bitcoinHeight).toBe(18)
  })

  it('of too many waiting blocks the one that came first is forgotten', () => {
    const line = growBranch({ count: MAX_WAITING_BLOCKS + 2, fromSec: NOW_SEC })
    const chain = new DevChain(REGTEST_DIFFICULTY)
    for (const block of line.blocks.slice(1)) expect(chain.receive(block, LATER_SEC).type).toBe('waits')
    chain.receive(at(line, 0), LATER_SEC)
    expect(chain.tip.bitcoinHeight).toBe(1)
    chain.receive(at(line, 1), LATER_SEC)
    expect(chain.tip.bitcoinHeight).toBe(MAX_WAITING_BLOCKS + 2)
  })

  it('remembers a header whose block was bad', () => {
    const chain = chainOf(trunk.blocks)
    const template = chain.template(NOW_SEC + 600)
    const tooMuch = buildBlock({ ...template, coinbasevalue: template.coinbasevalue + 1 })
    expect(chain.submit(tooMuch, LATER_SEC)).toEqual({ type: 'refused', reason: 'bad-cb-amount' })
    expect(chain.submit(tooMuch, LATER_SEC)).toEqual({ type: 'refused', reason: 'duplicate-invalid' })
  })

  it('a block on a bad one is bad-prevblk', () => {
    const chain = chainOf(trunk.blocks)
    const template = chain.template(NOW_SEC + 600)
    const tooMuch = buildBlock({ ...template, coinbasevalue: template.coinbasevalue + 1 })
    chain.submit(tooMuch, LATER_SEC)
    // A chain that gives more away would go on from there.
    const restored = new DevChain(REGTEST_DIFFICULTY)
    for (const [i, block] of [...trunk.blocks, tooMuch].entries()) expect(restored.restore(block, i + 1)).toBe(true)
    const child = buildBlock(restored.template(NOW_SEC + 630))
    expect(chain.submit(child, LATER_SEC)).toEqual({ type: 'refused', reason: 'bad-prevblk' })
  })

  it('does not remember a header for what a body of somebody else’s was', () => {
    const chain = chainOf(trunk.blocks)
    const template = chain.template(NOW_SEC + 600)
    const good = buildBlock(template)
    const mutated = Uint8Array.from(good)
    mutated[mutated.length - 6] = (mutated[mutated.length - 6] ?? 0) ^ 1
    expect(chain.receive(mutated, LATER_SEC)).toEqual({ type: 'refused', reason: 'bad-witness-merkle-match' })
    expect(chain.receive(good, LATER_SEC).type).toBe('accepted')
  })

  it('what a branch spends is not told before it wins, as by bitcoind', () => {
    const chain = chainOf(trunk.blocks)
    const template = chain.template(NOW_SEC + 600)
    chain.submit(buildBlock(template), LATER_SEC)
    const tooMuch = buildBlock({
      ...template,
      curtime: template.curtime + 1,
      coinbasevalue: template.coinbasevalue + 1
    })
    expect(chain.submit(tooMuch, LATER_SEC)).toEqual({ type: 'refused', reason: 'inconclusive' })
    expect(chain.sideCount).toBe(0)
  })

  it('nodes that have all blocks have one tip, whatever the order in which they came', () => {
    const fork = growBranch({ on: trunk.blocks.slice(0, 8), count: 14, fromSec: NOW_SEC + 241 })
    const all = [...new Set([...long.blocks, ...short.blocks.slice(20), ...fork.blocks.slice(8)])]
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: all.length }), (seed, cut) => {
        const rng = seededRng(seed)
        const order = all.map(block => ({ block, rank: rng.u32() })).sort((a, b) => a.rank - b.rank)
        const blocks = order.map(({ block }) => block)
        // A part comes by submission, where nothing waits, and again from a peer.
        const chain = new DevChain(REGTEST_DIFFICULTY)
        for (const block of blocks.slice(0, cut)) chain.submit(block, LATER_SEC)
        for (const block of blocks) chain.receive(block, LATER_SEC)
        chain.checkInvariants()
        expect(chain.tip.hash).toBe(long.chain.tip.hash)
        expect(chain.sideCount).toBe(3 + 14)
      }),
      { numRuns: 40 }
    )
  })

  it('two miners of unlike power on one chain see a block every 30 s, stale ones counted out', () => {
    const rule = { ...DEV_DIFFICULTY, startBits: bitsFromHashes(256n), easiestBits: bitsFromHashes(16n) }
    const rng = seededRng('two miners')
    const chains = [new DevChain(rule), new DevChain(rule)]
    const hashrates = [16, 4]
    const inFlight: { to: number; atSec: number; block: Uint8Array }[] = []
    let nowSec = NOW_SEC
    let found = 0
    while ((chains[0]?.tip.bitcoinHeight ?? 0) < 250) {
      nowSec += 1
      for (const message of inFlight.splice(0)) {
        if (message.atSec > nowSec) inFlight.push(message)
        else expect(chains[message.to]?.receive(message.block, nowSec).type).toMatch(/^(accepted|beside|waits)$/)
      }
      for (const [miner, chain] of chains.entries()) {
        const template = chain.template(nowSec)
        const hashes = Number((1n << 256n) / BigInt(`0x${template.target}`))
        if (rng.u32() / 2 ** 32 > (hashrates[miner] ?? 0) / hashes) continue
        const block = buildBlock(template, { header: { version: 0x2000_0000 + miner } })
        expect(chain.submit(block, nowSec).type).toBe('accepted')
        found += 1
        // Up to 20 s under way: a bad line, so that branches come about.
        inFlight.push({ to: 1 - miner, atSec: nowSec + 1 + (rng.u32() % 20), block })
      }
    }
    for (const { to, block } of inFlight) chains[to]?.receive(block, nowSec)
    const [one, other] = chains as [DevChain, DevChain]
    expect(one.tip.chainWork).toBe(other.tip.chainWork)
    expect(one.blockAt(200)?.hash).toBe(other.blockAt(200)?.hash)
    expect(one.sideCount).toBeGreaterThan(20)
    expect(found).toBe(one.tip.bitcoinHeight + one.sideCount)
    const from = one.blockAt(50)?.header.timeSec ?? 0
    const spacingSec = ((one.blockAt(250)?.header.timeSec ?? 0) - from) / 200
    expect(spacingSec).toBeGreaterThan(24)
    expect(spacingSec).toBeLessThan(38)
  })
})
