import { assembleBlock, type BlockTemplate, buildCoinbase, coinbaseOf, foldBranch, headerInto } from '@p2poolv2/bitcoin'
import { blockHashFromWire, hashMeetsTarget, seededRng, sha256d, targetFromBits, unixMs } from '@p2poolv2/primitives'
import { expect, it } from 'vitest'
import { VirtualClock } from '../virtual-clock.ts'
import { START_MS, simBitcoinBits } from '../world/world-params.ts'
import { BitcoinNet } from './bitcoin-net.ts'
import { DEFAULT_BITCOIN } from './bitcoin-options.ts'
import type { BlockResult, SimBitcoind } from './sim-bitcoind.ts'

interface Heard {
  templates: BlockTemplate[]
  results: BlockResult[]
  states: string[]
}

function setUp(nodes: number, outsideSpacingMs = Number.POSITIVE_INFINITY) {
  const clock = new VirtualClock(START_MS)
  const net = new BitcoinNet(
    { ...DEFAULT_BITCOIN, bits: simBitcoinBits(), outsideSpacingMs },
    { clock, rng: seededRng('bitcoin') }
  )
  const heard: Heard[] = Array.from({ length: nodes }, () => ({ templates: [], results: [], states: [] }))
  const views = heard.map((ears, node) =>
    net.open(node, {
      template: template => ears.templates.push(template),
      status: statuses => ears.states.push(statuses[0]?.state ?? ''),
      blockResult: result => ears.results.push(result)
    })
  )
  for (const view of views) view.attach()
  const run = (ms: number): void => {
    const end = unixMs(clock.nowMs + ms)
    while (clock.runNext(end));
  }
  return { clock, net, views, heard, run }
}

function at<T>(items: readonly T[], index: number): T {
  const item = items.at(index)
  if (item === undefined) throw new Error('there is such an item')
  return item
}

/** Solves a template as a miner without a pool would. */
function solve(
  template: BlockTemplate,
  change: { valueSats?: bigint } = {}
): { hash: ReturnType<typeof blockHashFromWire>; hex: string } {
  const coinbase = buildCoinbase({
    bitcoinHeight: template.bitcoinHeight,
    auxFlags: template.auxFlags,
    poolSignature: new Uint8Array(0),
    outputs: [{ valueSats: change.valueSats ?? template.coinbaseValueSats, script: Uint8Array.of(0x51) }],
    witnessCommitmentScript: template.witnessCommitmentScript,
    padding: null
  })
  const stripped = coinbaseOf({ nsecs: 1n, commitment: null, work: { coinbase } }, new Uint8Array(12))
  const merkleRootWire = foldBranch(sha256d(stripped), template.merkleBranch)
  const header = new Uint8Array(80)
  for (let nonce = 0; ; nonce++) {
    headerInto(template, { merkleRootWire, version: template.version, timeSec: template.curTimeSec, nonce }, header)
    const hashWire = sha256d(header)
    if (!hashMeetsTarget(hashWire, targetFromBits(template.bits))) continue
    const witness = template.witnessCommitmentScript === null ? 'without' : 'with-witness'
    return { hash: blockHashFromWire(hashWire), hex: assembleBlock(header, stripped, template.transactions, witness) }
  }
}

it('gives templates with transactions that pass the door, fresh ones every minute', () => {
  const { heard, run } = setUp(1)
  run(600_000)
  const { templates, states } = at(heard, 0)
  expect(states).toEqual(['ready'])
  expect(templates.length).toBeGreaterThanOrEqual(10)
  expect(at(templates, -1).transactions.length).toBeGreaterThan(8)
  expect(at(templates, -1).coinbaseValueSats).toBeGreaterThan(312_500_000n)
})

it('takes a solved block with its transactions, and every other bitcoind moves to it', () => {
  const { views, heard, run } = setUp(3)
  run(100_000)
  const block = solve(at(at(heard, 0).templates, -1))
  at(views, 0).submit(block.hash, block.hex)
  run(5_000)
  expect(at(heard, 0).results.map(({ result }) => result)).toEqual(['accepted'])
  expect(views.every(view => view.tip.hash === block.hash)).toBe(true)
  expect(heard.every(({ templates }) => at(templates, -1).prevHash === block.hash)).toBe(true)
  at(views, 1).submit(block.hash, block.hex)
  run(1_000)
  expect(at(at(heard, 1).results, -1).result).toBe('duplicate')
})

it('refuses a block that pays too much, lacks work, changes a transaction or builds on nothing', () => {
  const { views, heard, run } = setUp(1)
  run(100_000)
  const template = at(at(heard, 0).templates, -1)
  const reasonOf = ({ hash, hex }: { hash: ReturnType<typeof blockHashFromWire>; hex: string }): string | null => {
    at(views, 0).submit(hash, hex)
    run(1_000)
    return at(at(heard, 0).results, -1).reason
  }
  expect(reasonOf(solve(template, { valueSats: template.coinbaseValueSats + 1n }))).toBe('bad-cb-amount')
  const good = solve(template)
  const flipped = (index: number): string => {
    const digit = good.hex[index] === '0' ? '1' : '0'
    return good.hex.slice(0, index) + digit + good.hex.slice(index + 1)
  }
  expect(reasonOf({ ...good, hex: flipped(2 * 77) })).toBe('high-hash')
  expect(reasonOf({ ...good, hex: flipped(good.hex.length - 12) })).toMatch(/^bad-txnmrklroot|bad-witness/)
  expect(reasonOf(solve({ ...template, prevHashWire: new Uint8Array(32) }))).toBe('prev-blk-not-found')
  expect(reasonOf(good)).toBeNull()
})

it('has other miners, who build with real work', () => {
  const { net, views, run } = setUp(2, 60_000)
  run(1_200_000)
  expect(net.blocks.length).toBeGreaterThan(10)
  expect(at(views, 0).tip).toBe(at(views, 1).tip)
})

it('splits, and heals to the longer side', () => {
  const { net, views, run } = setUp(4, 60_000)
  net.fork([2, 3])
  run(1_200_000)
  const tips = views.map(view => view.tip)
  expect(at(tips, 0)).toBe(at(tips, 1))
  expect(at(tips, 2)).toBe(at(tips, 3))
  expect(at(tips, 0)).not.toBe(at(tips, 2))
  net.heal()
  run(5_000)
  const best = Math.max(at(tips, 0).bitcoinHeight, at(tips, 2).bitcoinHeight)
  expect(new Set(views.map(view => view.tip.hash)).size).toBe(1)
  expect(at(views, 0).tip.bitcoinHeight).toBeGreaterThanOrEqual(best)
})

it('a stalled bitcoind says nothing and judges what it was given when it is back; a mute one keeps blocks to itself', () => {
  const { views, heard, run } = setUp(2)
  run(100_000)
  const first: SimBitcoind = at(views, 0)
  first.mute()
  first.stall()
  const before = at(heard, 0).templates.length
  const block = solve(at(at(heard, 0).templates, -1))
  first.submit(block.hash, block.hex)
  run(100_000)
  expect(at(heard, 0).templates.length).toBe(before)
  expect(first.submitResult(block.hash)).toBeNull()
  first.resume()
  run(10_000)
  expect(first.submitResult(block.hash)).toBe('accepted')
  expect(at(views, 1).knows(block.hash)).toBe(false)
  expect(at(heard, 0).states).toEqual(['ready', 'unreachable', 'ready', 'ready'])
})

it('is given a block again by the next life of the node whose submitter had it in hand', () => {
  const { views, heard, run } = setUp(2)
  run(100_000)
  const first: SimBitcoind = at(views, 0)
  first.stall()
  const block = solve(at(at(heard, 0).templates, -1))
  first.submit(block.hash, block.hex)
  run(1_000)
  first.detach()
  first.resume()
  run(10_000)
  expect(first.submitResult(block.hash)).toBeNull()
  first.attach()
  run(10_000)
  expect(views.every(view => view.tip.hash === block.hash)).toBe(true)
})

it('is given a block again while its clock is behind, until that is set right or bitcoin has gone on', () => {
  const { views, heard, run } = setUp(3)
  run(1_000)
  const block = solve(at(at(heard, 0).templates, -1))
  const first = at(views, 0)
  first.skewMs = -3 * 86_400_000
  first.submit(block.hash, block.hex)
  run(60_000)
  expect(at(heard, 0).results).toEqual([])
  first.skewMs = 0
  run(10_000)
  expect(at(heard, 0).results).toMatchObject([{ blockHash: block.hash, result: 'accepted' }])
  expect(views.every(view => view.knows(block.hash))).toBe(true)

  const late = solve(at(at(heard, 0).templates, -1), { valueSats: 1n })
  first.skewMs = -3 * 86_400_000
  first.submit(late.hash, late.hex)
  for (let blocks = 0; blocks < 3; blocks++) {
    const { hash, hex } = solve(at(at(heard, 1).templates, -1))
    at(views, 1).submit(hash, hex)
    run(10_000)
  }
  expect(at(heard, 0).results.at(-1)).toMatchObject({
    blockHash: late.hash,
    result: 'rejected',
    reason: 'time-too-new'
  })
  expect(first.hasGivenUp(late.hash)).toBe(true)
})

it('takes its newest block back, and follows a longer chain when there is one', () => {
  const { views, heard, run } = setUp(2, 60_000)
  run(600_000)
  const first: SimBitcoind = at(views, 0)
  const { hash, prevHash } = first.tip
  first.rewind()
  expect([first.tip.hash, at(at(heard, 0).templates, -1).prevHash]).toEqual([prevHash, prevHash])
  expect(at(views, 1).tip.hash).toBe(hash)
  run(600_000)
  expect(first.tip.hash).toBe(at(views, 1).tip.hash)
})
