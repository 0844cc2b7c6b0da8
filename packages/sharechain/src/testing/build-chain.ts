import {
  buildCoinbase,
  coinbaseOf,
  decodeTransaction,
  encodeBitcoinHeader,
  txidWire,
  witnessProgramScript
} from '@p2poolv2/bitcoin'
import {
  buildCoinbaseProof,
  type ChainParams,
  type ConsensusAddress,
  commitmentOf,
  commitmentPrefix,
  consensusAddressFromScript,
  devnetParams,
  payoutOutputs,
  type Share,
  type ShareHeader,
  shareCoinbase,
  shareHashOf
} from '@p2poolv2/consensus'
import {
  ByteReader,
  type CompactBits,
  hashMeetsTarget,
  invariant,
  msFromSec,
  type ShareHash,
  sha256d80Into,
  targetFromBits,
  type UnixMs,
  unixSec
} from '@p2poolv2/primitives'
import type { HeaderItem } from '../contract.ts'
import { ShareChain } from '../share-chain.ts'

export const GENESIS_TIME_SEC = 1_700_000_000
const BITCOIN_BITS = 0x207fffff
const BLOCK_VALUE_SATS = 5_000_000_000n
const ZERO_32 = new Uint8Array(32)

/** A chain of about 32 hashes a share, so that a test can mine hundreds of real ones. The rules are the real ones. */
export function easyParams(overrides: Partial<ChainParams> = {}): ChainParams {
  const params = devnetParams({
    genesisTimeSec: GENESIS_TIME_SEC,
    anchorBits: 0x2007ffff,
    maxTargetBits: 0x207fffff,
    difficultyMultiplier: 100n
  })
  return Object.freeze({ ...params, ...overrides })
}

/** What a test wants of a share; everything else follows from the rules. */
export interface ShareWish {
  readonly parent: ShareHash
  /** Default: one second after the parent. */
  readonly timeSec?: number
  readonly uncles?: readonly ShareHash[]
  /** Number of the miner, 0 to 250. */
  readonly miner?: number
  /** Default: as required. */
  readonly bits?: CompactBits
  /** `payout`: pays everything to the finder, whatever the window says. */
  readonly spoil?: 'payout'
}

/** Mines real shares on anything it has mined before, and knows them all. */
export class ChainBuilder {
  readonly params: ChainParams
  /** Knows every share built so far, whatever a test tells its own chain. */
  readonly known: ShareChain
  readonly shares = new Map<ShareHash, Share>()
  #salt = 0n

  constructor(params: ChainParams = easyParams()) {
    this.params = params
    // Crowds are a test's own affair.
    this.known = new ShareChain({ params: { ...params, maxSharesPerHeight: 1000 } })
  }

  get genesis(): ShareHash {
    const hash = this.known.confirmedHashAt(0)
    invariant(hash !== undefined, 'a chain has a genesis')
    return hash
  }

  /** Mines one share. Each is different, even for equal wishes. */
  build(wish: ShareWish): Share {
    const share = this.#mine(this.#headerOf(wish), wish)
    this.shares.set(share.hash, share)
    this.known.addShare(share, 'own', FAR_FUTURE_MS)
    return share
  }

  /** Mines a row of shares, each on the one before. */
  row(parent: ShareHash, count: number, wish: Omit<ShareWish, 'parent'> = {}): Share[] {
    const shares: Share[] = []
    for (let i = 0; i < count; i++) {
      const share: Share = this.build({ ...wish, parent: shares.at(-1)?.hash ?? parent })
      shares.push(share)
    }
    return shares
  }

  #headerOf(wish: ShareWish): Omit<ShareHeader, 'bitcoinHeader' | 'coinbaseProof'> {
    const parent = this.known.facts(wish.parent)
    invariant(parent !== undefined, 'a test builds on shares it has built')
    const miner = wish.miner ?? 0
    return {
      prevShareHash: wish.parent,
      uncles: wish.uncles ?? [],
      minerBitcoinAddress: minerAddress(this.params, miner),
      minerAddress: { version: 1, program: new Uint8Array(32).fill(miner + 1) },
      bits: wish.bits ?? this.known.nextShareBits(wish.parent),
      timeSec: wish.timeSec ?? parent.timeSec + 1,
      donationAddress: null,
      donationBps: 0,
      feeAddress: null,
      feeBps: 0,
      bitcoinHeight: 1n
    }
  }

  #mine(draft: Omit<ShareHeader, 'bitcoinHeader' | 'coinbaseProof'>, wish: ShareWish): Share {
    const prefix = commitmentPrefix({ ...draft, shareWitnessRoot: ZERO_32 })
    const skeleton = buildCoinbase({
      bitcoinHeight: 1,
      auxFlags: new Uint8Array(0),
      poolSignature: this.params.poolSignature,
      outputs: this.#outputs(draft, wish),
      witnessCommitmentScript: null,
      layout: 'share'
    })
    const nsecs = this.#salt++
    const commitment = commitmentOf(prefix, draft.minerBitcoinAddress, draft.minerAddress)
    const coinbase = coinbaseOf({ nsecs, commitment, work: { coinbase: skeleton } }, new Uint8Array(12))
    const bitcoinCoinbase = decodeTransaction(new ByteReader(coinbase))
    const bitcoinHeader = grind({
      version: 0x2000_0000,
      prevHashWire: ZERO_32,
      merkleRootWire: txidWire(bitcoinCoinbase),
      timeSec: draft.timeSec,
      bits: BITCOIN_BITS,
      shareBits: draft.bits
    })
    const coinbaseProof = buildCoinbaseProof(coinbase, skeleton.prefixLengthBytes, ZERO_32)
    const header: ShareHeader = { ...draft, bitcoinHeader, coinbaseProof }
    return {
      hash: shareHashOf(header),
      header,
      transactions: [shareCoinbase(header)],
      merkleBranch: new Uint8Array(0),
      bitcoinCoinbase
    }
  }

  #outputs(draft: Pick<ShareHeader, 'prevShareHash' | 'minerBitcoinAddress'>, wish: ShareWish) {
    if (wish.spoil === 'payout') return [{ valueSats: BLOCK_VALUE_SATS, script: draft.minerBitcoinAddress.script }]
    const weights = this.known.payoutWeights(draft.prevShareHash, BITCOIN_BITS)
    invariant(weights !== null, 'the builder holds every share')
    const payouts = payoutOutputs({ valueSats: BLOCK_VALUE_SATS, donation: null, fee: null, weights })
    return payouts.map(({ valueSats, address }) => ({ valueSats, script: address.script }))
  }
}

/** A time at which no share is from the future. */
export const FAR_FUTURE_MS: UnixMs = msFromSec(unixSec(0xffff_ffff))

export function minerAddress(params: ChainParams, miner: number): ConsensusAddress {
  const address = consensusAddressFromScript(
    params.addressClass,
    witnessProgramScript(0, new Uint8Array(20).fill(miner + 1))
  )
  invariant(address !== null, 'a miner has an address')
  return address
}

export function headerItem({ header, merkleBranch, hash }: Share): HeaderItem {
  return { header, merkleBranch, hash }
}

interface Draft extends Omit<ShareHeader['bitcoinHeader'], 'nonce'> {
  readonly shareBits: CompactBits
}

/** Tries nonces until the hash meets the share's own target: real work, a few dozen hashes of it. */
export function grind({ shareBits, ...fields }: Draft): ShareHeader['bitcoinHeader'] {
  const target = targetFromBits(shareBits)
  const bytes = encodeBitcoinHeader({ ...fields, nonce: 0 })
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const hashWire = new Uint8Array(32)
  for (let nonce = 0; ; nonce++) {
    view.setUint32(76, nonce, true)
    sha256d80Into(bytes, 0, hashWire, 0)
    if (hashMeetsTarget(hashWire, target)) return { ...fields, nonce }
  }
}
