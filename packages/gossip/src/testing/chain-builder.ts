import {
  type BlockTemplate,
  buildCoinbase,
  coinbaseOf,
  decodeTransaction,
  encodeBitcoinHeader,
  foldBranch,
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
  unixMs,
  unixSec
} from '@p2poolv2/primitives'
import { ShareChain } from '@p2poolv2/sharechain'

export const GENESIS_TIME_SEC = 1_700_000_000
/** About 65,536 hashes: no share of a test is a block by chance often enough to matter. */
export const HARD_BITCOIN_BITS = 0x1f00ffff
/** About 256 hashes: a block that a test can mine. */
export const EASY_BITCOIN_BITS = 0x2000ffff
const BLOCK_VALUE_SATS = 5_000_000_000n
const ZERO_32 = new Uint8Array(32)

/** A chain of about 32 hashes a share, so that a test can mine thousands of real ones. The rules are the real ones. */
export function easyParams(genesisTimeSec: number = GENESIS_TIME_SEC): ChainParams {
  return devnetParams({
    genesisTimeSec,
    anchorBits: 0x2007ffff,
    maxTargetBits: 0x207fffff,
    difficultyMultiplier: 100n
  })
}

/** What a test wants of a share; everything else follows from the rules. */
export interface ShareWish {
  readonly parent: ShareHash
  /** Default: one second after the parent. */
  readonly timeSec?: number
  readonly uncles?: readonly ShareHash[]
  /** Number of the miner, 0 to 250. */
  readonly miner?: number
  readonly bits?: CompactBits
  /** `payout`: pays everything to the finder, whatever the window says. */
  readonly spoil?: 'payout'
  readonly template?: BlockTemplate
  /** The bitcoin target is met as well. */
  readonly isBlock?: true
}

/** Mines real shares on anything it has mined before, and knows them all. */
export class ChainBuilder {
  readonly params: ChainParams
  readonly known: ShareChain
  readonly shares = new Map<ShareHash, Share>()
  #salt: bigint

  /** @param salt makes the shares of two builders different */
  constructor(params: ChainParams = easyParams(), salt = 0n) {
    this.params = params
    this.known = new ShareChain({ params })
    this.#salt = salt << 32n
  }

  get genesis(): ShareHash {
    const hash = this.known.confirmedHashAt(0)
    invariant(hash !== undefined, 'a chain has a genesis')
    return hash
  }

  /** Mines one share. Each is different, even for equal wishes. */
  build(wish: ShareWish): Share {
    const share = this.#mine(this.#headerOf(wish), wish)
    this.take(share)
    return share
  }

  /** Learns a share somebody else mined. */
  take(share: Share): void {
    this.shares.set(share.hash, share)
    this.known.addShare(share, 'own', FAR_FUTURE_MS)
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
      bitcoinHeight: BigInt(wish.template?.bitcoinHeight ?? 100)
    }
  }

  #mine(draft: Omit<ShareHeader, 'bitcoinHeader' | 'coinbaseProof'>, wish: ShareWish): Share {
    const { template } = wish
    const bitcoinBits = template?.bits ?? HARD_BITCOIN_BITS
    const merkleBranch = template?.merkleBranch ?? new Uint8Array(0)
    const skeleton = buildCoinbase({
      bitcoinHeight: Number(draft.bitcoinHeight),
      auxFlags: new Uint8Array(0),
      poolSignature: this.params.poolSignature,
      outputs: this.#outputs(draft, wish, bitcoinBits),
      witnessCommitmentScript: template?.witnessCommitmentScript ?? null,
      layout: 'share'
    })
    const prefix = commitmentPrefix({ ...draft, shareWitnessRoot: ZERO_32 })
    const commitment = commitmentOf(prefix, draft.minerBitcoinAddress, draft.minerAddress)
    const nsecs = this.#salt++
    const coinbase = coinbaseOf({ nsecs, commitment, work: { coinbase: skeleton } }, new Uint8Array(12))
    const bitcoinCoinbase = decodeTransaction(new ByteReader(coinbase))
    const bitcoinHeader = grind(
      {
        version: 0x2000_0000,
        prevHashWire: template?.prevHashWire ?? ZERO_32,
        merkleRootWire: foldBranch(txidWire(bitcoinCoinbase), merkleBranch),
        timeSec: draft.timeSec,
        bits: bitcoinBits
      },
      wish.isBlock === true ? [draft.bits, bitcoinBits] : [draft.bits]
    )
    const coinbaseProof = buildCoinbaseProof(coinbase, skeleton.prefixLengthBytes, ZERO_32)
    const header: ShareHeader = { ...draft, bitcoinHeader, coinbaseProof }
    const transactions = [shareCoinbase(header)]
    return { hash: shareHashOf(header), header, transactions, merkleBranch, bitcoinCoinbase }
  }

  #outputs(
    draft: Pick<ShareHeader, 'prevShareHash' | 'minerBitcoinAddress'>,
    wish: ShareWish,
    bitcoinBits: CompactBits
  ): { valueSats: bigint; script: Uint8Array }[] {
    if (wish.spoil === 'payout') return [{ valueSats: BLOCK_VALUE_SATS, script: draft.minerBitcoinAddress.script }]
    const weights = this.known.payoutWeights(draft.prevShareHash, bitcoinBits)
    invariant(weights !== null, 'the builder holds every share')
    const payouts = payoutOutputs({ valueSats: BLOCK_VALUE_SATS, donation: null, fee: null, weights })
    return payouts.map(({ valueSats, address }) => ({ valueSats, script: address.script }))
  }
}

/** A time at which no share is from the future. */
const FAR_FUTURE_MS: UnixMs = msFromSec(unixSec(0xffff_ffff))

/** A moment when a share is that many seconds old. */
export function secondsAfter(share: Share, seconds: number): UnixMs {
  return unixMs((share.header.timeSec + seconds) * 1_000)
}

function minerAddress(params: ChainParams, miner: number): ConsensusAddress {
  const script = witnessProgramScript(0, new Uint8Array(20).fill(miner + 1))
  const address = consensusAddressFromScript(params.addressClass, script)
  invariant(address !== null, 'a miner has an address')
  return address
}

/** Tries nonces until the hash meets all the targets: real work, a few dozen hashes of it. */
function grind(
  fields: Omit<ShareHeader['bitcoinHeader'], 'nonce'>,
  targetBits: readonly CompactBits[]
): ShareHeader['bitcoinHeader'] {
  const targets = targetBits.map(targetFromBits)
  const bytes = encodeBitcoinHeader({ ...fields, nonce: 0 })
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const hashWire = new Uint8Array(32)
  for (let nonce = 0; ; nonce++) {
    view.setUint32(76, nonce, true)
    sha256d80Into(bytes, 0, hashWire, 0)
    if (targets.every(target => hashMeetsTarget(hashWire, target))) return { ...fields, nonce }
  }
}
