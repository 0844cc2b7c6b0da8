import { EXTRANONCE_BYTES, type Job, type MiningWork } from '@p2poolv2/bitcoin'
import { bytesToHex, bytesToHexReversed, invariant } from '@p2poolv2/primitives'

/**
 * A `mining.notify` line with holes: job id, nsecs, commitment and clean flag go between the pieces. Made once per
 * work, for all miners.
 */
export interface NotifyParts {
  readonly commitment: 'hole' | 'none'
  readonly beforeId: string
  readonly beforeNsecs: string
  readonly beforeCommitment: string
  readonly beforeClean: string
}

const METHOD_NOTIFY = '{"id":null,"method":"mining.notify","params":["'
const NSECS_BYTES = 8
const COMMITMENT_BYTES = 32

/** Lines kept: a line per address paid and more. Beyond them a line is put together anew for each miner. */
const MAX_KEPT_LINES = 256

/**
 * The lines of the work at hand, made when they are first asked for. Miners get new work all at once, and those of one address the
 * same job, so that of thousands of lines a few are made.
 */
export class NotifyLines {
  #last: { readonly work: MiningWork; readonly parts: NotifyParts } | null = null
  readonly #lines = { clean: new Map<Job, string>(), keep: new Map<Job, string>() }

  /** As `notifyLine`. */
  lineOf(job: Job, jobs: 'clean' | 'keep'): string {
    const { work } = job
    if (this.#last?.work !== work) {
      this.#last = { work, parts: notifyParts(work) }
      this.#lines.clean.clear()
      this.#lines.keep.clear()
    }
    const lines = this.#lines[jobs]
    const known = lines.get(job)
    if (known !== undefined) return known
    const line = flattened(notifyLine(this.#last.parts, job, jobs))
    if (lines.size < MAX_KEPT_LINES) lines.set(job, line)
    return line
  }
}

/**
 * The line of this work, ready to be patched per miner by `notifyLine`.
 * Source: stratum §2.9; coinbase split protocol §5.4.
 */
export function notifyParts(work: MiningWork): NotifyParts {
  const { bytes, extranonceOffset, nsecsOffset, commitmentOffset } = work.coinbase
  const secondHalf = extranonceOffset + EXTRANONCE_BYTES
  const afterNsecs = nsecsOffset + NSECS_BYTES
  invariant(secondHalf <= nsecsOffset, 'the nsecs come after the extranonce')
  invariant(commitmentOffset === null || afterNsecs <= commitmentOffset, 'the commitment comes after the nsecs')
  const afterCommitment = commitmentOffset === null ? afterNsecs : commitmentOffset + COMMITMENT_BYTES
  const hex = (from: number, to: number): string => bytesToHex(bytes.subarray(from, to))
  const rest =
    `${hex(afterCommitment, bytes.length)}",${merkleBranchJson(work.merkleBranch)},` +
    `"${u32Hex(work.version)}","${u32Hex(work.bits)}","${u32Hex(work.timeSec)}",`
  return {
    commitment: commitmentOffset === null ? 'none' : 'hole',
    beforeId: METHOD_NOTIFY,
    beforeNsecs: flattened(
      `","${prevHashField(work.prevHashWire)}","${hex(0, extranonceOffset)}","${hex(secondHalf, nsecsOffset)}`
    ),
    beforeCommitment: flattened(commitmentOffset === null ? rest : hex(afterNsecs, commitmentOffset)),
    beforeClean: flattened(commitmentOffset === null ? '' : rest)
  }
}

/**
 * The same text. V8 keeps what was concatenated as a tree until somebody looks into it, and every line made of such a
 * tree would walk it anew: for a coinbase of 16 kB that is most of a line's cost.
 */
function flattened(text: string): string {
  return text.charCodeAt(0) >= 0 ? text : ''
}

/**
 * The line for one job, with its LF.
 * @param parts of the job's own work
 * @param jobs 'clean': the miner drops what it has queued
 */
export function notifyLine(parts: NotifyParts, job: Job, jobs: 'clean' | 'keep'): string {
  invariant(
    (job.commitment === null) === (parts.commitment === 'none'),
    'a job has the fields its coinbase has room for'
  )
  const commitmentHex = job.commitment === null ? '' : bytesToHex(job.commitment)
  const clean = jobs === 'clean' ? 'true]}\n' : 'false]}\n'
  return (
    parts.beforeId +
    job.id +
    parts.beforeNsecs +
    u64HexLE(job.nsecs) +
    parts.beforeCommitment +
    commitmentHex +
    parts.beforeClean +
    clean
  )
}

/** Each 32-bit word of the raw hash with its bytes reversed: the one place that makes this order. */
function prevHashField(prevHashWire: Uint8Array): string {
  let field = ''
  for (let at = 0; at < 32; at += 4) field += bytesToHexReversed(prevHashWire.subarray(at, at + 4))
  return field
}

function merkleBranchJson(branch: Uint8Array): string {
  const nodes: string[] = []
  for (let at = 0; at < branch.length; at += 32) nodes.push(`"${bytesToHex(branch.subarray(at, at + 32))}"`)
  return `[${nodes.join(',')}]`
}

function u32Hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0')
}

function u64HexLE(value: bigint): string {
  const low = Number(value & 0xffff_ffffn)
  const high = Number(value >> 32n)
  return u32HexLE(low) + u32HexLE(high)
}

function u32HexLE(value: number): string {
  const swapped = ((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)
  return u32Hex(swapped)
}
