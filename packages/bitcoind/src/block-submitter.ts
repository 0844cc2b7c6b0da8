import type { BlockHash } from '@p2poolv2/primitives'
import { type Log, MESSAGES } from '@p2poolv2/runtime'
import { CandidateGate, type GateDecision } from './candidate-gate.ts'
import type { BitcoindConfig } from './config.ts'
import { RpcClient } from './rpc-client.ts'
import { NODE_CODE, printable, RpcError } from './rpc-error.ts'
import { backOffMs, pause } from './waiting.ts'

export interface FoundBlock {
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

export interface BlockSubmitterPorts {
  /** Keeps the block where a person can find it. Begun before anything else; see PERSIST_HEAD_START_MS. */
  readonly persist: (block: FoundBlock) => Promise<void>
  /** Told for each node as soon as it is known. */
  readonly onResult: (result: BlockResult) => void
  /** The highest tip known; a block is stale two blocks later. */
  readonly bitcoinHeight: () => number | null
  readonly log: Log
}

/** A block nobody could be told of for so long is worthless. */
export const GIVE_UP_AFTER_MS = 3_600_000

/** A disk that is slow or stuck does not hold up a block for longer. */
export const PERSIST_HEAD_START_MS = 200

/** A tip so far above our block's height means that the network went on without it. */
export const STALE_DEPTH_BLOCKS = 2

/**
 * Blocks being handed over at a time; beyond them the oldest is given up as `failed`. One that a node leaves open for long
 * is nearly worthless, and each may be 8 MB of hex.
 */
export const MAX_UNDER_WAY = 32

/**
 * bitcoind's words for a block that may be good a little later: it has not seen the parent yet, or its clock is behind the
 * block's time. It forgets such a block, so it has to be given again.
 */
const NOT_YET: ReadonlySet<string> = new Set(['prev-blk-not-found', 'time-too-new'])

/** Words for a block that breaks no rule, as far as the node looked, and is not in its best chain (BIP22). */
const LOST_RACE: ReadonlySet<string> = new Set([
  'inconclusive',
  'duplicate-inconclusive',
  'inconclusive-not-best-prevblk',
  'stale-prevblk',
  'stale-work'
])

/**
 * Hands found blocks to all nodes at once, and again to those that could not be reached or said "not yet", after waits
 * that grow, until the block is stale. Of our blocks with one parent, one waits for its answer and the newest other is kept
 * (see `CandidateGate`). A kept one is written to disk when its turn comes; if this process is killed before, it is lost,
 * and the share it also is remains.
 */
export class BlockSubmitter {
  readonly #options: BlockSubmitterOptions
  readonly #ports: BlockSubmitterPorts
  readonly #clients: readonly RpcClient[]
  readonly #gate = new CandidateGate<Candidate>()
  /** What gives each up, the oldest first. At most MAX_UNDER_WAY. */
  readonly #underWay = new Set<AbortController>()
  /** Until each is answered: those under way, and one kept for a parent. */
  readonly #unanswered = new Set<Promise<unknown>>()

  constructor(options: BlockSubmitterOptions, ports: BlockSubmitterPorts) {
    this.#options = options
    this.#ports = ports
    this.#clients = options.nodes.map(node => new RpcClient(node))
  }

  /**
   * Submits a block. Results are values, one for each node in the configured order; it does not reject.
   * After `signal`, what has no answer yet counts as `failed`.
   */
  submit(block: FoundBlock, { signal }: { signal: AbortSignal }): Promise<readonly BlockResult[]> {
    const answered = new Promise<readonly BlockResult[]>(resolve => {
      // The hash of the parent follows the version at the start of the header.
      const parent = block.blockHex.slice(8, 72)
      const candidate = { block, parent, signal, resolve }
      this.#act(this.#gate.offer(parent, block.blockHash, candidate))
    })
    const submission = answered.finally(() => this.#unanswered.delete(submission))
    this.#unanswered.add(submission)
    return submission
  }

  /** Resolves when every submission under way has its answers, which with a node that is away may take an hour. */
  async idle(): Promise<void> {
    while (this.#unanswered.size > 0) await Promise.allSettled(this.#unanswered)
  }

  /** Lets go of the connections. */
  close(): void {
    for (const client of this.#clients) client.close()
  }

  #act({ goes, superseded }: GateDecision<Candidate>): void {
    for (const { block, resolve } of superseded) {
      const results = this.#clients.map(({ url }) => resultOf(block, url, { result: 'superseded', reason: null }))
      for (const result of results) this.#ports.onResult(result)
      resolve(results)
    }
    if (goes !== null) void this.#handOver(goes)
  }

  async #handOver(candidate: Candidate): Promise<void> {
    const { block, parent, signal } = candidate
    let isHeard = false
    const heard = (answer: Answer | null): void => {
      // One that lost the race is taken too: the node has it, and another on the same parent would come later still.
      if (answer !== null && TAKEN.has(answer.result)) this.#act(this.#gate.taken(parent, block.blockHash))
      else if (!isHeard) this.#act(this.#gate.heard(parent))
      isHeard = true
    }
    const givenUp = new AbortController()
    this.#underWay.add(givenUp)
    const [oldest] = this.#underWay
    if (this.#underWay.size > MAX_UNDER_WAY && oldest !== undefined) {
      this.#underWay.delete(oldest)
      oldest.abort()
    }
    const ended = AbortSignal.any([signal, givenUp.signal])
    const results = await this.#submit(block, { signal: ended, heard })
    this.#underWay.delete(givenUp)
    heard(null)
    candidate.resolve(results)
  }

  async #submit(block: FoundBlock, ports: AnswerPorts): Promise<readonly BlockResult[]> {
    const persisted = this.#persist(block)
    const headStart = new AbortController()
    await Promise.race([persisted, pause(PERSIST_HEAD_START_MS, headStart.signal)])
    headStart.abort()
    const results = await Promise.all(this.#clients.map(client => this.#submitTo(client, block, ports)))
    await persisted
    return results
  }

  async #persist(block: FoundBlock): Promise<void> {
    try {
      await this.#ports.persist(block)
    } catch (error) {
      // A full disk must not keep the block from the network.
      this.#ports.log.error(MESSAGES.blockNotPersisted, { err: error, blockHash: block.blockHash })
    }
  }

  async #submitTo(client: RpcClient, block: FoundBlock, ports: AnswerPorts): Promise<BlockResult> {
    const result = resultOf(block, client.url, await this.#answerOf(client, block, ports))
    this.#ports.onResult(result)
    return result
  }

  async #answerOf(client: RpcClient, block: FoundBlock, { signal, heard }: AnswerPorts): Promise<Answer> {
    const { blockHash } = block
    const backOff = { minMs: this.#options.retryMinMs ?? 100, maxMs: this.#options.retryMaxMs ?? 5_000 }
    const endsAtMs = performance.now() + (this.#options.giveUpAfterMs ?? GIVE_UP_AFTER_MS)
    for (let attempt = 0; ; attempt++) {
      const answer = await answerNow(client, block, signal)
      if (answer.result !== 'failed') heard(answer)
      if (!answer.isOpen) return answer
      const stale = (this.#ports.bitcoinHeight() ?? 0) >= block.bitcoinHeight + STALE_DEPTH_BLOCKS
      if (signal.aborted || stale || performance.now() >= endsAtMs) return answer
      const facts = { url: client.url, blockHash, attempt, reason: answer.reason }
      // The first failure is news; what follows every few seconds is not.
      if (attempt === 0) this.#ports.log.warn(MESSAGES.blockNotHandedOver, facts)
      else this.#ports.log.debug(facts, 'a found block could not be handed over yet')
      await pause(backOffMs(attempt, backOff), signal)
    }
  }
}

const TAKEN: ReadonlySet<string> = new Set(['accepted', 'duplicate', 'lost-race'])

interface Candidate {
  readonly block: FoundBlock
  /** Its hash in hex, wire order. */
  readonly parent: string
  readonly signal: AbortSignal
  readonly resolve: (results: readonly BlockResult[]) => void
}

interface AnswerPorts {
  readonly signal: AbortSignal
  /** Called for each word of a node about the block. */
  readonly heard: (answer: Answer) => void
}

interface Answer extends Pick<BlockResult, 'result' | 'reason'> {
  /** Another attempt may end otherwise. */
  readonly isOpen: boolean
}

function resultOf(
  { blockHash }: FoundBlock,
  url: string,
  { result, reason }: Pick<BlockResult, 'result' | 'reason'>
): BlockResult {
  return { blockHash, url, result, reason }
}

/** One attempt. A node that cannot work just now, for want of disk or memory, is as good as one that is away. */
async function answerNow(client: RpcClient, block: FoundBlock, signal: AbortSignal): Promise<Answer> {
  try {
    return answerOfWord(await client.call('submitblock', [block.blockHex], { signal }))
  } catch (error) {
    if (!(error instanceof RpcError)) throw error
    if (error.nodeCode === NODE_CODE.decodeFailed) {
      return { result: 'rejected', reason: error.nodeMessage, isOpen: false }
    }
    return { result: 'failed', reason: error.message, isOpen: true }
  }
}

/** bitcoind's answer to submitblock (BIP22): null is good, text is a reason. */
function answerOfWord(word: unknown): Answer {
  if (word === null) return { result: 'accepted', reason: null, isOpen: false }
  const reason = typeof word === 'string' ? printable(word) : 'an answer in a shape we do not know'
  if (reason === 'duplicate') return { result: 'duplicate', reason: null, isOpen: false }
  if (LOST_RACE.has(reason)) return { result: 'lost-race', reason, isOpen: false }
  return { result: 'rejected', reason, isOpen: NOT_YET.has(reason) }
}
