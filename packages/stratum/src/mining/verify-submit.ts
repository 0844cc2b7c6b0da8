import {
  BITCOIN_HEADER_BYTES,
  coinbaseInto,
  EXTRANONCE_BYTES,
  foldBranchInto,
  headerInto,
  type Job,
  type Solution
} from '@p2poolv2/bitcoin'
import {
  bytesEqual,
  difficultyOfHash,
  hashMeetsTarget,
  type Sha256d,
  sha256d,
  sha256d80Into
} from '@p2poolv2/primitives'
import type { KnownJob } from './job-registry.ts'
import { headerVersion, type Submit } from './submit.ts'

/** What is the connection's own in a header. */
export interface SubmitContext {
  /** The node's part of the extranonce; with the miner's `EXTRANONCE_BYTES`. */
  readonly extranoncePrefix: Uint8Array
  /** u32: version bits the miner may roll */
  readonly versionMask: number
  /** Of the same prefix. */
  readonly lastRoot: LastRoot
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
  /** 32 bytes, wire order: good until the next submit is verified. */
  readonly hashWire: Uint8Array
}

/**
 * The merkle root of the last submit of a connection. A chip searches billions of headers under one root, so the more a miner sends the
 * more often it is the same, and nothing but the header is to be hashed.
 */
export class LastRoot {
  readonly #rootWire = new Uint8Array(32)
  readonly #extranonce: Uint8Array
  #job: Job | null = null

  /** @param extranonceBytes of the miner's part */
  constructor(extranonceBytes: number) {
    this.#extranonce = new Uint8Array(extranonceBytes)
  }

  /** 32 bytes, or null when it was another's. */
  of(job: Job, extranonce: Uint8Array): Uint8Array | null {
    return this.#job === job && bytesEqual(this.#extranonce, extranonce) ? this.#rootWire : null
  }

  keep(job: Job, extranonce: Uint8Array, rootWire: Uint8Array): void {
    this.#job = job
    this.#extranonce.set(extranonce)
    this.#rootWire.set(rootWire)
  }
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
 * Cost: hashing the header; if the root is not that of the last submit the coinbase and a double hash per node of the branch as well.
 */
export function verifySubmit(known: KnownJob, submit: Submit, context: SubmitContext): VerifiedSubmit {
  const { job } = known
  const { work } = job
  scratchExtranonce.set(context.extranoncePrefix)
  scratchExtranonce.set(submit.extranonce, context.extranoncePrefix.length)
  const lastRoot = context.lastRoot.of(job, submit.extranonce)
  if (lastRoot === null) {
    hashCoinbase(known, context.sha256d)
    foldBranchInto(scratchRoot, work.merkleBranch)
    context.lastRoot.keep(job, submit.extranonce, scratchRoot)
  }
  const version = headerVersion(submit, work.version, context.versionMask)
  const fields = { merkleRootWire: lastRoot ?? scratchRoot, version, timeSec: submit.timeSec, nonce: submit.nonce }
  headerInto(work, fields, scratchHeader)
  sha256d80Into(scratchHeader, 0, scratchHash, 0)

  const meetsBitcoin = hashMeetsTarget(scratchHash, work.bitcoinTarget)
  const meetsShare = work.shareTarget !== null && hashMeetsTarget(scratchHash, work.shareTarget)
  return {
    solution: meetsBitcoin || meetsShare ? solutionOf(known, { meetsBitcoin, meetsShare }) : null,
    meetsSession: hashMeetsTarget(scratchHash, known.target),
    hashDifficulty: difficultyOfHash(scratchHash),
    hashWire: scratchHash
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
