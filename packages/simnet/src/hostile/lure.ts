import { encodeMessage } from '@p2poolv2/gossip'
import type { NodeEffect } from '@p2poolv2/node'
import { sendGarbage } from './deeds.ts'
import type { Mischief } from './mischief.ts'
import { lieAboutHeaders, neverAnswer, withholdBodies } from './tampering.ts'

/** Answers every question for headers with nothing, as if it had no more. */
const claimTheEnd: Mischief = evil => {
  const empty = encodeMessage({ type: 'shareHeaders', items: [] })
  // The first byte of a message is its type; an answer of headers begins like the empty one.
  evil.node.tamper = (effect: NodeEffect) =>
    effect.type === 'respond' && effect.payload?.[0] === empty[0] ? [{ ...effect, payload: empty }] : [effect]
}

/** Shows its chain, headers and bodies, as honest nodes do: for those whose chain is the lie. */
const showAll: Mischief = () => undefined

/** A liar, by what it has on its disk: the network's own chain or one that is lighter. */
export interface Lure {
  readonly chain: 'light' | 'heavy'
  readonly mischief: Mischief
}

/** Chains that are the lie, with and without bodies. */
export const LIGHT_LURES: readonly Lure[] = [
  { chain: 'light', mischief: withholdBodies },
  { chain: 'light', mischief: showAll },
  { chain: 'light', mischief: sendGarbage }
]

/** What a newcomer meets when all but one of its peers lie, each in turn. */
export const LURES: readonly Lure[] = [
  ...LIGHT_LURES,
  { chain: 'heavy', mischief: neverAnswer },
  { chain: 'heavy', mischief: lieAboutHeaders },
  { chain: 'heavy', mischief: claimTheEnd },
  { chain: 'heavy', mischief: withholdBodies }
]
