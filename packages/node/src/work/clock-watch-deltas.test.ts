import { encodeShare, type Share } from '@p2poolv2/consensus'
import { concatBytes } from '@p2poolv2/primitives'
import { ChainBuilder, easyParams, GENESIS_TIME_SEC } from '@p2poolv2/sharechain/testing'
import { expect, it } from 'vitest'
import { effectsOf, factsOf, Rig } from '../testing/rig.ts'
import { BELIEVED_AFTER_MS } from './clock-watch.ts'

/** A chain of which so little is kept that what is dated ahead on it is followed on. */
const PARAMS = easyParams({ windowMaxShares: 20, pruneDepth: 40, paddingSpan: 10 })
const AHEAD_SEC = 86_400
const DUE_AFTER_SEC = 200

it('a share whose time comes with a look at the clock is stored and told of like any other', () => {
  const builder = new ChainBuilder(PARAMS)
  const rig = new Rig({ params: PARAMS })
  rig.listener('peer')
  const push = (share: Share) => {
    const payload = concatBytes(Uint8Array.of(5), encodeShare(share))
    return rig.handle({ type: 'peerRequest', peer: 'peer', requestId: 900, protocol: 'shares', payload })
  }
  let tip = builder.genesis
  const add = (timeSec: number): void => {
    const share = builder.build({ parent: tip, timeSec })
    push(share)
    tip = share.hash
  }
  rig.nowMs = (GENESIS_TIME_SEC + AHEAD_SEC + 200) * 1_000
  for (let n = 1; n <= 90; n++) add(GENESIS_TIME_SEC + n + (n === 51 || n === 52 ? AHEAD_SEC : 0))
  expect(rig.chain.confirmedTip()).toMatchObject({ height: 90, hash: tip })
  const nowSec = GENESIS_TIME_SEC + 100
  rig.skewMs = nowSec * 1_000 - rig.nowMs
  const template = (valueSats: number) =>
    rig.template({ curTimeSec: Math.floor(rig.now.wallMs / 1_000), minTimeSec: GENESIS_TIME_SEC, valueSats })
  template(1)
  const late = builder.build({ parent: tip, timeSec: nowSec + PARAMS.futureTimeSec + DUE_AFTER_SEC })
  expect(factsOf(push(late), 'shareConfirmed')).toEqual([])
  rig.nowMs += BELIEVED_AFTER_MS
  template(2)
  rig.nowMs += DUE_AFTER_SEC * 1_000 - BELIEVED_AFTER_MS
  const effects = template(3)
  expect(rig.chain.confirmedTip().hash).toBe(late.hash)
  expect(factsOf(effects, 'shareConfirmed')).toMatchObject([{ shareHash: late.hash }])
  expect(effectsOf(effects, 'commit').at(-1)?.delta.sequence).toBe(rig.chain.sequence)
})
