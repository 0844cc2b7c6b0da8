import { encodeShare, type Share } from '@p2poolv2/consensus'
import { concatBytes } from '@p2poolv2/primitives'
import { ChainBuilder, easyParams } from '@p2poolv2/sharechain/testing'
import { describe, expect, it } from 'vitest'
import { effectsOf, Rig } from '../testing/rig.ts'
import { MAX_EARLY_BLOCKS } from './early-blocks.ts'

const PARAMS = easyParams()
/** What a share calls a block here, and far more than that. */
const [EASY_BITS, HARD_BITS] = [0x1f00ffff, 0x1c00ffff]

describe('blocks in peers’ shares before the first template, when nobody has said what a block’s work is', () => {
  const builder = new ChainBuilder(PARAMS)
  const hashOf = new Map<Share, string>()
  const rig = (): Rig => {
    const made = new Rig({ params: PARAMS })
    made.listener('peer')
    return made
  }
  const push = (to: Rig, share: Share): string[] => {
    to.nowMs = Math.max(to.nowMs, (share.header.timeSec + 1) * 1_000)
    const payload = concatBytes(Uint8Array.of(5), encodeShare(share))
    const effects = to.handle({ type: 'peerRequest', peer: 'peer', requestId: 900, protocol: 'shares', payload })
    return effectsOf(effects, 'submitBlock').map(({ blockHash }) => blockHash)
  }
  const onRecord = (of: Rig): number => of.core.queries.status(of.now).blocks.length
  for (let n = 0; n < 40; n++) {
    const share = builder.build({ parent: builder.genesis, isBlock: true })
    const [blockHash] = push(rig(), share)
    hashOf.set(share, blockHash ?? expect.unreachable('the first goes at once'))
  }
  const hashes = [...hashOf.values()].sort()
  const byWork = [...hashOf.keys()].sort((a, b) => ((hashOf.get(a) ?? '') < (hashOf.get(b) ?? '') ? -1 : 1))

  it('go to bitcoin at once only with more work than all before, and so do not fill disk and record', () => {
    const node = rig()
    expect(byWork.flatMap(share => push(node, share))).toEqual(hashes.slice(0, 1))
    expect(onRecord(node)).toBe(1)
    const other = rig()
    expect([...byWork].reverse().flatMap(share => push(other, share))).toEqual([...hashes].reverse())
  })

  it('else wait for it, a few with the most work, and are judged by it', () => {
    const node = rig()
    for (const share of byWork) push(node, share)
    const late = effectsOf(node.template({ height: 100, bits: EASY_BITS }), 'submitBlock')
    expect(late.map(({ blockHash }) => blockHash)).toEqual(hashes.slice(1, 1 + MAX_EARLY_BLOCKS))
    expect(onRecord(node)).toBe(1 + MAX_EARLY_BLOCKS)
    expect(effectsOf(node.template({ height: 100, bits: EASY_BITS }), 'submitBlock')).toEqual([])
  })

  it('go nowhere when bitcoin wants more work', () => {
    const node = rig()
    for (const share of byWork) push(node, share)
    expect(effectsOf(node.template({ height: 100, bits: HARD_BITS }), 'submitBlock')).toEqual([])
  })
})
