import { type EarningsJson, earningsSchema, type OwnSharesJson, ownSharesSchema } from '@p2poolv2/api/schema'
import { type ChainParams, consensusAddress } from '@p2poolv2/consensus'
import { type Earnings, type LongRun, type MeasuredHashrate, sentencesOf, type WindowView } from '@p2poolv2/earnings'
import { type Moment, secFromMs } from '@p2poolv2/primitives'
import { NoAnswer } from '../answering.ts'
import type { EarningsDesk } from '../reads/earnings-desk.ts'
import type { Household } from '../reads/household.ts'

/** Addresses that may be asked for at once. */
const MAX_ASKED = 16

/**
 * @param text addresses separated by commas
 * @returns null for all of this node
 * @throws NoAnswer for what is no address of this chain: to be told that it gets nothing would be taken for an answer
 */
export function askedAddresses(
  text: string | undefined,
  { addressNetwork }: Pick<ChainParams, 'addressNetwork'>
): ReadonlySet<string> | null {
  if (text === undefined) return null
  const parts = text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')
  const wrong = parts.find(part => consensusAddress(part, addressNetwork) === null)
  if (wrong !== undefined)
    throw new NoAnswer(400, `address: ${JSON.stringify(wrong)} is no bitcoin address of this node's chain`)
  return new Set(parts.slice(0, MAX_ASKED))
}

/** "Am I getting paid?" for some addresses, or for all miners of this node. */
export async function earningsJson(
  { desk, household }: { readonly desk: EarningsDesk; readonly household: Household },
  asked: { readonly address?: string | undefined; readonly hashrate?: number | undefined },
  now: Moment
): Promise<EarningsJson> {
  const addresses = askedAddresses(asked.address, desk.params)
  const look = await desk.look(addresses, asked.hashrate ?? null, now)
  const known = [...(addresses ?? household.addresses())]
  const head = { time: secFromMs(now.wallMs), addresses: known }
  if ('message' in look) return { ...head, message: look.message, earnings: null, whatIf: null }
  return earningsSchema.encode({
    ...head,
    message: null,
    earnings: earningsFields(look.earnings, look.view),
    whatIf: look.whatIf === null ? null : longRunFields(look.whatIf)
  })
}

/** Our shares in the payout window, one by one. */
export async function ownSharesJson(
  { desk, household }: { readonly desk: EarningsDesk; readonly household: Household },
  asked: { readonly address?: string | undefined },
  now: Moment
): Promise<OwnSharesJson> {
  const addresses = askedAddresses(asked.address, desk.params)
  const look = await desk.look(addresses, null, now)
  const known = [...(addresses ?? household.addresses())]
  if ('message' in look) return { message: look.message, addresses: known, window: null, shares: [] }
  const { earnings, view } = look
  return ownSharesSchema.encode({
    message: null,
    addresses: known,
    window: windowFields(earnings, view),
    shares: earnings.shares.map(({ shareHash, timeSec, ...share }) => ({ ...share, hash: shareHash, time: timeSec }))
  })
}

type Decoded = NonNullable<ReturnType<typeof earningsSchema.decode>['earnings']>

function earningsFields(earnings: Earnings, view: WindowView): Decoded {
  const { now, blockSpell, shareSpell, poolHashrate, ownHashrate } = earnings
  return {
    now: {
      sats: now.valueSats,
      minersSats: now.minersSats,
      part: now.part,
      addresses: now.addresses,
      outputs: now.ours.map(({ valueSats, outputIndex, ...output }) => ({
        ...output,
        sats: valueSats,
        output: outputIndex
      }))
    },
    window: windowFields(earnings, view),
    nextShare: earnings.nextShare,
    nextPayout: earnings.nextPayout,
    payoutChances: earnings.payoutChances,
    blockChances: earnings.blockChances,
    blockSpell: spellFields(blockSpell),
    shareSpell: spellFields(shareSpell),
    satsPerDay: earnings.satsPerDay,
    longRun: longRunFields(earnings.longRun),
    spending: [...earnings.spending],
    poolHashrate: rateFields(poolHashrate),
    ownHashrate: rateFields(ownHashrate),
    sentences: sentencesOf(earnings)
  }
}

function windowFields({ firstLeaves, lastLeaves }: Earnings, view: WindowView): Decoded['window'] {
  return {
    shares: view.ownShares,
    uncles: view.ownUncles,
    weight: view.ownWeight,
    strip: [...view.strip],
    firstLeaves,
    lastLeaves
  }
}

function spellFields({ sec, since, expected, luck }: Earnings['blockSpell']): Decoded['blockSpell'] {
  return { sec, since, expected, chance: luck.chanceOfFewer, verdict: luck.verdict }
}

/** A measured rate in the names of the API. */
export function rateFields({
  hps,
  interval90Hps,
  windowSec,
  effectiveFinds
}: MeasuredHashrate): Decoded['poolHashrate'] {
  return { hashrate: hps, interval90: interval90Hps, windowSec, effectiveFinds }
}

function longRunFields({ ownHps, pace, income, nextShare, nextPayout }: LongRun): Decoded['longRun'] {
  return {
    hashrate: ownHps,
    poolSharesPerSec: pace.poolSharesPerSec,
    sharesPerSec: pace.sharesPerSec,
    blocksPerSec: pace.blocksPerSec,
    windowSec: Number.isFinite(pace.windowSec) ? pace.windowSec : null,
    ownSharesInWindow: pace.ownSharesInWindow,
    satsPerShareAndBlock: pace.satsPerShareAndBlock,
    ...income,
    nextShare,
    nextPayout
  }
}
