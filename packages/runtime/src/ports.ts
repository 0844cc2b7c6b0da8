import { createHash, randomBytes } from 'node:crypto'
import { type Rng, type Sha256d, type UnixMs, unixMs } from '@p2poolv2/primitives'

/** Wall-clock time for the shells; a machine is handed `nowMs` with each call and never holds a clock. */
export interface Clock {
  /** Milliseconds since 1970, an integer. May step backwards when the operator sets the clock. */
  nowMs(): UnixMs
}

/** The computer's clock. */
export function systemClock(): Clock {
  return { nowMs: () => unixMs(Date.now()) }
}

/** Chance from the operating system, fit for keys and for anything an opponent must not guess. */
export function systemRng(): Rng {
  return {
    u32: () => randomBytes(4).readUInt32LE(0),
    bytes: length => new Uint8Array(randomBytes(length))
  }
}

/** Double SHA-256 by OpenSSL: several times faster than the portable one for inputs over a few hundred bytes. */
export const nodeSha256d: Sha256d = data => {
  const once = createHash('sha256').update(data).digest()
  return new Uint8Array(createHash('sha256').update(once).digest())
}
