import { type Cell, csvText, utcText } from '../words/csv.ts'
import type { GaugePoint, HistoryPoint } from './chart.ts'

/** The columns, in order. A name once given keeps its meaning; new ones come at the end. */
export const HISTORY_COLUMNS = [
  'start_utc',
  'span_sec',
  'observed',
  'hashrate_hps',
  'accepted',
  'rejected',
  'best_difficulty',
  'pool_hashrate_hps',
  'peers',
  'share_difficulty',
  'bitcoin_difficulty'
] as const

/** Points of the history as CSV, one a line; means for what was looked at, nothing where nothing was measured. */
export function historyCsv(points: readonly HistoryPoint[]): string {
  const mean = (gauge: GaugePoint | null): Cell => gauge?.mean ?? ''
  const rows = points.map(({ startSec, spanSec, observed, household, gauges }) => [
    utcText(startSec),
    spanSec,
    observed,
    household.hps ?? '',
    household.accepted,
    household.rejected,
    household.bestDifficulty,
    mean(gauges.poolHps),
    mean(gauges.peers),
    mean(gauges.shareDifficulty),
    mean(gauges.bitcoinDifficulty)
  ])
  return csvText(HISTORY_COLUMNS, rows)
}
