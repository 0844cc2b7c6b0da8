import { type BlockHash, bytesToHex, hexToBytes } from '@p2poolv2/primitives'
import { type Log, MESSAGES } from '@p2poolv2/runtime'
import type { BitcoindConfig } from '../config.ts'
import { RpcClient } from '../rpc/rpc-client.ts'
import { NODE_CODE, RpcError } from '../rpc/rpc-error.ts'
import { backOffMs, pause } from '../waiting.ts'
import { type GateDecision, SiblingGate } from './sibling-gate.ts'
import { type BlockAnswer, meaningOf } from './submit-words.ts'

/** A whole block, to be handed over. */
export interface SolvedBlock {
  readonly blockHash: BlockHash
  readonly bitcoinHeight: number
  /** The whole block with witness. */
  readonly blockHex: string
}

/** What one node made of a block. */
export interface BlockResult {
  readonly blockHash: BlockHash
  /** The node, without credentials. */
  readonly url: string
  /**
   * `lost-race`: the node keeps it beside another block that was there first. `failed`: no answer could be had before the block was
   * stale. `superseded`: it was not handed over, for another block of ours with the same parent was there before it, or came after it.
   */
  readonly result: 'accepted' | 'duplicate' | 'lost-race' | 'rejected' | 'failed' | 'superseded'
  /** bitcoind's word (`high-hash`, `inconclusive`), or why it failed. */
  readonly reason: string | null
}

export interface BlockSubmitterOptions {
  readonly nodes: readonly BitcoindConfig[]
  /** Waiting times between attempts at one node, by default 0.1 s to 5 s. */
  readonly retryMinMs?: number
  readonly retryMaxMs?: number
  /** The last attempt begins within this, by default GIVE_UP_AFTER_MS. */
  readonly giveUpAfterMs?: number
}

interface SubmitOptions {
  readonly signal: AbortSignal
  readonly comes?: 'new' | 'again'
}

export interface BlockSubmitterPorts {
  /** Keeps the block where a person, and the next start, can find it. Begun before anything else, and waited for by nothing. */
  readonly persist: (block: SolvedBlock) => Promise<void>
  /** Every node has said its last word to a block that was kept, or nobody needs it any more: the next start need not try again. */
  readonly settled: (block: SolvedBlock, how: 'answered' | 'superseded') => void
  /** Told for each node as soon as it is known. */
  readonly onResult: (result: BlockResult) => void
  /** The highest tip known; a block is stale two blocks later. */
  readonly bitcoinHeight: () => number | null
  readonly log: Log
}

/** A block nobody could be told of for so long is worthless. */
export const GIVE_UP_AFTER_MS = 3_600_000

/** A tip so far above our block's height means that the network went on without it. */
export const STALE_DEPTH_BLOCKS = 2

/**
 * Blocks being handed over at a time; beyond them the oldest is given up as `failed`. One that a node leaves open for long
 * is nearly worthless, and each may be 8 MB of hex.
 */
export const MAX_UNDER_WAY = 32

/**
 * Hands found blocks to all nodes at once, and again to those that could not be reached or said "not yet", after waits
 * that grow, until the block is stale. Beside that each is written to disk: neither waits for the other, so that whichever
 * is quicker saves the block from a crash. Of our blocks with one parent, one waits for its answer and the newest other is kept
 * (see `SiblingGate`); that one, or one kept before it, is written as soon as the write before it is done.
 */
export class BlockSubmitter {
  readonly #options: BlockSubmitterOptions
  readonly #ports: BlockSubmitterPorts
  readonly #clients: readonly RpcClient[]
  readonly #gate = new SiblingGate<Submission>()
  /** What gives each up, the oldest first. At most MAX_UNDER_WAY. */
  readonly #underWay = new Set<AbortController>()
  /** Until each is answered: those under way, and one kept for a parent. */
  readonly #unanswered = new Set<Promise<unknown>>()
  /** Writes under way: one of each block that was handed over, and one of those that are kept. */
  #writes = 0
  /** The newest that is kept behind another and not written yet. */
  #toWrite: Submission | null = null

  constructor(options: BlockSubmitterOptions, ports: BlockSubmitterPorts) {
    this.#options = options
    this.#ports = ports
    this.#clients = options.nodes.map(node => new RpcClient(node))
  }

  /**
   * Submits a block. Results are values, one for each node in the configured order; it does not reject.
   * After `signal`, what has no answer yet counts as `failed`.
   * @param options.comes `again`: from the disk, where it was kept before this start or before bitcoin forgot it. It may be in the chain
   * already, so it waits behind no other and gives way to none
   */
  submit(block: SolvedBlock, { signal, comes = 'new' }: SubmitOptions): Promise<readonly BlockResult[]> {
    const answered = new Promise<readonly BlockResult[]>(resolve => {
      // The hash of the parent follows the version at the start of the header.
      const parent = block.blockHex.slice(8, 72)
      const common = { written: null, nthKept: 1, standIn: null, isFollowed: false }
      const submission: Submission = { block, parent, signal, resolve, ...common }
      const pending = this.#toWrite
      const decision =
        comes === 'again' ? this.#gate.again(parent, submission) : this.#gate.offer(parent, block.blockHash, submission)
      const isKept = decision.goes !== submission && !decision.superseded.includes(submission)
      const before = isKept ? (decision.superseded[0] ?? null) : null
      if (before !== null) follow(submission, before)
      this.#act(decision)
      const isUnwritten = before !== null && pending === before
      if (isKept && (isUnwritten || isPowerOfTwo(submission.nthKept))) this.#writeKept(submission)
    })
    const submission = answered.finally(() => this.#unanswered.delete(submission))
    this.#unanswered.add(submission)
    return submission
  }

  /** A bitcoin node builds on this block: none of ours on it is in that node's chain, whatever was said before, and the next may be. */
  buildsOn(parent: BlockHash): void {
    this.#gate.released(bytesToHex(hexToBytes(parent).reverse()))
  }

  /** Resolves when every submission under way has its answers, which with a node that is away may take an hour. */
  async idle(): Promise<void> {
    while (this.#unanswered.size > 0) await Promise.allSettled(this.#unanswered)
  }

  /** Lets go of the connections. */
  close(): void {
    for (const client of this.#clients) client.close()
  }

  #act({ goes, superseded }: GateDecision<Submission>): void {
    for (const submission of superseded) {
      const { block, resolve } = submission
      if (this.#toWrite === submission) this.#toWrite = null
      const results = this.#clients.map(({ url }) => resultOf(block, url, { result: 'superseded', reason: null }))
      for (const result of results) this.#ports.onResult(result)
      if (!submission.isFollowed) this.#letGo(submission)
      resolve(results)
    }
    if (goes !== null) void this.#handOver(goes)
  }

  /** What is on disk of one that gave way, and of the one that stood in for it there. */
  #letGo(submission: Submission): void {
    for (const each of [submission, submission.standIn]) {
      void each?.written?.then(() => this.#ports.settled(each.block, 'superseded'))
    }
    submission.standIn = null
  }

  /** One write of kept blocks at a time: of thousands in a moment those are written that are the newest when the disk is free. */
  #writeKept(submission: Submission): void {
    this.#toWrite = submission
    if (this.#writes === 0) this.#writeNext()
  }

  #writeNext(): void {
    const next = this.#toWrite
    this.#toWrite = null
    if (next !== null) void this.#persist(next)
  }

  async #handOver(submission: Submission): Promise<void> {
    const { block, parent, signal } = submission
    let said: 'nothing' | 'open' | 'final' = 'nothing'
    const heard = (answer: BlockAnswer | null): void => {
      const word = answer?.isOpen === true ? 'open' : 'final'
      // One that lost the race is taken too: the node has it, and another on the same parent would come later still.
      if (answer !== null && word === 'final' && TAKEN.has(answer.result))
        this.#act(this.#gate.taken(parent, block.blockHash))
      if (said === 'nothing') this.#act(this.#gate.heard(parent, word))
      else if (said === 'open' && word === 'final') this.#act(this.#gate.closed(parent))
      if (said !== 'final') said = word
    }
    const givenUp = new AbortController()
    this.#underWay.add(givenUp)
    const [oldest] = this.#underWay
    if (this.#underWay.size > MAX_UNDER_WAY && oldest !== undefined) {
      this.#underWay.delete(oldest)
      oldest.abort()
    }
    const ended = AbortSignal.any([signal, givenUp.signal])
    const written = this.#persist(submission)
    this.#ports.log.info(
      { blockHash: block.blockHash, bitcoinHeight: block.bitcoinHeight, nodes: this.#clients.length },
      'a found block goes to all bitcoin nodes'
    )
    const ports = { signal: ended, heard }
    const ends = await Promise.all(this.#clients.map(client => this.#submitTo(client, block, ports)))
    await written
    this.#underWay.delete(givenUp)
    heard(null)
    if (ends.every(({ isFinal }) => isFinal)) this.#ports.settled(block, 'answered')
    submission.resolve(ends.map(({ result }) => result))
  }

  /** Writes a block once. Does not reject: a full disk must not keep the block from the network. */
  #persist(submission: Submission): Promise<void> {
    const { block } = submission
    const { blockHash, bitcoinHeight } = block
    const { log } = this.#ports
    const write = async (): Promise<void> => {
      this.#writes += 1
      const beganAtMs = performance.now()
      try {
        await this.#ports.persist(block)
        const ms = Math.round(performance.now() - beganAtMs)
        log.info({ blockHash, bitcoinHeight, ms }, 'a found block is on disk')
        if (submission.standIn !== null) this.#letGo(submission.standIn)
        submission.standIn = null
      } catch (error) {
        log.error(MESSAGES.blockNotPersisted, { err: error, blockHash })
      } finally {
        this.#writes -= 1
        this.#writeNext()
      }
    }
    if (this.#toWrite === submission) this.#toWrite = null
    submission.written ??= write()
    return submission.written
  }

  async #submitTo(client: RpcClient, block: SolvedBlock, ports: AnswerPorts): Promise<End> {
    const answer = await this.#lastWordOf(client, block, ports)
    const result = resultOf(block, client.url, answer)
    this.#ports.onResult(result)
    return { result, isFinal: !answer.isOpen }
  }

  async #lastWordOf(client: RpcClient, block: SolvedBlock, { signal, heard }: AnswerPorts): Promise<BlockAnswer> {
    const { blockHash } = block
    const backOff = { minMs: this.#options.retryMinMs ?? 100, maxMs: this.#options.retryMaxMs ?? 5_000 }
    const endsAtMs = performance.now() + (this.#options.giveUpAfterMs ?? GIVE_UP_AFTER_MS)
    for (let attempt = 0; ; attempt++) {
      const answer = await answerNow(client, block, signal)
      if (answer.result !== 'failed') heard(answer)
      if (!answer.isOpen) return answer
      const stale = (this.#ports.bitcoinHeight() ?? 0) >= block.bitcoinHeight + STALE_DEPTH_BLOCKS
      // Two blocks on top of its parent: whatever was open, nobody needs it any more.
      if (stale) return { ...answer, isOpen: false }
      if (signal.aborted || performance.now() >= endsAtMs) return answer
      const facts = { url: client.url, blockHash, attempt, reason: answer.reason }
      // The first failure is news; what follows every few seconds is not.
      if (attempt === 0) this.#ports.log.warn(MESSAGES.blockNotHandedOver, facts)
      else this.#ports.log.debug(facts, 'a found block could not be handed over yet')
      await pause(backOffMs(attempt, backOff), signal)
    }
  }
}

/** A node has the block. */
const TAKEN: ReadonlySet<string> = new Set(['accepted', 'duplicate', 'lost-race'])

interface Submission {
  readonly block: SolvedBlock
  /** Its hash in hex, wire order. */
  readonly parent: string
  readonly signal: AbortSignal
  readonly resolve: (results: readonly BlockResult[]) => void
  /** Its write, once that was begun; does not reject. */
  written: Promise<void> | null
  /** Of those kept behind the same one, the how manieth it is. */
  nthKept: number
  /** One kept before it, which stays on disk until this one is there: each is worth the same. */
  standIn: Submission | null
  /** A later one was kept instead, and sees to what is on disk. */
  isFollowed: boolean
}

function follow(next: Submission, before: Submission): void {
  next.nthKept = before.nthKept + 1
  next.standIn = before.written === null ? before.standIn : before
  before.isFollowed = true
}

/** The first kept is written, the second, the fourth, the eighth: of thousands on one parent a dozen. */
function isPowerOfTwo(count: number): boolean {
  return Number.isInteger(Math.log2(count))
}

interface End {
  readonly result: BlockResult
  /** Another attempt, by the next start, would end no otherwise. */
  readonly isFinal: boolean
}

interface AnswerPorts {
  readonly signal: AbortSignal
  /** Called for each word of a node about the block. */
  readonly heard: (answer: BlockAnswer) => void
}

function resultOf(
  { blockHash }: SolvedBlock,
  url: string,
  { result, reason }: Pick<BlockResult, 'result' | 'reason'>
): BlockResult {
  return { blockHash, url, result, reason }
}

/** One attempt. A node that cannot work just now, for want of disk or memory, is as good as one that is away. */
async function answerNow(client: RpcClient, block: SolvedBlock, signal: AbortSignal): Promise<BlockAnswer> {
  try {
    return meaningOf(await client.call('submitblock', [block.blockHex], { signal }))
  } catch (error) {
    if (!(error instanceof RpcError)) throw error
    if (error.nodeCode === NODE_CODE.decodeFailed) {
      return { result: 'rejected', reason: error.nodeMessage, isOpen: false }
    }
    return { result: 'failed', reason: error.message, isOpen: true }
  }
}
