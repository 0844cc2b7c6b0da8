import type { HeaderItem, Share } from '@p2poolv2/consensus'
import { type ShareHash, steadyMs } from '@p2poolv2/primitives'
import { ChainBuilder, easyParams, GENESIS_TIME_SEC, headerItem } from '@p2poolv2/sharechain/testing'
import { describe, expect, it } from 'vitest'
import { ScriptedPeer } from '../testing/scripted-peer.ts'
import { TestNet } from '../testing/test-net.ts'
import { TestNode } from '../testing/test-node.ts'

const params = easyParams()
const LONG = 1_300
const START_MS = steadyMs((GENESIS_TIME_SEC + LONG + 60) * 1_000)
const builder = new ChainBuilder(params)
const shares: Share[] = builder.row(builder.genesis, LONG)
const items = shares.map(headerItem)
const tip = shares.at(-1)?.hash ?? builder.genesis
const full = new TestNode(params, { shares, nowMs: START_MS })

/** Meets a peer that answers within 2.8 s, as `answer` says, and then three honest ones. */
function meets(ann: TestNode, answer: (locator: readonly ShareHash[]) => readonly HeaderItem[]): TestNet {
  const net = new TestNet(START_MS)
  const greeting = { type: 'handshake', tipHeight: LONG, tipHash: tip } as const
  const drip = new ScriptedPeer(
    message => (message.type === 'getShareHeaders' ? { type: 'shareHeaders', items: answer(message.locator) } : null),
    [greeting]
  )
  net.add('ann', ann)
  net.add('drip', drip)
  net.connect('ann', 'drip', { latencyMs: 1_400 })
  net.run(5_000)
  for (const name of ['bob', 'cid', 'dan']) {
    net.add(name, new TestNode(params, { like: full }))
    net.connect('ann', name, { latencyMs: 20 })
  }
  net.run(120_000)
  return net
}

describe('a peer whose full answers bring one height each', () => {
  it('does not keep a newcomer from the others with copies of the next header', () => {
    const ann = new TestNode(params)
    meets(ann, locator => {
      const next = items[items.findIndex(({ hash }) => locator.includes(hash)) + 1]
      return next === undefined ? [] : new Array<HeaderItem>(900).fill(next)
    })
    expect(ann.tip).toBe(tip)
  })

  it('does not keep a node that is behind from the others with the past of its own chain', () => {
    const ann = new TestNode(params, { shares: shares.slice(0, LONG - 100), nowMs: START_MS })
    let from = 0
    const net = meets(ann, () => items.slice(++from, from + 900))
    expect(ann.tip).toBe(tip)
    expect(net.penalties).toEqual([])
  })
})
