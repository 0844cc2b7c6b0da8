import type { EarningsJson, StatusJson } from '@p2poolv2/api/schema'
import { durationText, inAboutText, percentText, satsText } from '@p2poolv2/earnings/words'
import { countText } from './figures.ts'

/** The answer to "am I getting paid?", in words for whoever owns the miners. */
export interface Verdict {
  readonly tone: 'good' | 'plain' | 'warn' | 'bad'
  /** One sentence. */
  readonly answer: string
  /** How sure that is, and what it rests on. */
  readonly details: readonly string[]
}

/** @param earnings null until the node has told */
export function verdictOf(status: StatusJson, earnings: EarningsJson | null): Verdict | null {
  if (earnings === null) return null
  const told = earnings.earnings
  if (told === null) {
    const message = earnings.message ?? ''
    // Without a share chain the message is the answer.
    const answer = status.mode === 'sharechain' ? `Not yet. ${message}`.trim() : message
    return { tone: 'plain', answer, details: [] }
  }
  const { now, nextShare, window, sentences, shareSpell } = told
  const isMining = status.miners.length > 0
  const count = window.shares + window.uncles
  const trouble = troubleOf(status)

  if (now.part === 0) {
    if (!isMining) {
      return {
        tone: 'plain',
        answer: 'Not yet: no miner of yours is connected, and none of your shares is in the payout window.',
        details: ['Point a miner at this node; the Miners page says how.', ...trouble]
      }
    }
    const wait = nextShare === null ? '' : `; the first comes in ${durationText(nextShare.meanSec)} on average`
    return {
      tone: trouble.length > 0 ? 'warn' : toneOf(shareSpell.verdict, 'plain'),
      answer: `Not yet: none of your shares is in the payout window${wait}.`,
      details: [sentences.nextShare, sentences.shareSpell, ...trouble]
    }
  }
  const shares = `${count === 1 ? 'Your share is' : `Your ${countText(count)} shares are`} ${percentText(now.part)} of the payout window`
  return {
    tone: trouble.length > 0 || !isMining ? 'warn' : toneOf(shareSpell.verdict, 'good'),
    answer: `Yes: the next block the pool finds pays you ${satsText(now.sats)}. ${shares}.`,
    details: [
      sentences.nextPayout,
      ...(isMining ? suspicious(shareSpell.verdict, sentences.shareSpell) : [goneSentence(told)]),
      ...trouble
    ]
  }
}

type EarningsTold = NonNullable<EarningsJson['earnings']>
type SpellVerdict = EarningsTold['shareSpell']['verdict']

function goneSentence({ window }: EarningsTold): string {
  const left =
    window.lastLeaves === null ? '' : `; the last share leaves the window ${inAboutText(window.lastLeaves.meanSec)}`
  return `No miner of yours is connected now, so nothing is added to that${left}.`
}

function toneOf(verdict: SpellVerdict, usual: Verdict['tone']): Verdict['tone'] {
  return verdict === 'suspicious' ? 'warn' : usual
}

/** A dry spell that chance makes is nobody's business; one that it hardly makes is. */
function suspicious(verdict: SpellVerdict, sentence: string): readonly string[] {
  return toneOf(verdict, 'plain') === 'warn' ? [sentence] : []
}

/** What keeps miners from earning now, in the words of the node. */
function troubleOf({ bitcoind }: StatusJson): readonly string[] {
  if (bitcoind.state === 'ready') return bitcoind.message === null ? [] : [sentence(bitcoind.message)]
  return [
    sentence(
      `your bitcoin node gives no work (${bitcoind.state})${bitcoind.message === null ? '' : `: ${bitcoind.message}`}`
    )
  ]
}

function sentence(text: string): string {
  const full = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(full) ? full : `${full}.`
}
