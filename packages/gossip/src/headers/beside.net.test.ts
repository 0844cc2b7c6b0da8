import { type ShareHash, steadyMs } from '@p2poolv2/primitives'
import { ChainBuilder, GENESIS_TIME_SEC, headerItem } from '@p2poolv2/sharechain/testing'
import { expect, it } from 'vitest'
import { ScriptedPeer } from '../testing/scripted-peer.ts'
import { TestNet } from '../testing/test-net.ts'
import { TestNode } from '../testing/test-node.ts'

const LONG = 600
const START_MS = steadyMs((GENESIS_TIME_SEC + 5_000) * 1_000)

it.each([
  ['alone', 0],
  ['beside the newest header of our chain', 1]
])('keeps no headers of a light chain from far below its tip: %s', (_how, newest) => {
  const builder = new ChainBuilder()
  const shares = builder.row(builder.genesis, LONG)
  let parent: ShareHash = builder.genesis
  const light = Array.from({ length: 300 }, (_, i) => {
    const share = builder.build({ parent, timeSec: GENESIS_TIME_SEC + 2 * (i + 1), miner: 7 })
    parent = share.hash
    return share
  })
  const items = [...light, ...shares.slice(LONG - newest)].map(headerItem)
  const eve = new ScriptedPeer(
    message => (message.type === 'getShareHeaders' ? { type: 'shareHeaders', items } : null),
    [{ type: 'handshake', tipHeight: LONG + 1, tipHash: parent }]
  )
  const net = new TestNet(START_MS)
  const ann = new TestNode(builder.params, { shares, nowMs: START_MS })
  net.add('ann', ann)
  net.add('eve', eve)
  net.connect('ann', 'eve', { latencyMs: 20 })
  net.run(2_000)
  expect(eve.count('getShareHeaders')).toBeGreaterThan(0)
  expect(ann.chain.shareCount).toBe(LONG + 1)
})
