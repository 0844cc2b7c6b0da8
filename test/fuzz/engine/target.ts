/** Whose bytes a decoder reads. */
export type Door = 'miners' | 'peers' | 'bitcoind' | 'disk' | 'owner' | 'http'

/** A decoder and what holds for it, whatever the bytes. */
export interface Target<T = unknown> {
  readonly name: string
  readonly door: Door
  /** Inputs to begin with; good ones mostly. */
  seeds(): Iterable<Uint8Array>
  /** What is measured. Throws what `isRefusal` knows for bad input and nothing else; does not change the bytes. */
  decode(bytes: Uint8Array): T | Promise<T>
  /** Whether an error is the declared one for bad input. Without it none may be thrown. */
  readonly isRefusal?: (error: unknown) => boolean
  /** Throws where what was read breaks a law: read again from what it is written as, it has to be the same. */
  laws?(value: T, bytes: Uint8Array): void | Promise<void>
  /** Makes checksums and the like right again, so that what is behind them is reached. */
  mend?(bytes: Uint8Array): Uint8Array
  /** Lets go of what it holds. */
  end?(): Promise<void>
  /** Longer inputs are not tried. */
  readonly maxBytes: number
  /** What reading may take beside `MEMORY_BYTES_PER_BYTE`, where the decoder holds something of its own. */
  readonly memoryBytes?: number
}

/** What reading may take however short the input is, with what the engine itself needs. */
export const MEMORY_BYTES = 512 * 1024
/** And for each byte of it: JSON of nothing but brackets takes some sixty. */
export const MEMORY_BYTES_PER_BYTE = 256

/** A law that does not hold. */
export class Broken extends Error {
  override readonly name = 'Broken'
}

export function hold(condition: boolean, law: string): asserts condition {
  if (!condition) throw new Broken(law)
}
