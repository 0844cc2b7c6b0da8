import type { EarningsJson } from '@p2poolv2/api/schema'
import { hashrateText } from '@p2poolv2/earnings/words'
import { grouped, span } from '../amounts.ts'
import { type Sheet, shown } from '../style.ts'
import { sentenceWidth, textList, wrapped } from '../text-table.ts'

const TITLES = {
  now: 'A block now',
  nextShare: 'Next share',
  nextPayout: 'Next payout',
  blocks: 'Pool blocks',
  blockSpell: 'Since the last block',
  shareSpell: 'Since your last share',
  longRun: 'In the long run',
  variance: 'How unevenly',
  spending: 'To spend it',
  basis: 'What this rests on'
} as const satisfies Readonly<Record<keyof NonNullable<EarningsJson['earnings']>['sentences'], string>>

/** Sentences read better than fifty numbers; those are in --json. */
export function earningsView({ message, earnings, addresses, whatIf }: EarningsJson, sheet: Sheet): string[] {
  const { style } = sheet
  const whose = addresses.length === 0 ? 'no address yet' : addresses.join(', ')
  if (earnings === null) return [shown(whose), shown(message ?? '')]
  const width = sentenceWidth(sheet)
  const sentences = Object.entries(TITLES).flatMap(([key, title]) => {
    const text = shown(earnings.sentences[key as keyof typeof TITLES])
    return text === '' ? [] : [style.bold(title), ...wrapped(text, width - 2).map(line => `  ${line}`)]
  })
  return [
    style.dim(`for ${shown(whose)}`),
    '',
    ...sentences,
    ...(whatIf === null
      ? []
      : [
          '',
          style.bold(`With ${hashrateText(whatIf.hashrate)}`),
          ...textList(
            [
              ['  on average', `${grouped(Math.round(whatIf.satsPerDay))} sats a day`],
              ['  next share', whatIf.nextShare === null ? 'never' : `in ${span(whatIf.nextShare.meanSec)} on average`],
              [
                '  next payout',
                whatIf.nextPayout === null ? 'never' : `in ${span(whatIf.nextPayout.meanSec)} on average`
              ],
              ['  payouts', `${Number(whatIf.payoutsPerYear.toPrecision(3))} a year`]
            ],
            sheet
          )
        ])
  ]
}
