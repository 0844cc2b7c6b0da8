import type { SharesJson } from '@p2poolv2/api/schema'
import { z } from 'zod'
import { ago, counted, grouped, scaled } from '../amounts.ts'
import { type Sheet, shown } from '../style.ts'
import { textList, textTable } from '../text-table.ts'
import { stateLook } from './status-view.ts'

export function sharesView({ shares, confirmedHeight, from, to }: SharesJson, sheet: Sheet): string[] {
  const { style, nowSec } = sheet
  const table = textTable(
    [
      { title: 'height', align: 'right' },
      { title: 'status' },
      { title: 'share', cut: 'middle' },
      { title: 'age', align: 'right' },
      { title: 'difficulty', align: 'right' },
      { title: 'uncles', align: 'right' },
      { title: 'address', cut: 'middle' }
    ],
    shares.map(share => [
      grouped(share.height),
      { text: share.status, look: share.status === 'uncle' ? style.dim : stateLook(share.status, style) },
      share.hash,
      ago(share.time, nowSec),
      scaled(share.difficulty),
      share.uncles.length === 0 ? '' : String(share.uncles.length),
      { text: share.address, look: share.isOurs ? style.bold : style.dim }
    ]),
    sheet
  )
  return [...table, `heights ${grouped(from)} to ${grouped(to)}; confirmed to ${grouped(confirmedHeight)}`]
}

const detail = z.object({
  blockhash: z.string(),
  height: z.int().nullable(),
  status: z.string(),
  parent: z.string(),
  uncles: z.array(z.string()),
  miner_address: z.string(),
  bits: z.string(),
  time: z.string(),
  bitcoin_header: z.object({ block_hash: z.string(), prev_blockhash: z.string(), time: z.string(), bits: z.string() }),
  transactions: z.array(z.string()).optional()
})

/** The answer of the reference's `GET /share`. */
export const shareDetails = z.array(detail)

export function shareView(details: z.infer<typeof shareDetails>, sheet: Sheet): string[] {
  return details.flatMap((share, i) => [
    ...(i === 0 ? [] : ['']),
    ...textList(
      [
        ['Share', share.blockhash],
        ['Height', share.height === null ? '–' : grouped(share.height)],
        ['Status', share.status],
        ['Time', share.time],
        ['Miner', shown(share.miner_address)],
        ['Target', share.bits],
        ['Builds on', share.parent],
        ['Uncles', share.uncles.length === 0 ? 'none' : share.uncles.join(' ')],
        ['Bitcoin header', share.bitcoin_header.block_hash],
        ['  builds on', share.bitcoin_header.prev_blockhash],
        ['  time', share.bitcoin_header.time],
        ['Transactions', share.transactions === undefined ? '–' : counted(share.transactions.length, 'transaction')]
      ],
      sheet
    )
  ])
}
