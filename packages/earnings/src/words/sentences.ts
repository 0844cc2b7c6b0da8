/** What the numbers mean, in sentences that state window and uncertainty. Plain text: nothing of miners' or peers' making is in it. */
import type { MeasuredHashrate } from '../chance/measured-rate.ts'
import type { WaitSec } from '../chance/waiting.ts'
import type { Earnings, SpellVerdict } from '../earnings.ts'
import { type Income, YEAR_SEC } from '../outlook/income.ts'
import type { Verdict } from '../outlook/luck.ts'
import {
  aboutSatsText,
  chanceText,
  durationText,
  feeRateText,
  hashrateText,
  inAboutText,
  percentText,
  satsText
} from './amounts.ts'

export interface EarningsSentences {
  readonly now: string
  readonly nextShare: string
  readonly nextPayout: string
  readonly blocks: string
  readonly blockSpell: string
  readonly shareSpell: string
  readonly longRun: string
  /** How unevenly it comes. */
  readonly variance: string
  readonly spending: string
  /** What all of it rests on. */
  readonly basis: string
}

export function sentencesOf(earnings: Earnings): EarningsSentences {
  return {
    now: nowSentence(earnings),
    nextShare:
      waitSentence('Your next share', earnings.nextShare) ??
      'Your next share cannot be foreseen: nothing that your miners do was measured yet; it takes a minute or two.',
    nextPayout:
      waitSentence('Your next payout', earnings.nextPayout) ??
      'Your next payout cannot be foreseen: it takes a miner of yours and a pool that hashes.',
    blocks: blockSentence(earnings),
    blockSpell: spellSentence('The pool has found no block', earnings.blockSpell),
    shareSpell: spellSentence('Your miners have found no share', earnings.shareSpell),
    longRun: longRunSentence(earnings),
    variance: varianceSentence(earnings.longRun.income),
    spending: spendingSentence(earnings),
    basis: [
      rateSentence('The pool', earnings.poolHashrate),
      rateSentence('Your miners together', earnings.ownHashrate),
      'What is said of the future holds while rates, difficulties and fees stay as they are.'
    ].join(' ')
  }
}

function nowSentence({ now, firstLeaves, lastLeaves }: Earnings): string {
  if (now.ours.length === 0) {
    return 'If the pool found a block now you would get nothing: no share of yours is in the payout window.'
  }
  const rank = now.ours[0]?.rank ?? 0
  const payout = `If the pool found a block now you would get ${satsText(now.valueSats)}: ${percentText(now.part)} of the payout window, rank ${rank} of ${now.addresses}.`
  if (firstLeaves === null || lastLeaves === null) return payout
  const [first, last] = [inAboutText(firstLeaves.meanSec), inAboutText(lastLeaves.meanSec)]
  if (first === last) return `${payout} What you have in it leaves the window ${first}.`
  return `${payout} Your oldest share leaves the window ${first}, your newest ${last}.`
}

function waitSentence(what: string, wait: WaitSec | null): string | null {
  if (wait === null) return null
  const { meanSec, band50Sec, band90Sec } = wait
  const between = ({ low, high }: { low: number; high: number }): string =>
    `between ${durationText(low)} and ${durationText(high)}`
  return `${what} comes in ${durationText(meanSec)} on average; half of all waits last ${between(band50Sec)}, nine of ten ${between(band90Sec)}.`
}

function blockSentence({ blockChances, longRun }: Earnings): string {
  if (longRun.pace.blocksPerSec === 0) return 'The pool finds no blocks: nobody hashes.'
  const { d1, d7, d30 } = blockChances
  return `The pool finds a block every ${durationText(1 / longRun.pace.blocksPerSec)} on average: chances are ${percentText(d1.value)} within a day, ${percentText(d7.value)} within a week, ${percentText(d30.value)} within 30 days.`
}

const VERDICT_TEXT: Readonly<Record<Exclude<Verdict, 'unknown'>, string>> = {
  usual: 'That is usual',
  long: 'That is long, but chance does it',
  rare: 'That is rare bad luck',
  'very-rare': 'That is very rare: see whether everything works',
  suspicious: 'That is hardly chance any more: something is probably broken'
}

function spellSentence(what: string, { sec, since, luck }: SpellVerdict): string {
  const spell = `${what} ${since === 'find' ? 'for' : 'since this node began to watch,'} ${durationText(sec)}.`
  if (luck.verdict === 'unknown') return `${spell} Whether that is usual cannot be said yet: too little was measured.`
  if (luck.chanceOfFewer >= 0.999) return `${spell} Hardly any was to be expected.`
  return `${spell} ${VERDICT_TEXT[luck.verdict]}: the chance of a spell as long is ${chanceText(luck.chanceOfFewer)}.`
}

function longRunSentence({ longRun, satsPerDay }: Earnings): string {
  if (longRun.income.satsPerDay === 0)
    return 'In the long run this brings nothing: your miners or the pool do not hash.'
  const mean = `In the long run your hash rate brings about ${aboutSatsText(satsPerDay.value)} a day, whatever the size of the pool`
  const { interval90 } = satsPerDay
  if (interval90 === null) return `${mean}.`
  return `${mean}; as well as the rate is known, between ${aboutSatsText(interval90.low)} and ${aboutSatsText(interval90.high)}.`
}

function varianceSentence({ payoutsPerYear, satsPerPayout, unpaidPart, spread30d, spreadYear }: Income): string {
  if (satsPerPayout === null || spread30d === null || spreadYear === null) return 'There is nothing that could vary.'
  const unpaid =
    unpaidPart < 0.01
      ? 'Nearly every share is paid at least once.'
      : `${percentText(unpaidPart)} of your shares leave the window unpaid; the others make up for it.`
  return `It comes in payouts of about ${aboutSatsText(satsPerPayout)}, one every ${durationText(YEAR_SEC / payoutsPerYear)} on average. Over 30 days it ${spreadText(spread30d)}; over a year it ${spreadText(spreadYear)}. ${unpaid}`
}

/** @param spread standard deviation in units of the mean */
function spreadText(spread: number): string {
  if (spread >= 1) return 'is a lottery: mostly less than the average, now and then far more'
  return `${spread < 0.1 ? 'is steady' : 'varies'}, two times of three within ${percentText(spread)} of the average`
}

function spendingSentence({ spending }: Earnings): string {
  const [first] = spending
  if (first === undefined)
    return 'What a payout costs to spend can be said when there is one and bitcoind estimates fees.'
  const cost = `To spend that payout takes ${first.inputVbytes} vB, now ${satsText(first.costSats)}`
  return first.partOfPayout > 1
    ? `${cost}: more than it brings. Wait for fees below ${feeRateText(first.breakEvenSatPerVb)}.`
    : `${cost}, ${percentText(first.partOfPayout)} of it; at ${feeRateText(first.breakEvenSatPerVb)} nothing would be left.`
}

function rateSentence(who: string, { hps, interval90Hps, windowSec, effectiveFinds }: MeasuredHashrate): string {
  const { low, high } = interval90Hps
  if (high === null) return `${who} found nothing in ${durationText(windowSec)}, so the hash rate is not known.`
  return `${who} made ${hashrateText(hps)} over ${durationText(windowSec)}, by ${Math.round(effectiveFinds)} finds: with nine chances of ten between ${hashrateText(low)} and ${hashrateText(high)}.`
}
