import type { BlocksJson } from '@p2poolv2/api/schema'
import { counted, grouped, utc } from '../amounts.ts'
import type { Sheet } from '../style.ts'
import { textTable } from '../text-table.ts'
import { stateLook } from './status-view.ts'

export function blocksView({ blocks, total, counts, tipHeight }: BlocksJson, sheet: Sheet): string[] {
  const { style } = sheet
  if (blocks.length === 0) return ['No bitcoin block of the pool is on record yet.']
  const table = textTable(
    [
      { title: 'height', align: 'right' },
      { title: 'time (UTC)' },
      { title: 'state' },
      { title: 'confirmations', align: 'right' },
      { title: 'handed over' },
      { title: 'pays (sats)', align: 'right' },
      { title: 'to', align: 'right' },
      { title: 'of it yours (sats)', align: 'right' },
      { title: 'answer', cut: 'end' },
      { title: 'block', cut: 'middle' }
    ],
    blocks.map(block => [
      grouped(block.height),
      utc(block.time),
      { text: block.state, look: stateLook(block.state, style) },
      grouped(block.confirmations),
      block.isSubmittedHere ? { text: 'here', look: style.good } : 'elsewhere',
      grouped(block.sats),
      grouped(block.payees),
      { text: grouped(block.ourSats), look: block.ourSats > 0 ? style.bold : style.dim },
      block.result,
      block.hash
    ]),
    sheet
  )
  const { waiting, immature, mature, orphaned } = counts
  const sum = `${counted(total, 'block')} on record: ${mature} mature, ${immature} immature, ${waiting} waiting, ${orphaned} orphaned`
  return [...table, `${sum}; bitcoin is at ${tipHeight === null ? 'an unknown height' : grouped(tipHeight)}`]
}
