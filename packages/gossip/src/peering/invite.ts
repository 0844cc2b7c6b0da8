import { ByteReader, ByteWriter, bytesToHex, CodecError, hexToBytes, invariant } from '@p2poolv2/primitives'
import { bech32m } from '@scure/base'
import type { PeerId } from '../network-port.ts'
import type { PeerAddress } from './contract.ts'
import {
  HOST_BYTES,
  ipAddress,
  type NetAddress,
  parseAddress,
  parseDialText,
  parseHostPort,
  peerIdBytes,
  peerIdFromBytes,
  printAddress
} from './net-address.ts'

/** Whom to dial, and on which share chain that is. */
export interface Invite {
  /** Its name: lower-case letters and digits but 1. */
  readonly chain: string
  /** First 8 hex digits of the share genesis hash in display order, as in protocol §18.1. */
  readonly genesisTag: string
  readonly peer: PeerId
  /** In the order in which they should be tried; at most `MAX_INVITE_ADDRESSES`. */
  readonly addresses: readonly PeerAddress[]
  /** What a newcomer needs beside, opaque here; at most `MAX_INVITE_EXTRA_BYTES`. */
  readonly extra: Uint8Array
}

/** What somebody gave to dial: an invite, or an address alone, which says nothing of the share chain. */
export type DialTarget =
  | { readonly type: 'invite'; readonly invite: Invite }
  | { readonly type: 'address'; readonly address: PeerAddress; readonly peer: PeerId | null }

export type InviteErrorCode =
  /** Neither an invite nor an address. */
  | 'not-an-invite'
  /** Characters are missing at its end. */
  | 'cut'
  /** Something follows its end. */
  | 'too-long'
  /** A character is wrong, or two were swapped. */
  | 'typo'
  /** Made by a newer version of the node. */
  | 'future-version'
  /** Another share chain. */
  | 'wrong-chain'
  /** The share chain's name is right, its beginning is not. */
  | 'wrong-genesis'
  /** Whole and well copied, and yet not an invite: its maker is at fault. */
  | 'malformed'

/** An invite that cannot be used; the message says what to do. */
export class InviteError extends Error {
  override readonly name = 'InviteError'
  readonly code: InviteErrorCode

  constructor(code: InviteErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

export const MAX_INVITE_ADDRESSES = 8
export const MAX_INVITE_EXTRA_BYTES = 2_048
/** Longer text is not looked at: the largest invite has 4,100 characters. */
const MAX_INVITE_CHARACTERS = 8_192

const VERSION = 1
const PREFIX = 'p2join'
/** Version, and length of all bytes. */
const HEAD_BYTES = 3
/** Characters of bech32 in which the head is whole. */
const HEAD_CHARACTERS = 5
const CHECKSUM_CHARACTERS = 6
/** Shorter ones have no room for a peer id: 58 bytes of it are 93 characters. */
const MIN_INVITE_CHARACTERS = 90
const TAG_BYTES = 4
const MAX_PEER_BYTES = 64
const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const SHAPE = new RegExp(`^${PREFIX}([a-z02-9]{1,16})1([a-z02-9]*)$`)
/** On the wire a kind is its place here. */
const KINDS: readonly NetAddress['kind'][] = ['ip4', 'ip6', 'onion3']
const COPY_AGAIN = 'Copy the whole line again; double-clicking it takes all of it.'

/**
 * One line of lower-case letters and digits: bech32m of `p2join<chain>` over the bytes of docs/wire.md § Invite. Upper case
 * reads the same and makes a smaller QR code.
 * @throws InvariantError for an invite that is none (a bug: a node makes it of what it knows)
 */
export function encodeInvite(invite: Invite): string {
  const peer = peerIdBytes(invite.peer)
  const addresses = invite.addresses.map(parseAddress)
  invariant(/^[a-z02-9]{1,16}$/.test(invite.chain), 'a chain has a name of letters and digits, without a 1')
  invariant(/^[0-9a-f]{8}$/.test(invite.genesisTag), 'a genesis tag is 8 lower-case hex digits')
  invariant(peer !== null, 'an invite names a peer by its key')
  invariant(addresses.length <= MAX_INVITE_ADDRESSES, 'an invite has few addresses')
  invariant(invite.extra.length <= MAX_INVITE_EXTRA_BYTES, 'what an invite carries beside is within its bound')
  const body = new ByteWriter().bytes(hexToBytes(invite.genesisTag)).varBytes(peer).compactSize(addresses.length)
  for (const address of addresses) {
    invariant(address !== null, 'an invite’s addresses are addresses')
    body.u8(KINDS.indexOf(address.kind)).bytes(address.host).u16(address.port)
  }
  const bytes = body.varBytes(invite.extra).finish()
  const whole = new ByteWriter()
    .u8(VERSION)
    .u16(HEAD_BYTES + bytes.length)
    .bytes(bytes)
    .finish()
  return bech32m.encode(`${PREFIX}${invite.chain}`, bech32m.toWords(whole), false)
}

/**
 * Reads an invite or a plain address with or without `/p2p/…`. White space anywhere, as terminals and mail put it in, is not
 * looked at.
 * @throws InviteError
 */
export function parseDialTarget(text: string): DialTarget {
  if (text.length > MAX_INVITE_CHARACTERS)
    throw new InviteError('too-long', `This is longer than any invite. ${COPY_AGAIN}`)
  const bare = text.replace(/\s+/g, '')
  const byHost = parseHostPort(bare)
  if (byHost !== null) return { type: 'address', address: byHost, peer: null }
  if (bare.toLowerCase().startsWith(PREFIX) || !/[/.:]/.test(bare))
    return { type: 'invite', invite: decodeInvite(bare) }
  const target = parseDialText(bare)
  if (target !== null) return { type: 'address', ...target }
  throw new InviteError(
    'not-an-invite',
    'This is no address of a node. Write it like 192.0.2.1:6884, [2001:db8::1]:6884 or /ip4/192.0.2.1/tcp/6884: with its port, and with the ' +
      'number of the host, since a name would have to be looked up and tell others whom you dial. /p2p/ and a peer id may follow ' +
      'the third form if it has to be that one.'
  )
}

/**
 * Reads an invite.
 * @throws InviteError
 */
export function decodeInvite(text: string): Invite {
  const { chain, bytes } = wholeBytes(text)
  const [version = 0] = bytes
  if (version !== VERSION) {
    throw version > VERSION
      ? new InviteError(
          'future-version',
          'This invite was made by a newer version of the node. Update this one and try again.'
        )
      : malformed()
  }
  try {
    return decodeBody(chain, bytes.subarray(HEAD_BYTES))
  } catch (error) {
    throw error instanceof CodecError ? malformed() : error
  }
}

/**
 * Compares an invite with this node's share chain.
 * @param own `genesisTag` null: this node has no chain yet and takes the invite's
 * @throws InviteError `wrong-chain`, `wrong-genesis`
 */
export function checkInvite(invite: Invite, own: { readonly chain: string; readonly genesisTag: string | null }): void {
  if (invite.chain !== own.chain) {
    throw new InviteError(
      'wrong-chain',
      `This invite is to the share chain ${invite.chain}, and this node runs ${own.chain}. ` +
        `Start it with --chain ${invite.chain}, or ask for an invite to ${own.chain}.`
    )
  }
  if (own.genesisTag === null || invite.genesisTag === own.genesisTag) return
  throw new InviteError(
    'wrong-genesis',
    `This invite is to a share chain ${invite.chain} that began otherwise (${invite.genesisTag}, here ${own.genesisTag}): ` +
      'the two have no share in common. Join with a data directory of its own (--data-dir), or ask for an invite made by this version of the node.'
  )
}

/** The bytes under the bech32m, whole by their own length and checksum. */
function wholeBytes(text: string): { readonly chain: string; readonly bytes: Uint8Array } {
  // Mixed case is damage: bech32 has one or the other (BIP173).
  const lower = text === text.toUpperCase() ? text.toLowerCase() : text
  const at = lower.indexOf('1')
  if (!lower.toLowerCase().startsWith(PREFIX)) {
    // What is as long as an invite was one, and whoever types begins with the damage.
    if (lower.length >= MIN_INVITE_CHARACTERS && differsByOne(lower.slice(0, PREFIX.length), PREFIX)) throw typo()
    throw new InviteError(
      'not-an-invite',
      `This is no invite: one begins with ${PREFIX} and the name of its share chain, as ‘p2poolv2 invite’ prints it. ` +
        'An address like /ip4/192.0.2.1/tcp/6884 is for ./p2poolv2 peers add, while the node runs.'
    )
  }
  // There is one 1 in an invite, unless it was pasted twice.
  const ones = lower.split('1').length - 1
  if (lower.length >= MIN_INVITE_CHARACTERS && ones !== 1 && !lower.includes(PREFIX, 1)) throw typo()
  if (at === -1) throw new InviteError('cut', `The end of the invite is missing. ${COPY_AGAIN}`)
  const decoded = bech32m.decodeUnsafe(lower as `${string}1${string}`, false)
  const shape = SHAPE.exec(lower)
  const bytes = decoded === undefined ? undefined : bech32m.fromWordsUnsafe(decoded.words)
  if (decoded === undefined || shape === null) throw damage(lower.slice(0, at + 1), lower.slice(at + 1))
  if (bytes === undefined || bytes.length < HEAD_BYTES || lengthIn(bytes) !== bytes.length) throw malformed()
  return { chain: shape[1] ?? '', bytes }
}

/** What is wrong with the characters behind the `1`, whose checksum does not fit. @param name what is before them, with the `1` */
function damage(name: string, data: string): InviteError {
  // The length itself is in the first characters: were one of them as what follows wants it, would all fit?
  const [given, rest] = [data.slice(0, HEAD_CHARACTERS), data.slice(HEAD_CHARACTERS)]
  for (const head of headsFor(Math.floor(((data.length - CHECKSUM_CHARACTERS) * 5) / 8))) {
    const isOneOff = differsByOne(head, given)
    if (isOneOff && bech32m.decodeUnsafe(`${name}${head}${rest}` as `${string}1${string}`, false) !== undefined)
      return typo()
  }
  // Five characters are 25 bits: the version, the length with its low byte first, and one bit more.
  let head = 0
  for (const character of data.slice(0, HEAD_CHARACTERS)) head = head * 32 + Math.max(0, ALPHABET.indexOf(character))
  const bytes = ((head >>> 9) & 0xff) | (((head >>> 1) & 0xff) << 8)
  const wanted = Math.ceil((bytes * 8) / 5) + CHECKSUM_CHARACTERS
  if (data.length < HEAD_CHARACTERS || data.length < wanted) {
    return new InviteError('cut', `The end of the invite is missing. ${COPY_AGAIN}`)
  }
  if (data.length > wanted) return new InviteError('too-long', `Something was added to the invite. ${COPY_AGAIN}`)
  return typo()
}

/** The first characters of an invite of so many bytes in all; the last bit in them is of what follows. */
function headsFor(bytes: number): string[] {
  const bits = (VERSION << 17) | ((bytes & 0xff) << 9) | ((bytes >>> 8) << 1)
  return [bits, bits | 1].map(some => [20, 15, 10, 5, 0].map(shift => ALPHABET[(some >>> shift) & 31] ?? '').join(''))
}

function typo(): InviteError {
  return new InviteError('typo', `A character of the invite is wrong. ${COPY_AGAIN}`)
}

function differsByOne(a: string, b: string): boolean {
  return a.length === b.length && [...a].filter((character, i) => character !== b[i]).length === 1
}

function lengthIn(bytes: Uint8Array): number {
  return (bytes[1] ?? 0) | ((bytes[2] ?? 0) << 8)
}

function malformed(): InviteError {
  return new InviteError('malformed', 'This invite was not made by a node of this project. Ask for another one.')
}

/** @throws CodecError */
function decodeBody(chain: string, bytes: Uint8Array): Invite {
  const reader = new ByteReader(bytes)
  const genesisTag = bytesToHex(reader.bytes(TAG_BYTES))
  const peer = peerIdFromBytes(reader.varBytes(MAX_PEER_BYTES))
  if (peer === null) throw new CodecError('malformed', 'not the id of a peer')
  const addresses: PeerAddress[] = []
  for (let left = reader.compactSize(MAX_INVITE_ADDRESSES); left > 0; left--) addresses.push(decodeAddress(reader))
  const extra = reader.varBytes(MAX_INVITE_EXTRA_BYTES).slice()
  reader.expectEnd()
  return { chain, genesisTag, peer, addresses, extra }
}

function decodeAddress(reader: ByteReader): PeerAddress {
  const kind = KINDS[reader.u8()]
  if (kind === undefined) throw new CodecError('malformed', 'no kind of address')
  const host = reader.bytes(HOST_BYTES[kind]).slice()
  const port = reader.u16()
  // One address has one form here as well, so that an invite has one text.
  const text = printAddress(kind === 'onion3' ? { kind, host, port } : ipAddress(host, port))
  const again = parseAddress(text)
  if (again === null || again.kind !== kind) throw new CodecError('non-minimal', 'an address in another form')
  return text
}
