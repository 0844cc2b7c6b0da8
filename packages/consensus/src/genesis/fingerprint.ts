/** Two short names for "the same rules": what nodes show, compare and keep beside their store. */
import { bytesToHex, sha256, utf8FromString } from '@p2poolv2/primitives'
import type { ChainParams } from '../params.ts'
import { genesisShare } from './genesis.ts'

/**
 * SHA-256, in hex, over one line `name=value` per consensus value in alphabetical order and the genesis hash.
 * Two nodes whose fingerprints differ cannot agree on every share. The genesis' bitcoin coinbase is left out: no rule
 * reads it, and a node that knows it agrees with one that does not. So is the minimum work, which is what a node asks of its peers.
 */
export function consensusFingerprint(params: ChainParams): string {
  return bytesToHex(sha256(utf8FromString(fingerprintText(params))))
}

/** The text under `consensusFingerprint`, for an operator who wants to see which value differs. */
export function fingerprintText(params: ChainParams): string {
  const { genesisBitcoinCoinbase: _, minimumChainWork: __, ...values } = params
  const lines = Object.entries({ ...values, genesisHash: genesisShare(params).hash })
    .map(([name, value]) => `${name}=${value instanceof Uint8Array ? bytesToHex(value) : value}`)
    .sort()
  return `${lines.join('\n')}\n`
}

/** First 8 hex digits of the genesis share hash in display order; part of every protocol name (protocol §18.1). */
export function protocolTag(params: ChainParams): string {
  return genesisShare(params).hash.slice(0, 8)
}
