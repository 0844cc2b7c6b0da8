/** CPU time of one header on its way in: decoded from an answer, judged at the door, and taken into the share chain. */
import { decodeHeaderBatch, encodeHeaderBatch, genesisShare, type Share } from '@p2poolv2/consensus'
import { type ShareHash, unixMs } from '@p2poolv2/primitives'
import { ShareChain } from '@p2poolv2/sharechain'
import { buildShare, testAddress } from '../../packages/consensus/src/testing/build-share.ts'
import { BITCOIN_BITS, PARAMS } from './inputs/window-rows.ts'
import { measure, note } from './measure.ts'

/** As many as an answer has, and some answers. */
const HEADERS = 900
const ANSWERS = 4
/** Of a block of some thousand transactions; one a bitcoin block for all shares that were made for it. */
const BRANCH_BYTES = 12 * 32
const SHARES_A_BLOCK = 60
const NOW_MS = unixMs((PARAMS.genesisTimeSec + 1_000_000) * 1000)

/** A row of shares with real work. What they pay no header tells. */
function row(count: number): Share[] {
  const address = testAddress(1)
  const weights = { total: 1n, byAddress: new Map([[address.text, { address, weight: 1n }]]) }
  const chain = new ShareChain({ params: PARAMS })
  const shares: Share[] = []
  let prev: ShareHash = genesisShare(PARAMS).hash
  for (let height = 1; height <= count; height++) {
    const share = buildShare({
      params: PARAMS,
      prev,
      bits: chain.nextShareBits(prev),
      timeSec: PARAMS.genesisTimeSec + height * PARAMS.spacingSec,
      weights,
      bitcoinBits: BITCOIN_BITS,
      merkleBranch: new Uint8Array(BRANCH_BYTES).fill(Math.floor(height / SHARES_A_BLOCK) & 255)
    })
    take(chain, [share])
    shares.push(share)
    prev = share.hash
  }
  return shares
}

function take(chain: ShareChain, items: Parameters<ShareChain['addHeaders']>[0]): void {
  const { verdict } = chain.addHeaders(items, NOW_MS)
  if (verdict.type !== 'accepted') throw new Error(`the bench measures refusals: ${JSON.stringify(verdict)}`)
}

const shares = row(ANSWERS * HEADERS)
const answers = Array.from({ length: ANSWERS }, (_, answer) =>
  encodeHeaderBatch(shares.slice(answer * HEADERS, (answer + 1) * HEADERS))
)
note(`answers of ${HEADERS} headers, ${Math.round((answers[0]?.length ?? 0) / HEADERS)} bytes a header`)

await measure({
  id: 'headers.answer',
  unit: 'header',
  operationsPerSample: ANSWERS * HEADERS,
  run: () => {
    const chain = new ShareChain({ params: PARAMS })
    for (const answer of answers) take(chain, decodeHeaderBatch(answer))
  }
})
