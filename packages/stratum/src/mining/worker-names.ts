import { bytesEqual, invariant } from '@p2poolv2/primitives'
import type { MinerIdentity } from '../contract.ts'
import { userNameOf } from './user-name.ts'

/** Names on one connection: proxies use a few. At the cap a further name is refused. */
export const MAX_WORKERS = 64

/** Who is authorised on a connection: one payee, under one or more worker names. */
export class WorkerNames {
  #identity: MinerIdentity | null = null
  /** Worker by full name as typed. */
  readonly #workers = new Map<string, string>()
  /** Forms of the address that submits use: as typed and canonical, in lower case. */
  readonly #addresses = new Set<string>()

  /** The first authorised, or null. */
  get identity(): MinerIdentity | null {
    return this.#identity
  }

  /** 'other-payee': the connection belongs to somebody else already. */
  add(name: string, user: string, identity: MinerIdentity): 'added' | 'known' | 'other-payee' | 'full' {
    if (this.#identity !== null && !isSamePayee(this.#identity, identity)) return 'other-payee'
    if (this.#workers.has(name)) return 'known'
    if (this.#workers.size >= MAX_WORKERS) return 'full'
    this.#identity ??= identity
    this.#workers.set(name, identity.worker)
    this.#addresses.add(user.toLowerCase())
    this.#addresses.add(identity.payoutAddress.toLowerCase())
    return 'added'
  }

  /**
   * The worker that a submit's name stands for: itself if authorised, else the first one if at least the address is
   * right, since part of the firmware leaves the worker out. Null for another address.
   */
  resolve(name: string): string | null {
    const exact = this.#workers.get(name) ?? this.#workers.get(name.trim())
    if (exact !== undefined) return exact
    const user = userNameOf(name).user.toLowerCase()
    return this.#identity !== null && this.#addresses.has(user) ? this.#identity.worker : null
  }

  checkInvariants(): void {
    invariant(this.#workers.size <= MAX_WORKERS, 'worker names are within their cap')
    invariant((this.#identity === null) === (this.#workers.size === 0), 'a payee has a worker name')
    invariant(this.#addresses.size <= MAX_WORKERS + 1, 'an address has few forms')
  }
}

/** Whether jobs of one may go to the other. */
export function isSamePayee(a: MinerIdentity, b: MinerIdentity): boolean {
  if (a.payoutAddress !== b.payoutAddress) return false
  if (a.shareProgram === null || b.shareProgram === null) return a.shareProgram === b.shareProgram
  return bytesEqual(a.shareProgram, b.shareProgram)
}
