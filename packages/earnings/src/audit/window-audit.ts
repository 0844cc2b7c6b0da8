/**
 * The payout window walked once more, from stored headers alone. Source: protocol §16.1.
 *
 * Jobs are made with `PayoutWindow`, which moves a window along and keeps sums; nothing of it is used here. What both have in
 * common is how a header is read and how hard a target is (`integerDifficulty`).
 */
import { type ChainParams, type ConsensusAddress, integerDifficulty, type ShareHeader } from '@p2poolv2/consensus'
import type { CompactBits, ShareHash } from '@p2poolv2/primitives'

/** What the walk reads of a stored header. */
export type AuditedHeader = Pick<ShareHeader, 'prevShareHash' | 'uncles' | 'bits' | 'minerBitcoinAddress'>

/** What one address has in the window. */
export interface AuditedPayee {
  readonly address: ConsensusAddress
  readonly weight: bigint
  /** Shares of the chain. */
  readonly shares: number
  readonly uncles: number
  /** Of its weight the part earned by naming uncles. */
  readonly nephewWeight: bigint
}

/** A window by its ends, what is in it, and why it ends. */
export interface WindowAudit {
  readonly newest: ShareHash
  readonly oldest: ShareHash
  readonly shares: number
  readonly uncles: number
  readonly weight: bigint
  readonly fullWeight: bigint
  /** `full`: the oldest share fills it; `cap`: it has as many shares as it may; `genesis`: the chain begins there. */
  readonly end: 'full' | 'cap' | 'genesis'
  /** By text of the address. */
  readonly payees: ReadonlyMap<string, AuditedPayee>
}

export interface WindowAuditRequest {
  readonly params: ChainParams
  /** The newest share of the window. */
  readonly newest: ShareHash
  /** Of the bitcoin block that is paid for. */
  readonly bitcoinBits: CompactBits
  readonly genesisHash: ShareHash
}

/** Of a sum the same as of the reference's 128 bits. */
const MAX_WEIGHT = (1n << 128n) - 1n

/**
 * Walks the window. Asks for headers by hash and is given them in the same order, null where none is stored.
 * @returns the window, or the share without which it cannot be known
 */
export function* auditedWindow(
  request: WindowAuditRequest
): Generator<readonly ShareHash[], WindowAudit | { readonly missing: ShareHash }, readonly (AuditedHeader | null)[]> {
  const { params, newest, bitcoinBits, genesisHash } = request
  const { mainWeight, uncleWeight, nephewWeight, windowMaxShares } = params
  const wanted = mainWeight * integerDifficulty(params, bitcoinBits) * params.difficultyMultiplier
  const fullWeight = wanted < MAX_WEIGHT ? wanted : MAX_WEIGHT
  const tally = new Tally()
  let weight = 0n
  let uncles = 0
  let hash = newest
  let [header] = yield [hash]
  for (let shares = 1; ; shares++) {
    if (header == null) return { missing: hash }
    const [parent, ...named] = yield [header.prevShareHash, ...header.uncles]
    let ofUncles = 0n
    for (const [i, uncle] of named.entries()) {
      if (uncle === null) return { missing: header.uncles[i] ?? hash }
      const difficulty = integerDifficulty(params, uncle.bits)
      ofUncles += difficulty
      tally.uncle(uncle.minerBitcoinAddress, uncleWeight * difficulty)
    }
    uncles += named.length
    const own = mainWeight * integerDifficulty(params, header.bits)
    tally.share(header.minerBitcoinAddress, own, nephewWeight * ofUncles)
    weight += own + (uncleWeight + nephewWeight) * ofUncles
    const end =
      weight >= fullWeight ? 'full' : shares === windowMaxShares ? 'cap' : hash === genesisHash ? 'genesis' : null
    if (end !== null) return { newest, oldest: hash, shares, uncles, weight, fullWeight, end, payees: tally.payees }
    hash = header.prevShareHash
    header = parent
  }
}

class Tally {
  readonly payees = new Map<string, { -readonly [K in keyof AuditedPayee]: AuditedPayee[K] }>()

  share(address: ConsensusAddress, weight: bigint, nephewWeight: bigint): void {
    const payee = this.#payee(address)
    payee.shares += 1
    payee.weight += weight + nephewWeight
    payee.nephewWeight += nephewWeight
  }

  uncle(address: ConsensusAddress, weight: bigint): void {
    const payee = this.#payee(address)
    payee.uncles += 1
    payee.weight += weight
  }

  #payee(address: ConsensusAddress) {
    let payee = this.payees.get(address.text)
    if (payee === undefined) {
      payee = { address, weight: 0n, shares: 0, uncles: 0, nephewWeight: 0n }
      this.payees.set(address.text, payee)
    }
    return payee
  }
}
