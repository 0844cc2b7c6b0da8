/** CPU time of one peer's share: decoded, checked by every rule, and taken into the share chain. */
import { decodeShare, encodeShare, type Share } from '@p2poolv2/consensus'
import { unixMs } from '@p2poolv2/primitives'
import type { ShareChain } from '@p2poolv2/sharechain'
import { buildShare } from '../../packages/consensus/src/testing/build-share.ts'
import { restoredChain } from './inputs/restored-chain.ts'
import { BITCOIN_BITS, FULL_WINDOW, PARAMS } from './inputs/window-rows.ts'
import { measure, note } from './measure.ts'

const SHARES_PER_SAMPLE = 20
const SAMPLES = 23
const CASES = [
  { id: 'share.peer.500-payees', shares: FULL_WINDOW, miners: 500 },
  { id: 'share.peer.20-payees', shares: FULL_WINDOW, miners: 20 },
  { id: 'share.peer.3-payees', shares: 1_000, miners: 3 }
] as const

/** What peers would send next, one on top of the other. */
function nextShares(chain: ShareChain, count: number): { bytes: Uint8Array[]; nowMs: number } {
  const bytes: Uint8Array[] = []
  let nowMs = 0
  for (let i = 0; i < count; i++) {
    const { hash, timeSec } = chain.confirmedTip()
    const weights = chain.payoutWeights(hash, BITCOIN_BITS)
    if (weights === null) throw new Error('the window is held')
    nowMs = (timeSec + 1) * 1000
    const share: Share = buildShare({
      params: PARAMS,
      prev: hash,
      bits: chain.nextShareBits(hash),
      timeSec: timeSec + 1,
      weights,
      bitcoinBits: BITCOIN_BITS
    })
    take(chain, share, nowMs)
    bytes.push(encodeShare(share))
  }
  return { bytes, nowMs }
}

function take(chain: ShareChain, share: Share, nowMs: number): void {
  const { verdict, confirmed } = chain.addShare(share, 'peer', unixMs(nowMs))
  if (verdict.type !== 'accepted') throw new Error(`the bench measures refusals: ${JSON.stringify(verdict)}`)
  if (confirmed.length !== 1) throw new Error('the bench measures shares aside of the chain')
}

for (const { id, ...wanted } of CASES) {
  const { bytes, nowMs } = nextShares(restoredChain(wanted), SAMPLES * SHARES_PER_SAMPLE)
  note(`${id}: on ${wanted.shares} shares, shares of ${bytes.at(-1)?.length ?? 0} bytes`)
  const chain = restoredChain(wanted)
  const { hash } = chain.confirmedTip()
  chain.payoutWeights(hash, BITCOIN_BITS)
  let next = 0
  await measure({
    id,
    unit: 'share',
    operationsPerSample: SHARES_PER_SAMPLE,
    run: () => {
      for (const encoded of bytes.slice(next, next + SHARES_PER_SAMPLE)) take(chain, decodeShare(encoded), nowMs)
      next += SHARES_PER_SAMPLE
    }
  })
}
