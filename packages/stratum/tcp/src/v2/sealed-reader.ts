import { concatBytes } from '@p2poolv2/primitives'
import { ACT_1_BYTES, FrameOpener, type SessionKeys, type TransportFault } from '@p2poolv2/stratum/sv2'
import { nodeCipher } from './noise-cipher.ts'

/** A payload before the connection is set up: the longest set-up has 1,291 bytes. */
const MAX_FIRST_PAYLOAD_BYTES = 2_048
/** And after it: a job declared by the client, which is refused, is the longest there is. */
export const MAX_PAYLOAD_BYTES = 16_384
/** What may come before the handshake is answered. No client says anything then. */
const MAX_EARLY_BYTES = 4_096

/** Cuts what a connection of Stratum V2 sends into its first act and then into opened frames. */
export class SealedReader {
  readonly #onAct1: (act1: Uint8Array) => void
  #act1: Uint8Array | null = new Uint8Array()
  /** What came between the first act and the answer to it. */
  #early: Uint8Array = new Uint8Array()
  #opener: FrameOpener | null = null

  constructor(onAct1: (act1: Uint8Array) => void) {
    this.#onAct1 = onAct1
  }

  get isAwaitingAct1(): boolean {
    return this.#act1 !== null
  }

  /** The handshake is answered. What came early is in the next `push`. */
  begin(keys: SessionKeys): void {
    this.#opener = new FrameOpener(nodeCipher(keys.initiatorToResponder), MAX_FIRST_PAYLOAD_BYTES)
  }

  /** The client is known. */
  setUp(): void {
    if (this.#opener !== null) this.#opener.maxPayloadBytes = MAX_PAYLOAD_BYTES
  }

  /** @returns all frames that end in what was read; after a fault nothing comes any more */
  push(chunk: Uint8Array): { readonly lines: readonly Uint8Array[]; readonly fault: TransportFault | null } {
    let rest = this.#early.length === 0 ? chunk : concatBytes(this.#early, chunk)
    this.#early = new Uint8Array()
    if (this.#act1 !== null) {
      const read = concatBytes(this.#act1, rest)
      this.#act1 = read.length < ACT_1_BYTES ? read : null
      if (this.#act1 !== null) return { lines: [], fault: null }
      rest = read.subarray(ACT_1_BYTES)
      this.#onAct1(read.slice(0, ACT_1_BYTES))
    }
    if (this.#opener === null) {
      this.#early = rest.slice()
      return { lines: [], fault: rest.length > MAX_EARLY_BYTES ? 'frame-too-long' : null }
    }
    const frames: Uint8Array[] = []
    for (;;) {
      const next = this.#opener.next(rest)
      if (next.frame === null) return { lines: frames, fault: next.fault }
      frames.push(next.frame)
      rest = next.rest
    }
  }
}
