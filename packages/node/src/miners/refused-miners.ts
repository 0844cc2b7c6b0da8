import { BoundedMap, invariant, type Moment, type SteadyMs, type UnixMs } from '@p2poolv2/primitives'

/** Wrong settings remembered; at the cap the one that was tried least recently goes. */
export const MAX_REFUSED_MINERS = 64
/** A wrong setting that was not tried for so long has been mended, or its miner is off. */
const FORGET_AFTER_MS = 3_600_000
/** How long a refused connection stays before it is closed, the first time and at most: firmware tries again at once after that. */
const PATIENCE_STEP_MS = 10_000
const MAX_PATIENCE_MS = 60_000

/** A miner that cannot be let in, for whoever can mend its setting. Texts are the miner's own, printable ASCII, cut. */
export interface RefusedMiner {
  /** Address without port. */
  readonly host: string
  readonly user: string
  readonly userAgent: string
  /** Why, and what to put instead. */
  readonly message: string
  readonly tries: number
  readonly firstAtMs: UnixMs
  readonly lastAtMs: UnixMs
}

interface Entry extends RefusedMiner {
  readonly seenAtMs: SteadyMs
}

/** Who was refused, why and since when. A miner with a wrong address goes on trying for ever, and somebody has to see it. */
export class RefusedMiners {
  readonly #entries = new BoundedMap<string, Entry>(MAX_REFUSED_MINERS)

  /**
   * Takes note of a refusal.
   * @param remote address and port
   * @returns for how long to keep the connection: each try of the same kind is answered as before and closed later
   */
  refused(who: { remote: string; user: string; userAgent: string; message: string }, now: Moment): number {
    const { user, userAgent, message } = who
    const host = hostOf(who.remote)
    const key = `${host} ${user}`
    const before = this.#entries.get(key)
    const known = before !== undefined && now.steadyMs - before.seenAtMs < FORGET_AFTER_MS ? before : null
    const tries = (known?.tries ?? 0) + 1
    this.#entries.delete(key)
    this.#entries.set(key, {
      host,
      user,
      userAgent,
      message,
      tries,
      firstAtMs: known?.firstAtMs ?? now.wallMs,
      lastAtMs: now.wallMs,
      seenAtMs: now.steadyMs
    })
    return Math.min(MAX_PATIENCE_MS, PATIENCE_STEP_MS * tries)
  }

  /** Those of the last hour, the last one tried first. */
  list(nowMs: SteadyMs): readonly RefusedMiner[] {
    const recent = [...this.#entries.values()].filter(({ seenAtMs }) => nowMs - seenAtMs < FORGET_AFTER_MS)
    return recent.reverse().map(({ seenAtMs: _, ...refused }) => refused)
  }

  checkInvariants(): void {
    this.#entries.checkInvariants()
    for (const { tries, firstAtMs } of this.#entries.values()) {
      invariant(tries > 0 && Number.isFinite(firstAtMs), 'a refusal was counted')
    }
  }
}

/** `203.0.113.7:4000` and `[2001:db8::7]:4000` without their ports. */
export function hostOf(remote: string): string {
  const colon = remote.lastIndexOf(':')
  return colon < 0 ? remote : remote.slice(0, colon)
}
