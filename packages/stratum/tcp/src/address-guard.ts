import { BoundedMap, hostNetwork, type SteadyMs } from '@p2poolv2/primitives'

/** Addresses remembered; at the cap the oldest gets a fresh start. */
const MAX_ADDRESSES = 4_096
const MINUTE_MS = 60_000

interface Conduct {
  minuteStartMs: SteadyMs
  connects: number
  handshakes: number
  misbehaviours: number
  bannedUntilMs: number
}

export interface AddressLimits {
  readonly connectsPerMinute: number
  readonly handshakesPerMinute: number
  readonly misbehavioursPerMinute: number
  readonly banMs: number
}

/** How addresses have behaved within their current minute; one of IPv6 together with its network, since a host has all of it. */
export class AddressGuard {
  readonly #limits: AddressLimits
  readonly #conducts = new BoundedMap<string, Conduct>(MAX_ADDRESSES)

  constructor(limits: AddressLimits) {
    this.#limits = limits
  }

  /** Counts a new connection, which begins with a handshake or does not, and says whether to keep it. */
  admit(address: string, kind: 'plain' | 'sealed', nowMs: SteadyMs): 'admit' | 'too-many' | 'banned' {
    const conduct = this.#conductOf(address, nowMs)
    if (nowMs < conduct.bannedUntilMs) return 'banned'
    const { connectsPerMinute, handshakesPerMinute } = this.#limits
    if (kind === 'sealed') conduct.handshakes += 1
    else conduct.connects += 1
    return conduct.connects > connectsPerMinute || conduct.handshakes > handshakesPerMinute ? 'too-many' : 'admit'
  }

  /** Counts a connection ended for misbehaviour. @returns whether that was one too many */
  misbehaved(address: string, nowMs: SteadyMs): boolean {
    const conduct = this.#conductOf(address, nowMs)
    conduct.misbehaviours += 1
    return conduct.misbehaviours > this.#limits.misbehavioursPerMinute && nowMs >= conduct.bannedUntilMs
  }

  /** Refuses the address from now on, for `banMs`. */
  ban(address: string, nowMs: SteadyMs): void {
    this.#conductOf(address, nowMs).bannedUntilMs = nowMs + this.#limits.banMs
  }

  #conductOf(address: string, nowMs: SteadyMs): Conduct {
    const network = hostNetwork(address)
    let conduct = this.#conducts.get(network)
    if (conduct === undefined) {
      conduct = { minuteStartMs: nowMs, connects: 0, handshakes: 0, misbehaviours: 0, bannedUntilMs: 0 }
      this.#conducts.set(network, conduct)
    }
    if (nowMs - conduct.minuteStartMs >= MINUTE_MS) {
      conduct.minuteStartMs = nowMs
      conduct.connects = 0
      conduct.handshakes = 0
      conduct.misbehaviours = 0
    }
    return conduct
  }
}
