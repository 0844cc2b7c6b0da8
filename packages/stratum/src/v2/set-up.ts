import { type Fields, frameOf } from '@p2poolv2/stratum/sv2'

/** The one there is. */
const PROTOCOL_VERSION = 2
const MINING = 0
/** Flags of a client's set-up. */
const REQUIRES_STANDARD_JOBS = 1 << 0
const REQUIRES_VERSION_ROLLING = 1 << 2
const MAX_USER_AGENT_CHARS = 100

/** The answer to a set-up. `ok` is false where the connection is to be closed after it. Source: sv2 §3.1. */
export function setUpAnswer(setUp: Fields<'SetupConnection'>): { readonly ok: boolean; readonly frame: Uint8Array } {
  const { protocol, minVersion, maxVersion } = setUp
  if (protocol !== MINING) return refused(0, 'unsupported-protocol')
  if (minVersion > PROTOCOL_VERSION || maxVersion < PROTOCOL_VERSION) return refused(0, 'protocol-version-mismatch')
  const unsupported = (setUp.flags & ~(REQUIRES_STANDARD_JOBS | REQUIRES_VERSION_ROLLING)) >>> 0
  if (unsupported !== 0) return refused(unsupported, 'unsupported-feature-flags')
  return { ok: true, frame: frameOf('SetupConnectionSuccess', { usedVersion: PROTOCOL_VERSION, flags: 0 }) }
}

function refused(flags: number, errorCode: string): { readonly ok: false; readonly frame: Uint8Array } {
  return { ok: false, frame: frameOf('SetupConnectionError', { flags, errorCode }) }
}

/** The client can do with standard jobs only. */
export function requiresStandardJobs({ flags }: Fields<'SetupConnection'>): boolean {
  return (flags & REQUIRES_STANDARD_JOBS) !== 0
}

/** What the client calls itself, in the form of V1's user agents; '' when it has no name. Printable ASCII. */
export function userAgentOf({ vendor, hardwareVersion, firmware }: Fields<'SetupConnection'>): string {
  const named = [vendor, hardwareVersion, firmware].filter(part => part !== '').join('/')
  return named.slice(0, MAX_USER_AGENT_CHARS).replace(/[^\x20-\x7e]/g, '?')
}

/** Every channel is a group of its own: what is said to a group is one commitment, so one payee. Source: sv2 §5.4. */
export function groupIdOf(channelId: number): number {
  return (0x8000_0000 | channelId) >>> 0
}
