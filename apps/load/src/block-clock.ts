import { ZmqHashblock } from '@p2poolv2/bitcoind'
import { nowMs } from './now.ts'

/** Blocks remembered; at the cap the oldest is forgotten. */
const MAX_BLOCKS = 256

/** When the bitcoin node said of each block that it has it, by its `zmqpubhashblock`. */
export class BlockClock {
  readonly #zmq: ZmqHashblock
  readonly #saidAtMs = new Map<string, number>()

  /** @param address for example `tcp://127.0.0.1:28332` */
  constructor(address: string, onProblem: (message: string) => void) {
    this.#zmq = new ZmqHashblock({
      address,
      onHash: hash => {
        this.#saidAtMs.set(hash, nowMs())
        for (const oldest of this.#saidAtMs.keys()) {
          if (this.#saidAtMs.size <= MAX_BLOCKS) break
          this.#saidAtMs.delete(oldest)
        }
      },
      onProblem
    })
    void this.#zmq.run()
  }

  close(): void {
    this.#zmq.close()
  }

  /** @param prevHash as in a notify: the block its jobs build on. @returns null when it was not heard of */
  saidAtMs(prevHash: string): number | null {
    return this.#saidAtMs.get(blockHashOfNotify(prevHash)) ?? null
  }
}

/** A notify has the eight words of a block's hash in the order of the header (stratum §2.9); shown it is the other way round. */
export function blockHashOfNotify(prevHash: string): string {
  return (prevHash.match(/.{8}/g) ?? []).reverse().join('').toLowerCase()
}

/** The other way: the same words in the same turned order. */
export const notifyOfBlockHash = blockHashOfNotify
