import { readFileSync } from 'node:fs'
import {
  type ChainParams,
  type ConsensusAddress,
  chainParams,
  consensusAddress,
  PayoutWindow,
  payoutOutputs,
  type WindowSource
} from '@p2poolv2/consensus'
import { type AuditedHeader, auditedPayout, auditedWindow, type WindowAudit } from '@p2poolv2/earnings'
import { type ShareHash, shareHash } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { regtestAddress } from '../e2e/stage/addresses.ts'

interface PlainShare {
  readonly prev: number
  readonly address: ConsensusAddress
  readonly bits: number
  readonly uncles: readonly number[]
}

interface VectorShare {
  readonly miner: string
  readonly bits: string
  readonly uncles: readonly { readonly miner: string; readonly bits: string }[]
}

/** Rows of the reference's payouts, and real shares. */
const { walks } = JSON.parse(
  readFileSync(new URL('../../packages/consensus/src/vectors/payout.json', import.meta.url), 'utf8')
) as {
  readonly walks: readonly {
    readonly name: string
    readonly shares: readonly VectorShare[]
    readonly bitcoinBits?: string
    readonly windowDifficulty?: number
    readonly valueSats?: string
    readonly weights: Readonly<Record<string, string>>
    readonly outputs?: readonly (readonly [string, string])[]
  }[]
}

const SIGNET = chainParams('signet')
const REGTEST = chainParams('regtest')
/** Difficulty 32,768 on signet, and a bitcoin target of more than any window holds. */
const TEST_BITS = 0x3c06ef5c
const HARD = 0x03000001

const hashOf = (slot: number): ShareHash => shareHash((slot + 1).toString(16).padStart(64, '0'))
const slotOf = (hash: ShareHash): number => Number.parseInt(hash, 16) - 1

function addressOn(network: 'test' | 'regtest', text: string): ConsensusAddress {
  const address = consensusAddress(text, network)
  if (address === null) throw new Error(`${text} is an address`)
  return address
}

/** Shares under numbers; the first is the genesis. */
class Shares implements WindowSource {
  readonly rows: PlainShare[] = []
  readonly lost = new Set<number>()

  add(share: PlainShare): number {
    return this.rows.push(share) - 1
  }

  at(slot: number): PlainShare {
    const share = this.rows[slot]
    if (share === undefined) throw new Error(`share ${slot} is there`)
    return share
  }

  prevSlot = (slot: number): number => this.at(slot).prev
  isGenesis = (slot: number): boolean => slot === 0
  bits = (slot: number): number => this.at(slot).bits
  miner = (slot: number): number => slot
  uncleSlots = (slot: number): readonly number[] => this.at(slot).uncles
  minerAddress = (slot: number): ConsensusAddress => this.at(slot).address

  header(hash: ShareHash): AuditedHeader | null {
    const share = this.rows[slotOf(hash)]
    if (share === undefined || this.lost.has(slotOf(hash))) return null
    const { prev, uncles, bits, address } = share
    return { prevShareHash: hashOf(prev), uncles: uncles.map(hashOf), bits, minerBitcoinAddress: address }
  }

  walk(params: ChainParams, newest: number, bitcoinBits: number): WindowAudit | { readonly missing: ShareHash } {
    const walk = auditedWindow({ params, newest: hashOf(newest), bitcoinBits, genesisHash: hashOf(0) })
    for (let step = walk.next(); ; ) {
      if (step.done === true) return step.value
      step = walk.next(step.value.map(hash => this.header(hash)))
    }
  }
}

function whole(audit: WindowAudit | { readonly missing: ShareHash }): WindowAudit {
  if ('missing' in audit) throw new Error(`share ${audit.missing} is missing`)
  return audit
}

describe('an audit', () => {
  it.each(walks)('finds the weights and outputs of the reference: $name', vector => {
    const shares = new Shares()
    let newest = -1
    for (const { miner, bits, uncles } of vector.shares) {
      const first = newest === -1
      const entry = { prev: newest, address: addressOn('test', miner), bits: Number(bits) }
      // The first share is the genesis of this chain and has to be number 0: its uncles come after it.
      const at = first ? shares.add({ ...entry, uncles: [] }) : -1
      const named = uncles.map(uncle =>
        shares.add({ prev: 0, address: addressOn('test', uncle.miner), bits: Number(uncle.bits), uncles: [] })
      )
      if (first) shares.rows[at] = { ...entry, uncles: named }
      newest = first ? at : shares.add({ ...entry, uncles: named })
    }
    const params = { ...SIGNET, difficultyMultiplier: BigInt((vector.windowDifficulty ?? 32768) / 32768) }
    const bitcoinBits = vector.windowDifficulty === undefined ? Number(vector.bitcoinBits ?? HARD) : TEST_BITS
    const window = whole(shares.walk(params, newest, bitcoinBits))
    const weights = Object.fromEntries([...window.payees].map(([text, { weight }]) => [text, String(weight)]))
    expect(weights).toEqual(vector.weights)
    if (vector.outputs === undefined) return
    const paid = vector.outputs.map(([address, sats]) => ({ address, sats: BigInt(sats) }))
    expect(auditedPayout({ window, donation: null, fee: null, paid })).toMatchObject({
      matches: true,
      sats: BigInt(vector.valueSats ?? 0)
    })
  })

  const chains = fc.array(
    fc.record({
      miner: fc.integer({ min: 1, max: 6 }),
      bits: fc.constantFrom(0x207fffff, 0x1f7fffff, 0x1e7fffff),
      uncles: fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 3 })
    }),
    { minLength: 1, maxLength: 40 }
  )
  const cuts = fc.option(fc.integer({ min: 0, max: 10_000 }), { nil: null })

  it('agrees with the code that makes jobs about any chain, cuts and amount, to the satoshi', () => {
    fc.assert(
      fc.property(
        chains,
        fc.constantFrom(0x207fffff, 0x1e7fffff, 0x1d7fffff, 0x1b7fffff),
        fc.bigInt({ min: 1n, max: 5_000_000_000n }),
        cuts,
        cuts,
        (made, bitcoinBits, valueSats, donationBps, feeBps) => {
          const shares = chainOf(made)
          const newest = shares.newest
          const params = { ...REGTEST, windowMaxShares: 25 }
          const weights = new PayoutWindow(params, shares).weights(newest, bitcoinBits)
          const window = whole(shares.walk(params, newest, bitcoinBits))
          expect(window.weight).toBe(weights?.total)
          if (weights === null) return
          const cut = (bps: number | null, number: number) =>
            bps === null ? null : { address: addressOn('regtest', regtestAddress(number)), bps }
          const [donation, fee] = [cut(donationBps, 100), cut(feeBps, 101)]
          const paid = payoutOutputs({ valueSats, donation, fee, weights }).map(output => ({
            address: output.address.text,
            sats: output.valueSats
          }))
          expect(auditedPayout({ window, donation, fee, paid })).toMatchObject({ matches: true, sats: valueSats })
        }
      )
    )
  })

  it('sees a satoshi that went to another, an output too many, one too few, and a wrong order', () => {
    const shares = chainOf([
      { miner: 1, bits: 0x207fffff, uncles: [3] },
      { miner: 2, bits: 0x207fffff, uncles: [] }
    ])
    const window = whole(shares.walk(REGTEST, shares.newest, 0x1e7fffff))
    const weights = new PayoutWindow(REGTEST, shares).weights(shares.newest, 0x1e7fffff)
    if (weights === null) throw new Error('the window is held')
    const right = payoutOutputs({ valueSats: 1_000n, donation: null, fee: null, weights }).map(output => ({
      address: output.address.text,
      sats: output.valueSats
    }))
    const matches = (paid: typeof right): boolean => auditedPayout({ window, donation: null, fee: null, paid }).matches
    expect(matches(right)).toBe(true)
    const [first, second, ...others] = right
    if (first === undefined || second === undefined) throw new Error('two are paid')
    const moved = [{ ...first, sats: first.sats + 1n }, { ...second, sats: second.sats - 1n }, ...others]
    expect(matches(moved)).toBe(false)
    expect(matches([...right, { address: regtestAddress(9), sats: 0n }])).toBe(false)
    expect(matches(right.slice(1))).toBe(false)
    expect(matches(right.toReversed())).toBe(false)
  })

  it('names the share without which nothing can be said', () => {
    const shares = chainOf([
      { miner: 1, bits: 0x207fffff, uncles: [3] },
      { miner: 2, bits: 0x207fffff, uncles: [] }
    ])
    const uncle = shares.rows.findIndex(({ address }) => address.text === regtestAddress(3))
    shares.lost.add(uncle)
    expect(shares.walk(REGTEST, shares.newest, HARD)).toEqual({ missing: hashOf(uncle) })
  })
})

/** A chain on a genesis of nobody, each share with uncles built on its grandparent. */
function chainOf(
  made: readonly { readonly miner: number; readonly bits: number; readonly uncles: readonly number[] }[]
): Shares & { readonly newest: number } {
  const shares = new Shares()
  const address = (number: number): ConsensusAddress => addressOn('regtest', regtestAddress(number))
  let newest = shares.add({ prev: -1, address: address(50), bits: 0x207fffff, uncles: [] })
  for (const { miner, bits, uncles } of made) {
    const named = uncles.map(number => shares.add({ prev: newest, address: address(number), bits, uncles: [] }))
    newest = shares.add({ prev: newest, address: address(miner), bits, uncles: named })
  }
  return Object.assign(shares, { newest })
}
