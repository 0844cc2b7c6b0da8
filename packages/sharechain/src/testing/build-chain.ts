import { type BlockTemplate, type PaddingForm, type Transaction, witnessProgramScript } from '@p2poolv2/bitcoin'
import {
  type ChainParams,
  type ConsensusAddress,
  consensusAddressFromScript,
  devnetParams,
  genesisShare,
  type HeaderItem,
  mineShare,
  type PayoutCut,
  PayoutWindow,
  payoutOutputs,
  requiredBits,
  type Share,
  type ShareFacts,
  shareWitnessRoot
} from '@p2poolv2/consensus'
import {
  type CompactBits,
  invariant,
  msFromSec,
  type ShareHash,
  type UnixMs,
  unixMs,
  unixSec
} from '@p2poolv2/primitives'
import { headerEntry } from '../admission/intake.ts'
import { ShareChain } from '../share-chain.ts'
import { HeaderIndex } from '../tree/header-index.ts'

export const GENESIS_TIME_SEC = 1_700_000_000
/** About 65,536 hashes: no share of a test is a block by chance often enough to matter. */
const HARD_BITCOIN_BITS = 0x1f00ffff
/** About 256 hashes: a block that a test can mine. */
export const EASY_BITCOIN_BITS = 0x2000ffff
const BLOCK_VALUE_SATS = 5_000_000_000n
const NO_HASH = new Uint8Array(32)

/** A chain of about 32 hashes a share, so that a test can mine thousands of real ones. The rules are the real ones. */
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
  /** Who is paid instead of that miner. */
  readonly payee?: ConsensusAddress
  readonly donation?: PayoutCut
  readonly fee?: PayoutCut
  /** Default 50 bitcoin. */
  readonly valueSats?: bigint
  /** Of the bitcoin header, which decide how long the window is; default about 65,536 hashes. */
  readonly bitcoinBits?: CompactBits
  /** Default: as required. */
  readonly bits?: CompactBits
  /** Form of the padding; default A. */
  readonly padding?: PaddingForm
  /** `payout`: pays everything to the finder, whatever the window says. */
  readonly spoil?: 'payout'
  readonly template?: BlockTemplate
  /** Carried besides the share coinbase. */
  readonly transactions?: readonly Transaction[]
  /** The bitcoin target is met as well. */
  readonly isBlock?: true
}

/** Mines real shares on anything it has mined before, and knows them all. */
export class ChainBuilder {
  readonly params: ChainParams
  /** Given every share built so far, whatever a test tells its own chain. */
  readonly known: ShareChain
  readonly shares = new Map<ShareHash, Share>()
  /** Has every share built so far, also those that no chain lets in. */
  readonly #tree: HeaderIndex
  readonly #window: PayoutWindow
  #salt: bigint

  /** @param salt makes the shares of two builders different */
  constructor(params: ChainParams = easyParams(), salt = 0n) {
    this.params = params
    // Crowds are a test's own affair.
    this.known = new ShareChain({ params: { ...params, maxSharesPerHeight: 1000 } })
    this.#tree = new HeaderIndex(headerEntry(genesisShare(params)))
    this.#window = new PayoutWindow(params, this.#tree)
    this.#salt = salt << 32n
  }

  get genesis(): ShareHash {
    const hash = this.known.confirmedHashAt(0)
    invariant(hash !== undefined, 'a chain has a genesis')
    return hash
  }

  /** Of a share that was built, whether a chain lets it in or not; its validity is nobody's. */
  facts(hash: ShareHash): ShareFacts {
    const facts = this.#tree.facts(hash)
    invariant(facts !== undefined, 'a test builds on shares it has built')
    return facts
  }

  /** The bits a child of this share must carry. */
  nextShareBits(parent: ShareHash): CompactBits {
    const facts = this.facts(parent)
    return requiredBits(this.params, facts.timeSec, facts.height)
  }

  /** Mines one share. Each is different, even for equal wishes. */
  build(wish: ShareWish): Share {
    const share = this.#mine(wish)
    this.take(share)
    return share
  }

  /** Learns a share somebody else mined. */
  take(share: Share): void {
    this.shares.set(share.hash, share)
    if (!this.#tree.has(share.hash)) this.#tree.insert(headerEntry(share))
    deliver(this.known, share, this.shares)
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

  #mine(wish: ShareWish): Share {
    const parent = this.facts(wish.parent)
    const miner = wish.miner ?? 0
    const payee = wish.payee ?? minerAddress(this.params, miner)
    const bits = wish.bits ?? this.nextShareBits(wish.parent)
    const timeSec = wish.timeSec ?? parent.timeSec + 1
    const { template } = wish
    const bitcoinBits = wish.bitcoinBits ?? template?.bits ?? HARD_BITCOIN_BITS
    const carried = wish.transactions ?? []
    const share = mineShare(
      {
        fields: {
          prevShareHash: wish.parent,
          uncles: wish.uncles ?? [],
          minerBitcoinAddress: payee,
          minerAddress: { version: 1, program: new Uint8Array(32).fill(miner + 1) },
          bits,
          timeSec,
          donationAddress: wish.donation?.address ?? null,
          donationBps: wish.donation?.bps ?? 0,
          feeAddress: wish.fee?.address ?? null,
          feeBps: wish.fee?.bps ?? 0,
          bitcoinHeight: BigInt(template?.bitcoinHeight ?? 100)
        },
        outputs: this.#outputs(wish, payee, bitcoinBits),
        bitcoinHeader: {
          version: 0x2000_0000,
          prevHashWire: template?.prevHashWire ?? NO_HASH,
          timeSec,
          bits: bitcoinBits
        },
        merkleBranch: template?.merkleBranch ?? new Uint8Array(0),
        witnessCommitmentScript: template?.witnessCommitmentScript ?? null,
        ...(wish.padding === undefined ? {} : { padding: wish.padding }),
        // The first leaf is the coinbase's, whatever it is.
        ...(carried.length === 0 ? {} : { shareWitnessRoot: shareWitnessRoot([...carried.slice(0, 1), ...carried]) }),
        nsecs: this.#salt++
      },
      wish.isBlock === true ? [bits, bitcoinBits] : [bits]
    )
    return { ...share, transactions: [...share.transactions, ...carried] }
  }

  #outputs(
    wish: ShareWish,
    payee: ConsensusAddress,
    bitcoinBits: CompactBits
  ): { valueSats: bigint; script: Uint8Array }[] {
    if (wish.spoil === 'payout') return [{ valueSats: BLOCK_VALUE_SATS, script: payee.script }]
    const weights = this.#window.weights(this.#tree.slotOf(wish.parent), bitcoinBits)
    invariant(weights !== null, 'the builder holds every share')
    const { valueSats: wished = BLOCK_VALUE_SATS, donation = null, fee = null } = wish
    const payouts = payoutOutputs({ valueSats: wished, donation, fee, weights })
    return payouts.map(({ valueSats, address }) => ({ valueSats, script: address.script }))
  }
}

/** More than one line of shares may be missing, but none that is long. */
const MAX_DELIVERED = 24

/** Gives a chain a share and, as peers would, whatever it then misses and they have. */
export function deliver(chain: ShareChain, share: Share, shares: ReadonlyMap<ShareHash, Share>): void {
  const open = [share]
  const asked = new Set<ShareHash>()
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { verdict } = chain.addShare(next, 'peer', FAR_FUTURE_MS)
    if (verdict.type !== 'waiting') continue
    for (const hash of verdict.missing) {
      const missing = shares.get(hash)
      if (missing === undefined || asked.has(hash) || asked.size >= MAX_DELIVERED) continue
      asked.add(hash)
      open.push(missing)
    }
  }
}

/** A time at which no share is from the future. */
export const FAR_FUTURE_MS: UnixMs = msFromSec(unixSec(0xffff_ffff))

/** A moment when a share is that many seconds old. */
export function secondsAfter(share: Share, seconds: number): UnixMs {
  return unixMs((share.header.timeSec + seconds) * 1_000)
}

export function minerAddress(params: ChainParams, miner: number): ConsensusAddress {
  const script = witnessProgramScript(0, new Uint8Array(20).fill(miner + 1))
  const address = consensusAddressFromScript(params.addressClass, script)
  invariant(address !== null, 'a miner has an address')
  return address
}

export function headerItem({ header, merkleBranch, hash }: Share): HeaderItem {
  return { header, merkleBranch, hash }
}
