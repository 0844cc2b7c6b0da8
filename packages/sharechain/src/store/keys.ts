import type { BlockHash, Height, ShareHash } from '@p2poolv2/primitives'
import { invariant, shareHashFromWire, wireFromDisplay } from '@p2poolv2/primitives'

/**
 * The key layout, one line a kind. A key is its prefix byte and then its parts; heights are u32 big-endian so that
 * LevelDB's byte order is height order, hashes are 32 bytes in wire order. A prefix once used is never given a new
 * meaning: retire it here and take the next letter.
 *
 * | prefix | rest of the key        | value                                                        | read on start |
 * | ------ | ---------------------- | ------------------------------------------------------------ | ------------- |
 * | `m`    |                        | identity of the store, JSON                                  | yes           |
 * | `s`    |                        | state: sequence, tips, count of uncles; sealed               | yes           |
 * | `i`    | height, share hash     | index row of a share inside the prune depth; sealed          | yes           |
 * | `h`    | share hash             | height, header and merkle branch; archived ones for ever     | no            |
 * | `b`    | share hash             | the whole encoded share, inside the prune depth              | no            |
 * | `c`    | height                 | archive: the chain's share and its uncles, below the rows    | no            |
 * | `g`    | bitcoin height, block  | a bitcoin block this pool found; sealed                      | no            |
 * | `j`    | place in a ring        | number of a delta that was written; without a place the first| yes           |
 */
export const KEY_PREFIX = {
  identity: 0x6d,
  state: 0x73,
  index: 0x69,
  header: 0x68,
  body: 0x62,
  confirmed: 0x63,
  block: 0x67,
  journal: 0x6a
} as const

/** Of older layouts. They are read on the way to this one only. */
export const RETIRED_PREFIX = {
  /** Found blocks up to layout 3, as `g` but not sealed. */
  plainBlock: 0x66
} as const

export type KeyKind = keyof typeof KEY_PREFIX

const MAX_HEIGHT = 0xffff_ffff

export function identityKey(): Uint8Array {
  return Uint8Array.of(KEY_PREFIX.identity)
}

export function stateKey(): Uint8Array {
  return Uint8Array.of(KEY_PREFIX.state)
}

export function indexKey(height: Height, hash: ShareHash): Uint8Array {
  return heightAndHash(KEY_PREFIX.index, height, hash)
}

export function headerKey(hash: ShareHash): Uint8Array {
  return hashOnly(KEY_PREFIX.header, hash)
}

export function bodyKey(hash: ShareHash): Uint8Array {
  return hashOnly(KEY_PREFIX.body, hash)
}

export function confirmedKey(height: Height): Uint8Array {
  const key = new Uint8Array(5)
  key[0] = KEY_PREFIX.confirmed
  setHeight(key, height)
  return key
}

export function blockKey(bitcoinHeight: number, hash: BlockHash): Uint8Array {
  return heightAndHash(KEY_PREFIX.block, bitcoinHeight, hash)
}

/** Of the delta that has this place in the ring of the newest. */
export function journalKey(place: number): Uint8Array {
  const key = new Uint8Array(5)
  key[0] = KEY_PREFIX.journal
  setHeight(key, place)
  return key
}

/** Of the first delta that has a place in the ring. */
export function journalStartKey(): Uint8Array {
  return Uint8Array.of(KEY_PREFIX.journal)
}

/** The first key of a kind and the first key after all of it. */
export function keyRange(kind: KeyKind): { readonly from: Uint8Array; readonly to: Uint8Array } {
  return { from: Uint8Array.of(KEY_PREFIX[kind]), to: Uint8Array.of(KEY_PREFIX[kind] + 1) }
}

/** Height of a confirmed key. */
export function heightOfConfirmedKey(key: Uint8Array): Height {
  return new DataView(key.buffer, key.byteOffset, key.byteLength).getUint32(1)
}

/** Height and hash of an index key, or null if the bytes are not one. */
export function parseIndexKey(key: Uint8Array): { readonly height: Height; readonly hash: ShareHash } | null {
  if (key.length !== 37 || key[0] !== KEY_PREFIX.index) return null
  const height = new DataView(key.buffer, key.byteOffset, key.byteLength).getUint32(1)
  return { height, hash: shareHashFromWire(key.subarray(5)) }
}

function hashOnly(prefix: number, hash: string): Uint8Array {
  const key = new Uint8Array(33)
  key[0] = prefix
  key.set(wireFromDisplay(hash), 1)
  return key
}

function heightAndHash(prefix: number, height: number, hash: string): Uint8Array {
  const key = new Uint8Array(37)
  key[0] = prefix
  setHeight(key, height)
  key.set(wireFromDisplay(hash), 5)
  return key
}

function setHeight(key: Uint8Array, height: number): void {
  invariant(Number.isInteger(height) && height >= 0 && height <= MAX_HEIGHT, 'a height fits 32 bits')
  new DataView(key.buffer).setUint32(1, height)
}
