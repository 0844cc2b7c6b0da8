import type { NodeEffect } from '@p2poolv2/node'
import { blockHash } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { MISCHIEFS } from '../hostile/all.ts'
import { corrupt } from '../hostile/mischief.ts'
import { beginRun } from '../scenarios/begin-run.ts'
import { MINUTE_MS, type Run } from '../scenarios/scenario.ts'
import { checkAtRest } from './rest-invariants.ts'
import { checkStep } from './step-invariants.ts'

const BLOCK = blockHash('11'.repeat(32))
const penalise: NodeEffect = { type: 'penalise', peer: 'n1', points: 10, code: 'share-work' }

function network(nodes: number): Run {
  return beginRun('test', { nodes, hours: 0.1, seed: 1 }, { hashrates: 'even' })
}

describe('a step', () => {
  const { world } = network(2)
  const judge = (effects: readonly NodeEffect[], options: { block?: typeof BLOCK; honest?: boolean } = {}): void =>
    checkStep(
      world.node(0),
      { effects, block: options.block ?? null },
      { atMs: 0, isHonest: () => options.honest ?? true }
    )

  it('is sound with its effects in order', () => {
    expect(() => judge([{ type: 'publish', topic: 'shares', data: new Uint8Array(1) }])).not.toThrow()
  })

  it.each<[string, readonly NodeEffect[], RegExp]>([
    [
      'effects out of order',
      [
        { type: 'sendMiner', miner: 1, output: 'x\n' },
        { type: 'publish', topic: 'shares', data: new Uint8Array(1) }
      ],
      /order of their rank/
    ],
    ['a bug', [{ type: 'report', fact: { type: 'bug', code: 'own-share-refused', detail: '' } }], /reports a bug/],
    ['a stop for a bug', [{ type: 'stop', reason: { code: 'bug', message: 'broken' } }], /stops: broken/],
    ['a penalty for somebody honest', [penalise], /nobody honest is penalised/],
    [
      'somebody honest dropped',
      [{ type: 'dropPeer', peer: 'n1', reason: 'points', banMs: 1 }],
      /nobody honest is dropped/
    ]
  ])('is not sound with %s', (_name, effects, message) => {
    expect(() => judge(effects)).toThrow(message)
  })

  it('may penalise somebody hostile', () => {
    expect(() => judge([penalise], { honest: false })).not.toThrow()
  })

  it('hands a block of its own miners to bitcoin at once', () => {
    const submit: NodeEffect = { type: 'submitBlock', blockHash: BLOCK, bitcoinHeight: 1, blockHex: '' }
    expect(() => judge([submit], { block: BLOCK })).not.toThrow()
    expect(() => judge([], { block: BLOCK })).toThrow(/handed to bitcoin at once/)
  })
})

describe('at rest', () => {
  it('all is well after a quiet run', () => {
    const run = network(3)
    run.finish()
    expect(() => checkAtRest(run.world)).not.toThrow()
  })

  it('hostile nodes make no shares, or ties would end in ties', () => {
    const run = network(4)
    run.at(MINUTE_MS, () => corrupt(run.world, run.world.node(1), MISCHIEFS.equivocate))
    run.until(3 * MINUTE_MS)
    run.faults.stopMining()
    run.until(4 * MINUTE_MS)
    const counts = (): readonly number[] => run.world.honest.map(({ chain }) => chain.shareCount)
    const before = counts()
    run.until(6 * MINUTE_MS)
    expect(counts()).toEqual(before)
    expect(() => run.rest()).not.toThrow()
  })

  it('two tips are noticed', () => {
    const run = network(4)
    run.faults.partition([0, 1])
    run.until(run.endMs)
    run.faults.stopMining()
    run.until(run.endMs + 30_000)
    expect(() => checkAtRest(run.world)).toThrow(/one tip/)
  })

  it('a disk that is behind is noticed', () => {
    const run = network(2)
    run.at(run.endMs / 2, () => run.faults.stallDisk(1))
    run.until(run.endMs)
    run.faults.stopMining()
    run.until(run.endMs + 30_000)
    expect(() => checkAtRest(run.world)).toThrow(/waits for the disk/)
  })

  it('a bitcoind that lacks one of the pool’s blocks is noticed', () => {
    const options = { hashrates: 'even', sharesPerBlock: 6 } as const
    const run = beginRun('test', { nodes: 3, hours: 0.1, seed: 1 }, options)
    for (const { bitcoind } of run.world.nodes) bitcoind.mute()
    run.faults.stallBitcoind(2)
    run.until(run.endMs)
    run.faults.stopMining()
    run.until(run.endMs + 30_000)
    expect(run.world.census.foundBlocks.size).toBeGreaterThan(0)
    expect(() => checkAtRest(run.world)).toThrow(/bitcoind knows the block|one tip/)
  })
})
