import type { Share } from '@p2poolv2/consensus'
import { steadyMs } from '@p2poolv2/primitives'
import { ChainBuilder, easyParams, GENESIS_TIME_SEC } from '@p2poolv2/sharechain/testing'
import { describe, expect, it } from 'vitest'
import { TestNet } from '../testing/test-net.ts'
import { TestNode } from '../testing/test-node.ts'

const START_MS = steadyMs((GENESIS_TIME_SEC + 5_000) * 1_000)
const rules = easyParams({ windowMaxShares: 30, paddingSpan: 10, difficultyMultiplier: 10_000n })

/** Nine uncles of a chain at one height, named as producers choose, and each names three of the height below. */
function crowdedChain(length: number): Share[] {
  const builder = new ChainBuilder(rules)
  const shares = builder.row(builder.genesis, 100)
  const root = shares.at(-1)?.hash ?? builder.genesis
  const lower = Array.from({ length: 27 }, (_, i) => builder.build({ parent: root, miner: 100 + i }))
  const at = builder.build({ parent: root })
  const upper = Array.from({ length: 9 }, (_, i) => {
    const uncles = lower.slice(3 * i, 3 * i + 3).map(({ hash }) => hash)
    return builder.build({ parent: at.hash, miner: 60 + i, uncles })
  })
  shares.push(...lower, at, ...upper)
  let parent = at.hash
  for (let i = 0; i < 4; i++) {
    const share = builder.build({ parent, uncles: i === 0 ? [] : builder.known.uncleChoice(parent) })
    shares.push(share)
    parent = share.hash
  }
  return [...shares, ...builder.row(parent, length - 105)]
}

describe('a height of which the chain needs more shares than an answer has room for', () => {
  it.each([
    ['in memory', rules, 140],
    ['in the archive', easyParams({ ...rules, pruneDepth: 60 }), 400]
  ])('is no end of the chain for a newcomer: %s', (_where, params, length) => {
    const full = new TestNode(params, { shares: crowdedChain(length), nowMs: START_MS })
    expect(full.chain.confirmedTip().height).toBe(length)
    const net = new TestNet(START_MS)
    const ann = new TestNode(params)
    net.add('ann', ann)
    net.add('bob', full)
    net.connect('ann', 'bob', { latencyMs: 20 })
    net.run(60_000)
    expect(net.penalties).toEqual([])
    expect(ann.tip).toBe(full.tip)
  })
})
