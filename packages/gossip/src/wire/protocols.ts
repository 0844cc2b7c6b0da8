import { type ChainParams, genesisShare, MAX_ENCODED_SHARE_BYTES } from '@p2poolv2/consensus'
import { asciiToBytes, bytesToHex, concatBytes, sha256 } from '@p2poolv2/primitives'
import type { Protocol, Topic } from '../network-port.ts'

/** Largest payload of one frame (protocol §18.3). */
export const MAX_PAYLOAD_BYTES = 1_048_576
/** u32 length and 4 bytes of checksum before every payload. */
export const FRAME_HEAD_BYTES = 8
/** Largest template announcement; today's have 83 to 85 bytes. */
export const MAX_ANNOUNCEMENT_BYTES = 256
/** Largest message of each topic; a network drops larger ones unread. */
export const MAX_TOPIC_BYTES: Readonly<Record<Topic, number>> = {
  shares: MAX_ENCODED_SHARE_BYTES,
  templates: MAX_ANNOUNCEMENT_BYTES
}

/** Names by which nodes of one share chain find each other. Made from its genesis, so that others cannot shake hands. */
export interface NetworkNames {
  /** Of requests. `shares` is P of protocol §18.1: also the protocol version told in identify, and Noise's prologue in ASCII. */
  readonly protocols: Readonly<Record<Protocol, string>>
  readonly kademlia: string
  /** Of our own, served by the network itself: asks a peer to dial us back (docs/wire.md). */
  readonly dialback: string
  readonly topics: Readonly<Record<Topic, string>>
}

export function networkNames(params: ChainParams): NetworkNames {
  const tag = genesisShare(params).hash.slice(0, 8)
  const base = `/p2pool/${params.chain}/${tag}`
  return {
    protocols: { shares: `${base}/1.0.0`, templates: `${base}/templates/1.0.0`, rules: `${base}/rules/1.0.0` },
    kademlia: `${base}/kad/1.0.0`,
    dialback: `${base}/dialback/1.0.0`,
    topics: { shares: `${base}/topic/shares/1.0.0`, templates: `${base}/topic/templates/1.0.0` }
  }
}

/**
 * Names a topic message by its content, so that the same data is the same message whoever publishes it: 40 hex digits, the first
 * 20 bytes of SHA256(topic as ASCII | data).
 */
export function messageId(topic: Topic, data: Uint8Array): string {
  return bytesToHex(sha256(concatBytes(asciiToBytes(topic), data)).subarray(0, 20))
}
