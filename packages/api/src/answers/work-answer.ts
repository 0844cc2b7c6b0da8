import { type CoinbaseJson, coinbaseSchema, type TemplateJson, templateSchema } from '@p2poolv2/api/schema'
import type { WorkTemplate } from '@p2poolv2/node'
import { bytesToHex, difficultyFromBits } from '@p2poolv2/primitives'
import { SIZE_CLASSES } from '@p2poolv2/stratum'
import type { NodeReads } from '../reads/node-reads.ts'

const NO_WORK = 'There is no work yet: the bitcoin node has given no block template, or nobody could be paid.'

/** The bitcoin block that is looked for. */
export function templateJson(
  work: WorkTemplate | null,
  came: { readonly source: string; readonly sec: number } | null
): TemplateJson {
  if (work === null) return { message: NO_WORK, template: null }
  const { template, mining } = work
  return templateSchema.encode({
    message: null,
    template: {
      source: came?.source ?? '',
      received: came?.sec ?? null,
      height: template.bitcoinHeight,
      prev: template.prevHash,
      version: template.version,
      bits: template.bits.toString(16).padStart(8, '0'),
      bitcoinDifficulty: difficultyFromBits(template.bits),
      time: mining.timeSec,
      coinbaseSats: template.coinbaseValueSats,
      feesSats: template.transactions.reduce((sum, { feeSats }) => sum + (feeSats ?? 0n), 0n),
      transactions: template.transactions.length,
      weight: template.transactions.reduce((sum, { weight }) => sum + weight, 0),
      droppedTransactions: work.droppedTransactions
    }
  })
}

/** What that block pays, and which firmwares can take its coinbase. */
export function coinbaseJson({ queries, poolSignature }: NodeReads, ours: ReadonlySet<string>): CoinbaseJson {
  const work = queries.offered()
  if (work === null) return { message: NO_WORK, coinbase: null }
  const { bytes } = work.mining.coinbase
  return coinbaseSchema.encode({
    message: null,
    coinbase: {
      height: work.mining.bitcoinHeight,
      sats: work.template.coinbaseValueSats,
      bytes: bytes.length,
      signature: poolSignature,
      outputs: work.paid().map(({ address, valueSats, kind }, index) => ({
        index,
        address: address.text,
        sats: valueSats,
        kind,
        isOurs: ours.has(address.text)
      })),
      firmwares: SIZE_CLASSES.flatMap(({ userAgentPrefix, coinbaseBytes }) =>
        coinbaseBytes === null
          ? []
          : [{ firmware: userAgentPrefix, limitBytes: coinbaseBytes, fits: bytes.length <= coinbaseBytes }]
      ),
      shares: work.share !== null,
      hex: bytesToHex(bytes)
    }
  })
}
