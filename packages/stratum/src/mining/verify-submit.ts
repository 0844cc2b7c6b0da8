import {
  BITCOIN_HEADER_BYTES,
  coinbaseInto,
  EXTRANONCE_BYTES,
  foldBranchInto,
  headerInto,
  type Solution
} from '@p2poolv2/bitcoin'
import { difficultyOfHash, hashMeetsTarget, type Sha256d, sha256d, sha256d80Into } from '@p2poolv2/primitives'
import type { KnownJob } from './job-registry.ts'
import { headerVersion, type Submit } from './submit.ts'

/** What is the connection's own in a header. */
export interface SubmitContext {
  /** The node's part of the extranonce; with the miner's `EXTRANONCE_BYTES`. */
  readonly extranoncePrefix: Uint8Array
  /** u32: version bits the miner may roll */
  readonly versionMask: number
  /** For coinbases from `LONG_COINBASE_BYTES` on. */
  readonly sha256d?: Sha256d | undefined
}

/** What a submit hashes to. */
export interface VerifiedSubmit {
  /** Present if the hash meets the share target, the bitcoin target or both. */
  readonly solution: Solution | null
  /** Meets the target of the difficulty that its job was sent with. */
  readonly meetsSession: boolean
  /** The difficulty that the hash reaches. */
  readonly hashDifficulty: number
  /** Same for the same header, else different: 16 bytes of the hash in a string. */
  readonly key: string
}

/** From here on an injected hash, with its cost per call, is the faster one. */
const LONG_COINBASE_BYTES = 1024

// Shared by all calls of this module; nothing in them is handed out or needed by the next call.
let scratchCoinbase = new Uint8Array(4096)
const scratchExtranonce = new Uint8Array(EXTRANONCE_BYTES)
const scratchRoot = new Uint8Array(32)
const scratchHeader = new Uint8Array(BITCOIN_HEADER_BYTES)
const scratchHash = new Uint8Array(32)

/**
 * Rebuilds the header that the miner hashed and says which targets it meets. Refuses nothing: whatever is wrong with a
 * submit, its header may still be a block.
 * Bits outside the mask are taken over too; with a cleared job version that is what every kind of firmware does.
 * Cost: hashing the coinbase, one double hash per node of the branch and one of the header; allocates the result only.
 */
export function verifySubmit(known: KnownJob, submit: Submit, context: SubmitContext): VerifiedSubmit {
  const { job } = known
  const { work } = job
  scratchExtranonce.set(context.extranoncePrefix)
  scratchExtranonce.set(submit.extranonce, context.extranoncePrefix.length)
  hashCoinbase(known, context.sha256d)
  foldBranchInto(scratchRoot, work.merkleBranch)
  const version = headerVersion(submit, work.version, context.versionMask)
  const fields = { merkleRootWire: scratchRoot, version, timeSec: submit.timeSec, nonce: submit.nonce }
  headerInto(work, fields, scratchHeader)
  sha256d80Into(scratchHeader, 0, scratchHash, 0)

  const meetsBitcoin = hashMeetsTarget(scratchHash, work.bitcoinTarget)
  const meetsShare = work.shareTarget !== null && hashMeetsTarget(scratchHash, work.shareTarget)
  return {
    solution: meetsBitcoin || meetsShare ? solutionOf(known, { meetsBitcoin, meetsShare }) : null,
    meetsSession: hashMeetsTarget(scratchHash, known.target),
    hashDifficulty: difficultyOfHash(scratchHash),
    key: keyOf(scratchHash)
  }
}

function hashCoinbase(known: KnownJob, injected: Sha256d | undefined): void {
  const length = known.job.work.coinbase.bytes.length
  if (scratchCoinbase.length < length) scratchCoinbase = new Uint8Array(2 * length)
  coinbaseInto(known.job, scratchExtranonce, scratchCoinbase)
  const hash = injected !== undefined && length >= LONG_COINBASE_BYTES ? injected : sha256d
  scratchRoot.set(hash(scratchCoinbase.subarray(0, length)))
}

function solutionOf({ job }: KnownJob, meets: { meetsShare: boolean; meetsBitcoin: boolean }): Solution {
  return {
    workId: job.work.id,
    nsecs: job.nsecs,
    header: scratchHeader.slice(),
    extranonce: scratchExtranonce.slice(),
    hashWire: scratchHash.slice(),
    ...meets
  }
}

/** The first half in wire order: the other end of a hash that meets a target is zeros. */
function keyOf(hash: Uint8Array): string {
  const unit = (at: number): number => (hash[at] as number) | ((hash[at + 1] as number) << 8)
  return String.fromCharCode(unit(0), unit(2), unit(4), unit(6), unit(8), unit(10), unit(12), unit(14))
}
