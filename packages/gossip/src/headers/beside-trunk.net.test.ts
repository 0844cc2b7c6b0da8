import type { HeaderItem, Share } from '@p2poolv2/consensus'
import { type ShareHash, steadyMs } from '@p2poolv2/primitives'
import { ChainBuilder, easyParams, GENESIS_TIME_SEC, headerItem } from '@p2poolv2/sharechain/testing'
import { describe, expect, it } from 'vitest'
import { ScriptedPeer } from '../testing/scripted-peer.ts'
import { TestNet } from '../testing/test-net.ts'
import { TestNode } from '../testing/test-node.ts'
import { NEAR_HEIGHTS } from './presync.ts'

/** Everything is kept, so that a fork far below the tip is no reason to refuse it. */
const params = easyParams({ pruneDepth: 5_000 })
const LONG = 1_600
const builder = new ChainBuilder(params)
const shares: Share[] = builder.row(builder.genesis, LONG)
const trunk = shares.map(headerItem)
const tip = shares.at(-1)?.hash ?? builder.genesis
/** What the attack costs: one share of the network's difficulty. */
const next = headerItem(builder.build({ parent: tip }))
const START_MS = steadyMs((GENESIS_TIME_SEC + LONG + 60) * 1_000)

/** Headers beside the trunk: they part from it at a height and are worth nothing beside it. */
const beside = (height: number, count: number): HeaderItem[] => {
  const forkPoint = shares[height - 1]?.hash ?? builder.genesis
  return builder.row(forkPoint, count, { miner: 7 }).map(headerItem)
}

/** A node that has the trunk meets a peer that answers this. @returns how many shares it has more */
function grownBy(answer: (locator: readonly ShareHash[], stop: ShareHash) => readonly HeaderItem[]): number {
  const ann = new TestNode(params, { shares, nowMs: START_MS })
  const before = ann.chain.shareCount
  const net = new TestNet(START_MS)
  net.add('ann', ann)
  net.add(
    'eve',
    new ScriptedPeer(
      message =>
        message.type === 'getShareHeaders'
          ? { type: 'shareHeaders', items: answer(message.locator, message.stop) }
          : null,
      [{ type: 'handshake', tipHeight: LONG + 1, tipHash: next.hash }]
    )
  )
  net.connect('ann', 'eve', { latencyMs: 20 })
  net.run(60_000)
  ann.chain.checkInvariants()
  expect(ann.tip).toBe(tip)
  return ann.chain.shareCount - before
}

describe('cheap headers that part from our chain far below its tip', () => {
  const far = LONG - NEAR_HEIGHTS - 200
  const cheap = beside(far, 300)

  it('are not kept for the sake of a share at the tip in the same answer', () => {
    expect(grownBy(() => [...cheap, next])).toBeLessThanOrEqual(1)
  })

  it('are not kept when the whole trunk from there and one share more stand beside them', () => {
    expect(grownBy(() => [...trunk.slice(far), ...cheap, next])).toBeLessThanOrEqual(1)
    expect(grownBy(() => [...cheap, ...trunk.slice(far), next])).toBeLessThanOrEqual(1)
  })

  it('are not kept when they are slipped in among headers that were shown to be heavier before', () => {
    const low = beside(2, 300)
    const all = [...trunk, next]
    let asked = 0
    const grown = grownBy((locator, stop) => {
      asked++
      const from = all.findIndex(({ hash }) => locator.includes(hash))
      // From the beginning, whatever we have: a first answer that leads away from what is near the tip.
      const start = asked === 1 || !stop.startsWith('0000') ? 0 : from + 1
      const answer = all.slice(start, start + 900)
      return start === 0 ? [...answer, ...low] : answer
    })
    expect(asked).toBeGreaterThan(2)
    expect(grown).toBeLessThanOrEqual(1)
  })
})
