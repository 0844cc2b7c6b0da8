import { type BlockOutcome, type ChainBlock, DevChain, type DifficultyRule } from '@p2poolv2/devchain'
import { secFromMs } from '@p2poolv2/primitives'
import { type Clock, type Log, MESSAGES } from '@p2poolv2/runtime'
import { BlockFile } from './block-file.ts'
import { TipWaiters } from './tip-waiters.ts'

export interface LiveChainOptions {
  /** Where blocks are kept; without it the chain is forgotten at the end. */
  readonly file?: string
  readonly difficulty?: DifficultyRule
  readonly clock: Clock
  readonly log?: Log
}

/** The development chain of a running node: what is added to it, from wherever, gets to the disk and wakes who waits. */
export class LiveChain {
  readonly chain: DevChain
  readonly waiters = new TipWaiters()
  readonly #file: BlockFile | null
  readonly #options: LiveChainOptions
  #onOwnBlocks: () => void = () => undefined

  private constructor(chain: DevChain, file: BlockFile | null, options: LiveChainOptions) {
    this.chain = chain
    this.#file = file
    this.#options = options
  }

  /** @throws the system's error when the file cannot be used */
  static async open(options: LiveChainOptions): Promise<LiveChain> {
    const { file, log } = options
    const chain = new DevChain(options.difficulty)
    if (file === undefined) return new LiveChain(chain, null, options)
    const opened = await BlockFile.open(file, chain)
    log?.info({ ...opened.report, file }, 'the development chain was restored')
    return new LiveChain(chain, opened.file, options)
  }

  get nowSec(): number {
    return secFromMs(this.#options.clock.now().wallMs)
  }

  /** A miner's block. Resolves when it is on the disk too, or the log says that it is not. */
  async submit(bytes: Uint8Array): Promise<BlockOutcome> {
    const outcome = this.chain.submit(bytes, this.nowSec)
    // The chain has it, whatever the disk says: an error would have the finder of a good block believe that it was refused.
    if ('added' in outcome) {
      const kept = this.keep(outcome.added)
      this.#onOwnBlocks()
      await kept
    }
    return outcome
  }

  /** Writes blocks that were added to `chain`, and wakes who waits for a tip. Never rejects. */
  async keep(added: readonly ChainBlock[]): Promise<void> {
    this.waiters.wake()
    await this.#file?.append(added).catch(this.#writeFailed)
  }

  /** The same after all of its blocks were replaced. */
  async keepAll(): Promise<void> {
    this.waiters.wake()
    await this.#file?.rewrite().catch(this.#writeFailed)
  }

  /** Who is told when a miner's block was added, in place of who was before. */
  set onOwnBlocks(listener: () => void) {
    this.#onOwnBlocks = listener
  }

  /** Answers waiting calls now. */
  closeWaiters(): void {
    this.waiters.close()
  }

  /** Resolves when every block is on the disk. */
  async close(): Promise<void> {
    await this.#file?.close()
  }

  readonly #writeFailed = (err: unknown): void => {
    this.#options.log?.error(MESSAGES.devChainNotKept, { err, file: this.#options.file })
  }
}
