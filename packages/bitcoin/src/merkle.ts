import type { Bytes32 } from '@p2poolv2/primitives'
import { invariant, sha256d64Into, sha256dFoldInto } from '@p2poolv2/primitives'

/** Nodes of a merkle branch at most; 2^16-1 transactions beside the coinbase need no more (protocol §5.6). */
export const MAX_MERKLE_BRANCH_NODES = 16

/**
 * The hashes that lead from the coinbase, the first leaf, to the root (protocol §5.6).
 * @param txidsWire the other leaves in block order, 32 bytes each; at most 65,535
 * @returns 0 to 16 hashes of 32 bytes, leaf side first, concatenated
 */
export function merkleBranchOf(txidsWire: readonly Bytes32[]): Uint8Array {
  invariant(txidsWire.length < 2 ** MAX_MERKLE_BRANCH_NODES, 'a merkle branch has at most 16 nodes')
  const level = joined(txidsWire)
  const branch = new Uint8Array(MAX_MERKLE_BRANCH_NODES * 32)
  let nodes = 0
  for (let count = txidsWire.length; count > 0; count >>>= 1) {
    branch.set(level.subarray(0, 32), nodes * 32)
    nodes += 1
    // The first node pairs with the unknown coinbase side; the others pair among themselves and move down.
    hashPairs(level, 32, count - 1)
  }
  return branch.slice(0, nodes * 32)
}

/**
 * The root of a whole tree; a last node without partner is paired with itself, as bitcoin does.
 * @param leaves 32 bytes each, wire order
 * @returns 32 bytes, wire order; 32 zero bytes for no leaves
 */
export function merkleRoot(leaves: readonly Bytes32[]): Bytes32 {
  if (leaves.length === 0) return new Uint8Array(32)
  const level = joined(leaves)
  for (let count = leaves.length; count > 1; count = (count + 1) >>> 1) hashPairs(level, 0, count)
  return level.slice(0, 32)
}

/**
 * Folds a coinbase hash up the branch, in place.
 * @param hash 32 bytes, wire order: the coinbase txid in, the merkle root out
 * @param branch hashes of 32 bytes, wire order, leaf side first, concatenated
 * Cost: one double hash of 64 bytes a node, no allocation.
 */
export function foldBranchInto(hash: Uint8Array, branch: Uint8Array): void {
  invariant(hash.length === 32 && branch.length % 32 === 0, 'a branch is a row of 32-byte hashes')
  sha256dFoldInto(hash, branch)
}

/** As `foldBranchInto`, into 32 new bytes. */
export function foldBranch(txidWire: Bytes32, branch: Uint8Array): Bytes32 {
  const hash = Uint8Array.from(txidWire)
  foldBranchInto(hash, branch)
  return hash
}

/** A copy of all leaves in a row, with room to double the last. */
function joined(hashes: readonly Bytes32[]): Uint8Array {
  const level = new Uint8Array((hashes.length + 1) * 32)
  hashes.forEach((hash, i) => {
    invariant(hash.length === 32, 'a leaf is 32 bytes')
    level.set(hash, i * 32)
  })
  return level
}

/** Hashes `count` nodes from byte `start` on in pairs and writes the parents from the beginning of `level`. */
function hashPairs(level: Uint8Array, start: number, count: number): void {
  if (count % 2 === 1) {
    const last = start + (count - 1) * 32
    level.copyWithin(last + 32, last, last + 32)
  }
  // A parent never lies beyond the first byte of its children, so it may overwrite them.
  for (let i = 0; i < count; i += 2) sha256d64Into(level, start + i * 32, level, i * 16)
}
