import type { BitcoinHeight, BlockHash, CompactBits, Sats } from '@p2poolv2/primitives'
import { blockHashFromWire, hashMeetsTarget, targetFromBits } from '@p2poolv2/primitives'
import { BITCOIN_HEIGHT_LIMIT } from './coinbase.ts'
import { type BitcoinHeader, bitcoinHeaderHashWire } from './header.ts'
import { type BlockTemplate, witnessCommitmentScriptOf } from './template.ts'

/** The newest block of a bitcoin node, as far as work on top of it needs it. */
export interface BitcoinTip {
  readonly hash: BlockHash
  readonly header: BitcoinHeader
  readonly bitcoinHeight: BitcoinHeight
  /** Of this block and the ten before it. */
  readonly medianTimeSec: number
}

/** What is known in advance of the block after any other. */
interface ChainRule {
  readonly halvingBlocks: number
  /** The bits of the block after `tip`; null where only the bitcoin node can know them. */
  readonly bitsAfter: (tip: BitcoinTip) => CompactBits | null
}

const FIRST_SUBSIDY_SATS = 5_000_000_000n
/** Blocks of one difficulty: the first of each has bits of its own. */
const RETARGET_BLOCKS = 2016
/** The only bits there are on regtest. A chain that says it is regtest and has others retargets by a rule of its own. */
const REGTEST_BITS = 0x207fffff

const bitsInPeriod = ({ bitcoinHeight, header }: BitcoinTip): CompactBits | null =>
  (bitcoinHeight + 1) % RETARGET_BLOCKS === 0 ? null : header.bits

/**
 * By bitcoind's name of the chain. The test networks are missing: there a block that is twenty minutes late is easier, so its bits
 * depend on its own time.
 */
const RULES: ReadonlyMap<string, ChainRule> = new Map([
  ['main', { halvingBlocks: 210_000, bitsAfter: bitsInPeriod }],
  ['signet', { halvingBlocks: 210_000, bitsAfter: bitsInPeriod }],
  ['regtest', { halvingBlocks: 150, bitsAfter: ({ header }) => (header.bits === REGTEST_BITS ? REGTEST_BITS : null) }]
])

/** Whether a header is the block of this hash, with the work that its bits ask for. Cost: one hash. */
export function isHeaderOf(hash: BlockHash, header: BitcoinHeader): boolean {
  const hashWire = bitcoinHeaderHashWire(header)
  return blockHashFromWire(hashWire) === hash && hashMeetsTarget(hashWire, targetFromBits(header.bits))
}

/**
 * The template of a block without transactions on top of `tip`, before the bitcoin node has made one with transactions: parent,
 * height, bits, earliest time and subsidy follow from the tip. Such a block is as valid as any other and pays the subsidy alone.
 * @param chain bitcoind's name of it: main, test, testnet4, signet, regtest
 * @param before the bitcoin node's newest template: what does not change from one block to the next is taken from it
 * @param nowSec by the bitcoin node's clock
 * @returns null where it cannot be known: after the last block of a difficulty period, on the test networks, and where `tip` does not
 *   fit what `before` says
 */
export function emptyTemplate(
  tip: BitcoinTip,
  { chain, before, nowSec }: { readonly chain: string; readonly before: BlockTemplate; readonly nowSec: number }
): BlockTemplate | null {
  const rule = RULES.get(chain)
  const bits = rule?.bitsAfter(tip) ?? null
  if (rule === undefined || bits === null) return null
  const bitcoinHeight = tip.bitcoinHeight + 1
  if (bitcoinHeight >= BITCOIN_HEIGHT_LIMIT) return null
  // Going back is bitcoind's to explain. A child of the parent that is known has the next height.
  if (bitcoinHeight < before.bitcoinHeight) return null
  const isChild = blockHashFromWire(tip.header.prevHashWire) === before.prevHash
  if (isChild && tip.bitcoinHeight !== before.bitcoinHeight) return null
  const minTimeSec = tip.medianTimeSec + 1
  return {
    ...before,
    bitcoinHeight,
    prevHash: tip.hash,
    prevHashWire: bitcoinHeaderHashWire(tip.header),
    bits,
    bitcoinTarget: targetFromBits(bits),
    curTimeSec: Math.max(minTimeSec, nowSec),
    minTimeSec,
    coinbaseValueSats: subsidySats(bitcoinHeight, rule.halvingBlocks),
    // Signet demands a commitment even of an empty block (BIP325).
    witnessCommitmentScript: before.witnessCommitmentScript === null ? null : witnessCommitmentScriptOf([]),
    transactions: [],
    merkleBranch: new Uint8Array(0),
    longPollId: null
  }
}

/** What a block may pay beside its fees. */
export function subsidySats(bitcoinHeight: BitcoinHeight, halvingBlocks: number): Sats {
  const halvings = Math.floor(bitcoinHeight / halvingBlocks)
  return halvings >= 64 ? 0n : FIRST_SUBSIDY_SATS >> BigInt(halvings)
}
