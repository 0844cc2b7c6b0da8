import {
  crowdHeights,
  datedFarAhead,
  equivocate,
  flood,
  neverRead,
  payMyself,
  readSlowly,
  sendGarbage
} from './deeds.ts'
import type { Mischief } from './mischief.ts'
import { invalidBodies, lieAboutHeaders, neverAnswer, pingsOnly, withholdBodies } from './tampering.ts'

/** Every hostile behaviour there is, each by its name. A small network of all of them has the first few. */
export const MISCHIEFS = {
  'never-answer': neverAnswer,
  'withhold-bodies': withholdBodies,
  'invalid-bodies': invalidBodies,
  'lie-about-headers': lieAboutHeaders,
  garbage: sendGarbage,
  flood,
  equivocate,
  'crowd-heights': crowdHeights,
  'wild-share': datedFarAhead,
  'pay-myself': payMyself,
  'never-read': neverRead,
  'pings-only': pingsOnly,
  'read-slowly': readSlowly
} as const satisfies Readonly<Record<string, Mischief>>
