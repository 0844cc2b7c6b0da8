import { csvText, utcText } from '../words/csv.ts'
import type { Ledger } from './payout-ledger.ts'

/** The columns, in order. A name once given keeps its meaning; new ones come at the end. */
export const LEDGER_COLUMNS = [
  'time_utc',
  'bitcoin_height',
  'block_hash',
  'address',
  'value_sats',
  'value_btc',
  'state',
  'confirmations',
  'result'
] as const

const SATS_PER_BTC = 100_000_000n

/**
 * The ledger as CSV: a line for each output to us, the highest block first. Orphaned blocks are in it and said to be: their
 * outputs were never paid.
 */
export function ledgerCsv({ blocks }: Pick<Ledger, 'blocks'>): string {
  const rows = blocks.flatMap(({ block, state, confirmations, ours }) =>
    ours.map(({ address, valueSats }) => [
      utcText(block.timeSec),
      block.bitcoinHeight,
      block.blockHash,
      address,
      valueSats,
      `${valueSats / SATS_PER_BTC}.${(valueSats % SATS_PER_BTC).toString().padStart(8, '0')}`,
      state,
      confirmations,
      block.result
    ])
  )
  return csvText(LEDGER_COLUMNS, rows)
}
