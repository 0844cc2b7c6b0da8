import { hashMeetsTarget, type Target, targetFromDifficulty } from '@p2poolv2/primitives'
import { type Fields, frameOf } from '@p2poolv2/stratum/sv2'
import type { ExtranonceSpace, OperatorHints } from '../contract.ts'
import { wholeExtranonce } from './job-frames.ts'
import type { ChannelError } from './refusals.ts'
import { groupIdOf, requiresStandardJobs } from './set-up.ts'
import { type UserIdentity, userIdentityOf } from './user-identity.ts'

/** Bitaxes announce the same hash rate whatever they have. */
const SAYS_NOTHING_OF_ITS_RATE = /^bitaxe/i

/** 'standard': the client gets a merkle root; 'extended': the halves of a coinbase and eight bytes to vary. */
export type ChannelKind = 'standard' | 'extended'

/** What a client asked for when it opened its channel. */
export interface Opening {
  readonly kind: ChannelKind
  readonly requestId: number
  /** As sent, one character a byte. */
  readonly userIdentity: string
  readonly user: UserIdentity
  /** The easiest target that the client wants. */
  readonly maxTarget: Target
  readonly nominalHashrateHps: number
  readonly minExtranonceBytes: number
}

export function openingOf(
  kind: ChannelKind,
  fields: Fields<'OpenStandardMiningChannel'> & { readonly minExtranonceBytes?: number }
): Opening {
  const { userIdentity, minExtranonceBytes = 0 } = fields
  return { ...fields, kind, minExtranonceBytes, user: userIdentityOf(userIdentity) }
}

/** Why a channel cannot be opened, whoever wants it; null when it can. Source: sv2 §3.3. */
export function openingError(
  opening: Opening,
  { setUp, minerBytes }: { readonly setUp: Fields<'SetupConnection'>; readonly minerBytes: number }
): ChannelError | null {
  const { kind, nominalHashrateHps, maxTarget, minExtranonceBytes } = opening
  const error = wishError(nominalHashrateHps, maxTarget)
  if (error !== null) return error
  if (kind === 'extended' && requiresStandardJobs(setUp)) return 'extended-channels-not-supported-for-standard-jobs'
  return minExtranonceBytes > minerBytes ? 'min-extranonce-size-too-large' : null
}

/** What is wrong with a hash rate and a target as a client announces them. */
export function wishError(hashrateHps: number, maxTarget: Target): ChannelError | null {
  if (!(hashrateHps >= 0 && Number.isFinite(hashrateHps))) return 'invalid-nominal-hashrate'
  return maxTarget.every(byte => byte === 0) ? 'max-target-out-of-range' : null
}

/** The hash rate that was announced is a hint like the one that V1's miners give as `th=`. Source: sv2 §4.4. */
export function operatorHintsOf({ user, nominalHashrateHps }: Opening, userAgent: string): OperatorHints {
  const { difficulty, minimumDifficulty, terahashes } = user.hints
  const isKnown = nominalHashrateHps > 0 && !SAYS_NOTHING_OF_ITS_RATE.test(userAgent)
  return {
    difficulty,
    minimumDifficulty,
    terahashes: terahashes ?? (isKnown ? nominalHashrateHps / 1e12 : null)
  }
}

/** Never easier than the client asked for. */
export function targetFor({ maxTarget }: Opening, difficulty: number): Target {
  const target = targetFromDifficulty(difficulty)
  return hashMeetsTarget(maxTarget, target) ? maxTarget : target
}

export function openedFrame(
  { kind, requestId }: Opening,
  channelId: number,
  { target, extranonce }: { readonly target: Target; readonly extranonce: ExtranonceSpace }
): Uint8Array {
  const fields = { requestId, channelId, target, groupChannelId: groupIdOf(channelId) }
  if (kind === 'standard') {
    return frameOf('OpenStandardMiningChannelSuccess', { ...fields, extranoncePrefix: wholeExtranonce(extranonce) })
  }
  const { prefix, minerBytes } = extranonce
  return frameOf('OpenExtendedMiningChannelSuccess', {
    ...fields,
    extranonceBytes: minerBytes,
    extranoncePrefix: prefix
  })
}
