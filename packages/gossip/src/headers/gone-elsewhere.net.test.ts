import type { Share } from '@p2poolv2/consensus'
import { steadyMs } from '@p2poolv2/primitives'
import { ChainBuilder, easyParams, GENESIS_TIME_SEC, headerItem } from '@p2poolv2/sharechain/testing'
import { expect, it } from 'vitest'
import { ScriptedPeer } from '../testing/scripted-peer.ts'
import { TestNet } from '../testing/test-net.ts'
import { TestNode } from '../testing/test-node.ts'

const params = easyParams()
const START_MS = steadyMs((GENESIS_TIME_SEC + 2_000) * 1_000)
const builder = new ChainBuilder(params)
const heavy = builder.row(builder.genesis, 950)
const light = builder.row(builder.genesis, 901, { miner: 7 })

/** Knows two chains, and answers by the one it follows when it is asked: `chainAt` of each question in turn. */
function wanderer(chainAt: (question: number) => readonly Share[]): ScriptedPeer {
  let question = 0
  return new ScriptedPeer(
    message => {
      if (message.type !== 'getShareHeaders') return null
      const chain = chainAt(question++)
      const at = chain.findLastIndex(({ hash }) => message.locator.includes(hash))
      return { type: 'shareHeaders', items: chain.slice(at + 1, at + 901).map(headerItem) }
    },
    [{ type: 'handshake', tipHeight: heavy.length, tipHash: heavy.at(-1)?.hash ?? builder.genesis }]
  )
}

function meet(peer: ScriptedPeer): { readonly net: TestNet; readonly ann: TestNode } {
  const net = new TestNet(START_MS)
  const ann = new TestNode(params)
  net.add('ann', ann)
  net.add('bob', peer)
  net.connect('ann', 'bob', { latencyMs: 20 })
  net.run(2_000)
  return { net, ann }
}

it.each([[[1]], [[2]], [[1, 2]], [[1, 3]]])(
  'a peer that follows another chain for a while, as with its answers %j, is asked anew and not blamed',
  elsewhere => {
    const { net, ann } = meet(wanderer(question => (elsewhere.includes(question) ? light : heavy)))
    expect(ann.chain.candidateTip().hash).toBe(heavy.at(-1)?.hash)
    expect(ann.facts.filter(({ type }) => type === 'headersFailed')).toEqual([])
    expect(net.penalties).toEqual([])
  }
)

it('one that never stays with one is left alone', () => {
  const peer = wanderer(question => (question % 2 === 1 ? light : heavy))
  const { ann } = meet(peer)
  expect(peer.count('getShareHeaders')).toBeLessThan(12)
  expect(ann.facts.some(({ type }) => type === 'headersFailed')).toBe(true)
})
