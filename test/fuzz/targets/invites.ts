import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { parseRecord } from '@p2poolv2/gossip'
import {
  type DialTarget,
  encodeInvite,
  InviteError,
  parseDialTarget
} from '../../../packages/gossip/src/peering/invite.ts'
import {
  canonicalAddress,
  parseDialText,
  parseHostPort,
  parseIp,
  peerIdBytes,
  peerIdFromBytes
} from '../../../packages/gossip/src/peering/net-address.ts'
import { asBytes } from '../engine/change.ts'
import { hold, type Target } from '../engine/target.ts'
import { withChecksum } from './bech32.ts'
import { holdSettled, jsonIn, latin1 } from './same.ts'

const VECTORS = JSON.parse(
  readFileSync(new URL('../../../packages/gossip/src/peering/vectors/invites.json', import.meta.url), 'utf8')
) as Readonly<Record<'valid' | 'invalid', readonly { readonly text: string }[]>>
const PEER = '12D3KooWGRUVh8t4dXqZ8QJX7bXSCyGmNzuUq1vgBbUe3nSh1wJ8'
const ADDRESSES = [
  '/ip4/192.0.2.1/tcp/6884',
  '/ip6/2001:db8::1/tcp/6884',
  '/ip6/::ffff:1.2.3.4/tcp/1',
  `/onion3/${'a'.repeat(55)}d:80`,
  '192.0.2.1:6884',
  '[2001:db8::1]:6884',
  '192.0.2.1',
  `/ip4/192.0.2.1/tcp/6884/p2p/${PEER}`
]

const invite: Target<DialTarget> = {
  name: 'invite',
  door: 'owner',
  maxBytes: 1_024,
  seeds: () => [...VECTORS.valid, ...VECTORS.invalid].map(({ text }) => asBytes(text)),
  isRefusal: error => error instanceof InviteError,
  decode: bytes => parseDialTarget(latin1(bytes)),
  laws(read, bytes) {
    if (read.type === 'address') hold(canonicalAddress(read.address) === read.address, 'is no address in its one form')
    else hold(encodeInvite(read.invite) === textOf(bytes), 'is written otherwise')
  },
  mend: bytes => withChecksum(bytes, 'bech32m')
}

function textOf(bytes: Uint8Array): string {
  return latin1(bytes).replace(/\s+/g, '').toLowerCase()
}

const address: Target<readonly (string | null)[]> = {
  name: 'net-address',
  door: 'peers',
  maxBytes: 300,
  seeds: () => ADDRESSES.map(asBytes),
  decode(bytes) {
    const text = latin1(bytes)
    return [canonicalAddress(text), parseHostPort(text), parseDialText(text)?.address ?? null]
  },
  laws(read, bytes) {
    for (const one of read) hold(one === null || canonicalAddress(one) === one, 'has two forms')
    const text = latin1(bytes)
    const ip = parseIp(text)
    // A zone, and an IPv4 tail with more before it, are only Node's.
    if (ip !== null) hold(isIP(text) !== 0, 'is an address here and nowhere else')
    const peer = peerIdBytes(text)
    hold(peer === null || peerIdFromBytes(peer) === text, 'is the id of a peer in two forms')
  }
}

const GOOD: readonly unknown[] = [
  { type: 'address', key: ADDRESSES[0], peer: PEER, source: 'invite', lastGoodMs: 1_700_000_000_000, goodForMs: 5 },
  { type: 'address', key: ADDRESSES[1], peer: null, source: 'identify', lastGoodMs: null, goodForMs: 0 },
  {
    type: 'ban',
    key: `peer:${PEER}`,
    reason: 'share-work',
    cause: 'breach',
    untilMs: 1_800_000_000_000,
    banMs: 60_000
  },
  { type: 'ban', key: 'ip:192.0.2.1', reason: 'by hand', untilMs: 1_800_000_000_000, banMs: 60_000 }
]
/** A row of the file of peers. */
const record: Target<ReturnType<typeof parseRecord>> = {
  name: 'peer-record',
  door: 'disk',
  maxBytes: 2_048,
  seeds: () => GOOD.map(one => asBytes(JSON.stringify(one))),
  decode: bytes => parseRecord(jsonIn(bytes)),
  laws(read) {
    if (read === null) return
    holdSettled(read, parseRecord(JSON.parse(JSON.stringify(read))))
  }
}

export const TARGETS: readonly Target[] = [invite, address, record] as Target[]
