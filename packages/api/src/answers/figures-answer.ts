import { type FiguresJson, figuresSchema, type WidgetJson } from '@p2poolv2/api/schema'
import { durationText, hashrateText, satsText } from '@p2poolv2/earnings'
import { HASHES_PER_DIFFICULTY, type Moment, secFromMs } from '@p2poolv2/primitives'
import type { EarningsDesk } from '../reads/earnings-desk.ts'
import type { NodeReads } from '../reads/node-reads.ts'

/** Numbers that change all the time. */
export function figuresJson({ queries, startedAtSec }: NodeReads, desk: EarningsDesk, now: Moment): FiguresJson {
  const totals = queries.totals(now)
  const work = queries.work()
  const poolHashrate = desk.poolHashrate(now)
  return figuresSchema.encode({
    time: secFromMs(now.wallMs),
    started: startedAtSec,
    hashrate: totals.hashrates,
    poolHashrate: poolHashrate.effectiveFinds === 0 ? null : poolHashrate.hps,
    accepted: totals.accepted,
    rejected: totals.rejected,
    blockEverySec:
      totals.hashrates.h1 > 0 && work.bitcoinDifficulty > 0
        ? (work.bitcoinDifficulty * HASHES_PER_DIFFICULTY) / totals.hashrates.h1
        : null,
    bestDifficulty: totals.bestDifficulty,
    miners: totals.connections,
    lastShare: totals.lastAcceptedAtMs === null ? null : secFromMs(totals.lastAcceptedAtMs),
    shareDifficulty: work.shareDifficulty,
    bitcoinDifficulty: work.bitcoinDifficulty,
    peers: queries.network(now).peers,
    confirmedHeight: queries.chain().confirmedHeight
  })
}

/** Four numbers for a home screen. */
export async function widgetJson({ queries }: NodeReads, desk: EarningsDesk, now: Moment): Promise<WidgetJson> {
  const totals = queries.totals(now)
  const look = await desk.look(null, null, now)
  const rate = splitUnit(hashrateText(totals.hashrates.m5))
  const earnings = 'earnings' in look ? look.earnings : null
  const nextPayout = earnings?.nextPayout ?? null
  return {
    type: 'four-stats',
    refresh: '5s',
    items: [
      { title: 'Hash rate', text: rate.amount, subtext: rate.unit },
      { title: 'Miners', text: String(totals.connections), subtext: 'connected' },
      {
        title: 'Block now pays',
        ...(earnings === null ? { text: '–', subtext: '' } : amountAndUnit(satsText(earnings.now.valueSats)))
      },
      {
        title: 'Next payout',
        ...(nextPayout === null ? { text: '–', subtext: '' } : amountAndUnit(durationText(nextPayout.meanSec)))
      }
    ]
  }
}

function amountAndUnit(text: string): { readonly text: string; readonly subtext: string } {
  const { amount, unit } = splitUnit(text)
  return { text: amount, subtext: unit }
}

/** "1.2 TH/s" as its two words; what has no unit is all amount. */
function splitUnit(text: string): { readonly amount: string; readonly unit: string } {
  const [amount = '', ...unit] = text.split(' ')
  return { amount, unit: unit.join(' ') }
}
