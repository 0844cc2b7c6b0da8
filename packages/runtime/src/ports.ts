import { createHash, randomBytes } from 'node:crypto'
import { type Moment, type Rng, type Sha256d, steadyMs, unixMs } from '@p2poolv2/primitives'

/** Time for the shells; a machine is handed the moment with each call and never holds a clock. */
export interface Clock {
  /**
   * Now, in whole milliseconds. The wall time may have stepped either way since the last call, the steady time goes on at
   * the pace of the timers, from the start of the process on; whether it counts while the computer sleeps is the system's.
   */
  now(): Moment
}

/** The computer's clock. */
export function systemClock(): Clock {
  return { now: () => ({ wallMs: unixMs(Date.now()), steadyMs: steadyMs(Math.floor(performance.now())) }) }
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
