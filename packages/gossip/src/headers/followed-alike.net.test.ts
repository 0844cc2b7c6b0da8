import type { HeaderItem } from '@p2poolv2/consensus'
import { steadyMs } from '@p2poolv2/primitives'
import { ChainBuilder, easyParams, GENESIS_TIME_SEC, headerItem } from '@p2poolv2/sharechain/testing'
import { expect, it } from 'vitest'
import { ScriptedPeer } from '../testing/scripted-peer.ts'
import { TestNet } from '../testing/test-net.ts'
import { TestNode } from '../testing/test-node.ts'

const COMMON = 100
/** Of the heavier branch, whose bodies nobody has, so many headers are known to bob, who has followed it no further yet. */
const KNOWN_TO_BOB = 450

const params = easyParams()
const builder = new ChainBuilder(params)
const common = builder.row(builder.genesis, COMMON)
const fork = common.at(-1)?.hash ?? builder.genesis
const right = builder.row(fork, 2_000, { miner: 1 })
const heavy = builder.row(fork, 2_040, { miner: 7 })
const told = [...common, ...heavy].map(headerItem)
const rightItems = right.map(headerItem)
const bobs = told.slice(0, COMMON + KNOWN_TO_BOB)

/** As a node does whose candidate chain is `bobs`: by height, beside it the right one, its own last (protocol §18.5). */
function answerOfBob(locator: readonly string[]): HeaderItem[] {
  const known = locator.find(hash => [...bobs, ...rightItems].some(item => item.hash === hash))
  const at = bobs.findIndex(({ hash }) => hash === known)
  const start = Math.max(0, (at >= 0 ? at : COMMON - 1) - 2)
  const items: HeaderItem[] = []
  for (let n = start; n < bobs.length && items.length < 900; n++) {
    const own = bobs[n]
    const beside = n < COMMON ? undefined : rightItems[n - COMMON]
    if (beside !== undefined) items.push(beside)
    if (own !== undefined) items.push(own)
  }
  return items
}

it('blames nobody for following what we follow, without having its bodies either, and for listing another chain beside it', () => {
  const net = new TestNet(steadyMs((GENESIS_TIME_SEC + 3_000) * 1_000))
  const ann = new TestNode(params)
  const tip = { tipHeight: told.length, tipHash: told.at(-1)?.hash ?? fork }
  const liar = new ScriptedPeer(
    message => {
      if (message.type !== 'getShareHeaders') return null
      const at = told.findLastIndex(({ hash }) => message.locator.includes(hash))
      return { type: 'shareHeaders', items: told.slice(at + 1, at + 901) }
    },
    [{ type: 'handshake', ...tip }]
  )
  const bob = new ScriptedPeer(
    message =>
      message.type === 'getShareHeaders' ? { type: 'shareHeaders', items: answerOfBob(message.locator) } : null,
    [{ type: 'handshake', tipHeight: COMMON + right.length, tipHash: right.at(-1)?.hash ?? fork }]
  )
  net.add('ann', ann)
  net.add('liar', liar)
  net.add('bob', bob)
  net.connect('ann', 'liar', { latencyMs: 20 })
  net.run(1_000)
  expect(ann.chain.candidateTip().height).toBe(told.length)
  net.connect('ann', 'bob', { latencyMs: 20 })
  net.run(200_000)
  expect(bob.count('getShareHeaders')).toBeGreaterThan(1)
  expect(net.penalties.filter(({ peer }) => peer === 'bob')).toEqual([])
})
