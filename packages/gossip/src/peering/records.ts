import { type Moment, type Rng, unixMs } from '@p2poolv2/primitives'
import { MAX_BAN_MS } from './bans.ts'
import type { AddressSource, PeerRecord } from './contract.ts'
import { canonicalAddress, peerIdBytes } from './net-address.ts'
import { Peering, type PeeringOptions } from './peering.ts'

const SOURCES: ReadonlySet<unknown> = new Set<AddressSource>([
  'config',
  'invite',
  'command',
  'mdns',
  'kademlia',
  'identify'
])

/**
 * A machine that begins with what was kept.
 * @param records as they were read, in any form: one that is none, or for which there is no room, is left out and counted
 */
export function loadPeering(
  records: Iterable<unknown>,
  options: PeeringOptions,
  deps: { readonly rng: Rng; readonly now: Moment }
): { readonly peering: Peering; readonly skipped: number } {
  const peering = new Peering(options, deps)
  let skipped = 0
  for (const one of records) {
    const record = parseRecord(one)
    if (record === null || !peering.load(record, deps.now)) skipped++
  }
  return { peering, skipped }
}

/** A record of what was read; null if it is none. */
export function parseRecord(value: unknown): PeerRecord | null {
  if (typeof value !== 'object' || value === null) return null
  const fields = new Map<string, unknown>(Object.entries(value))
  const key = fields.get('key')
  if (typeof key !== 'string') return null
  if (fields.get('type') === 'address') return parseAddressRecord(key, fields)
  return fields.get('type') === 'ban' ? parseBanRecord(key, fields) : null
}

function parseAddressRecord(key: string, fields: ReadonlyMap<string, unknown>): PeerRecord | null {
  const peer = fields.get('peer')
  const source = fields.get('source')
  const lastGoodMs = fields.get('lastGoodMs')
  const goodForMs = fields.get('goodForMs')
  if (canonicalAddress(key) !== key || !SOURCES.has(source)) return null
  if (peer !== null && (typeof peer !== 'string' || peerIdBytes(peer) === null)) return null
  if ((lastGoodMs !== null && !isTime(lastGoodMs)) || !isTime(goodForMs)) return null
  return {
    type: 'address',
    key,
    peer,
    source: source as AddressSource,
    lastGoodMs: lastGoodMs === null ? null : unixMs(lastGoodMs),
    goodForMs
  }
}

function parseBanRecord(key: string, fields: ReadonlyMap<string, unknown>): PeerRecord | null {
  const reason = fields.get('reason')
  const untilMs = fields.get('untilMs')
  const banMs = fields.get('banMs')
  if (typeof reason !== 'string' || !isTime(untilMs) || !isTime(banMs) || banMs > MAX_BAN_MS) return null
  if (!/^(peer|ip):.{1,120}$/.test(key)) return null
  // Records of before causes were kept have none.
  const cause = fields.get('cause') === 'breach' ? 'breach' : 'operator'
  return { type: 'ban', key, reason, cause, untilMs: unixMs(untilMs), banMs }
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
