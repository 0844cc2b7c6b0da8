/** Proof that a header's commitment sits in the bitcoin coinbase below its proof of work. Source: protocol §6. */
import { COINBASE_TAIL_BYTES, foldBranch } from '@p2poolv2/bitcoin'
import {
  ByteWriter,
  bytesEqual,
  bytesToHexReversed,
  invariant,
  sha256,
  sha256FromMidstate,
  sha256Midstate
} from '@p2poolv2/primitives'
import { MAX_BRANCH_NODES } from '../encoding/share-codec.ts'
import { type Checked, type CoinbaseProof, PASSED, refused, type ShareHeader } from '../share.ts'
import { commitmentOfHeader } from './commitment.ts'

const HASH_BLOCK_BYTES = 64
/** Lock times from here on are times, not heights (BIP65); the coinbase's is the bitcoin height minus one. */
const LOCKTIME_THRESHOLD = 500_000_000n
/** Length of the commitment output's script, OP_RETURN, and a push of 32 bytes. */
const COMMITMENT_SCRIPT_LENGTH = 0x22
const OP_RETURN = 0x6a
const PUSH_32 = 0x20

/**
 * The proof of one submission: the hash state after the coinbase's prefix, which contains the extranonce.
 * @param strippedCoinbase the whole coinbase without witness; its last 47 bytes follow the prefix
 * @param shareWitnessRoot 32 bytes, digest order
 */
export function buildCoinbaseProof(
  strippedCoinbase: Uint8Array,
  prefixLengthBytes: number,
  shareWitnessRoot: Uint8Array
): CoinbaseProof {
  invariant(
    prefixLengthBytes > 0 && prefixLengthBytes % HASH_BLOCK_BYTES === 0,
    'the coinbase prefix is whole hash blocks'
  )
  invariant(
    strippedCoinbase.length === prefixLengthBytes + COINBASE_TAIL_BYTES,
    'the coinbase is its prefix and a tail of 47 bytes'
  )
  return {
    midstate: sha256Midstate(strippedCoinbase.subarray(0, prefixLengthBytes)),
    prefixLengthBytes,
    shareWitnessRoot
  }
}

/** The coinbase txid a header implies (32 bytes, wire order), or why it implies none. */
export type ProvenTxid = { readonly ok: true; readonly txidWire: Uint8Array } | Exclude<Checked, { ok: true }>

/** What a header proves, and the root that followed from it with the branch it was asked about last. */
interface Proof {
  readonly proven: ProvenTxid
  branch: Uint8Array | null
  rootWire: Uint8Array | null
}

/** A header never changes, nor does a branch; header, body and storage each ask what they prove. */
const PROOFS = new WeakMap<ShareHeader, Proof>()

/** Steps 2 to 7 of protocol §6.1: one compression and one short hash. */
export function coinbaseTxidFromProof(header: ShareHeader): ProvenTxid {
  return proofOf(header).proven
}

function proofOf(header: ShareHeader): Proof {
  let proof = PROOFS.get(header)
  if (proof === undefined) {
    proof = { proven: provenBy(header), branch: null, rootWire: null }
    PROOFS.set(header, proof)
  }
  return proof
}

function provenBy(header: ShareHeader): ProvenTxid {
  const { midstate, prefixLengthBytes } = header.coinbaseProof
  if (prefixLengthBytes === 0 || prefixLengthBytes % HASH_BLOCK_BYTES !== 0) {
    return refusedProof('proof-prefix-length', { prefixLengthBytes })
  }
  const { bitcoinHeight } = header
  if (bitcoinHeight < 1n || bitcoinHeight - 1n >= LOCKTIME_THRESHOLD) {
    return refusedProof('proof-bitcoin-height', { bitcoinHeight })
  }
  const txidWire = new ByteWriter(COINBASE_TAIL_BYTES)
    .u64(0n)
    .u8(COMMITMENT_SCRIPT_LENGTH)
    .u8(OP_RETURN)
    .u8(PUSH_32)
    .bytes(commitmentOfHeader(header))
    .u32(Number(bitcoinHeight - 1n))
    .lend(tail => sha256(sha256FromMidstate(midstate, prefixLengthBytes, tail)))
  return { ok: true, txidWire }
}

function refusedProof(...[code, facts]: Parameters<typeof refused>): Exclude<Checked, { ok: true }> {
  return { ok: false, code, facts: facts ?? {} }
}

/** The bitcoin merkle root a header and branch imply (32 bytes, wire order); null if they imply none. */
export function merkleRootFromProof(header: ShareHeader, merkleBranch: Uint8Array): Uint8Array | null {
  if (!isBranch(merkleBranch)) return null
  const proof = proofOf(header)
  if (!proof.proven.ok) return null
  if (proof.branch !== merkleBranch || proof.rootWire === null) {
    proof.rootWire = foldBranch(proof.proven.txidWire, merkleBranch)
    proof.branch = merkleBranch
  }
  return proof.rootWire
}

/**
 * All of protocol §6.1. There is no exemption by height or age; an all-zero proof never verifies.
 * @param merkleBranch n × 32 bytes, leaf side first
 */
export function verifyCoinbaseProof(header: ShareHeader, merkleBranch: Uint8Array): Checked {
  if (!isBranch(merkleBranch)) return refused('proof-branch-length', { branchBytes: merkleBranch.length })
  const proven = coinbaseTxidFromProof(header)
  if (!proven.ok) return proven
  const rootWire = merkleRootFromProof(header, merkleBranch)
  if (rootWire === null || !bytesEqual(rootWire, header.bitcoinHeader.merkleRootWire)) {
    return refused('proof-merkle-root', { coinbaseTxid: bytesToHexReversed(proven.txidWire) })
  }
  return PASSED
}

function isBranch(merkleBranch: Uint8Array): boolean {
  return merkleBranch.length % 32 === 0 && merkleBranch.length <= MAX_BRANCH_NODES * 32
}
