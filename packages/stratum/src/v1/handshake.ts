import { bytesToHex } from '@p2poolv2/primitives'
import type { ExtranonceSpace } from '../contract.ts'
import { hintsIn, type MinerHints, positiveNumber } from '../mining/miner-hints.ts'
import { type UserName, userNameOf } from '../mining/user-name.ts'
import { asciiJson } from './messages.ts'

/** A user agent beyond this is cut: it ends up in logs and lists. */
const MAX_USER_AGENT_CHARS = 100
/** Whole user name as it is remembered; firmware has room for 80 to 128. */
const MAX_USER_CHARS = 256
/** Names beyond these in one `mining.configure` are not answered; real miners send up to four. */
const MAX_EXTENSIONS = 16

/**
 * The user agent of a `mining.subscribe`; '' when the parameters hold none. Whatever else they hold is ignored:
 * firmware sends sessions, hosts, ports, signatures and nulls there (stratum §2.2).
 */
export function userAgentOf(params: unknown): string {
  const first: unknown = Array.isArray(params) ? params[0] : null
  if (typeof first !== 'string') return ''
  return first.slice(0, MAX_USER_AGENT_CHARS).replace(/[^\x20-\x7e]/g, '?')
}

/**
 * The session that a `mining.subscribe` wants to resume, or null. What NiceHash sends in that place looks like one at times,
 * and is none that we gave.
 */
export function resumedSessionOf(params: unknown): string | null {
  const second: unknown = Array.isArray(params) ? params[1] : null
  return typeof second === 'string' && /^[0-9a-f]{16}$/.test(second) ? second : null
}

/** @param sessionId of the subscriptions */
export function subscribeResultJson(sessionId: string, { prefix, minerBytes }: ExtranonceSpace): string {
  return `[[["mining.notify","${sessionId}"],["mining.set_difficulty","${sessionId}"]],"${bytesToHex(prefix)}",${minerBytes}]`
}

/** What a `mining.configure` (BIP 310) settles; null where it says nothing. */
export interface Configured {
  readonly resultJson: string
  readonly versionMask: number | null
  readonly minimumDifficulty: number | null
}

/**
 * Answers every requested extension with one member, always. Never refuses: part of the firmware hangs without this
 * reply, and the client is the one to decide whether it can live with it (stratum §2.4).
 * @param serverMask u32: bits we let miners roll
 */
export function configure(params: unknown, serverMask: number): Configured {
  const [extensions, values] = Array.isArray(params) ? (params as unknown[]) : []
  const settingOf = (key: string): unknown =>
    typeof values === 'object' && values !== null && Object.hasOwn(values, key)
      ? (values as Record<string, unknown>)[key]
      : undefined
  let versionMask: number | null = null
  let minimumDifficulty: number | null = null
  const members: string[] = []
  for (const extension of new Set(Array.isArray(extensions) ? extensions.slice(0, MAX_EXTENSIONS) : [])) {
    if (extension === 'version-rolling') {
      versionMask = (serverMask & maskOf(settingOf('version-rolling.mask'))) >>> 0
      members.push(`"version-rolling":${versionMask !== 0}`)
      if (versionMask !== 0) members.push(`"version-rolling.mask":"${versionMask.toString(16).padStart(8, '0')}"`)
    } else if (extension === 'minimum-difficulty') {
      minimumDifficulty = positiveNumber(settingOf('minimum-difficulty.value'))
      members.push(`"minimum-difficulty":${minimumDifficulty !== null}`)
    } else if (extension === 'subscribe-extranonce' || extension === 'info') {
      members.push(`"${extension}":true`)
    } else if (typeof extension === 'string') {
      members.push(`${asciiJson(extension)}:false`)
    }
  }
  return { resultJson: `{${members.join(',')}}`, versionMask, minimumDifficulty }
}

/** Nothing legible means all bits, as BIP 310 has it for a missing mask. */
function maskOf(value: unknown): number {
  return typeof value === 'string' && /^[0-9a-f]{1,8}$/i.test(value) ? Number.parseInt(value, 16) : 0xffff_ffff
}

/** Who a miner says it is. Whether that is an address is for others to say. */
export interface Credentials extends UserName {
  /** The user name as typed, trimmed and cut: what submits will say. */
  readonly name: string
  readonly hints: MinerHints
}

/** Reads the parameters of `mining.authorize`, whatever they are (stratum §2.3). */
export function credentialsOf(params: unknown): Credentials {
  const [first, password] = Array.isArray(params) ? (params as unknown[]) : []
  const name = typeof first === 'string' ? first.trim().slice(0, MAX_USER_CHARS) : ''
  return { name, ...userNameOf(name), hints: hintsIn(password) }
}
