import { witnessCommitmentScriptOf } from '@p2poolv2/bitcoin'
import { type ChainParams, type ConsensusAddress, mineShare, payoutOutputs, type Share } from '@p2poolv2/consensus'
import type { CompactBits, SeededRng, ShareHash } from '@p2poolv2/primitives'
import type { ShareChain } from '@p2poolv2/sharechain'

export interface ForgeOrder {
  readonly params: ChainParams
  /** The forger's own view, in which the parent is known. */
  readonly chain: ShareChain
  readonly parent: ShareHash
  readonly timeSec: number
  readonly payee: ConsensusAddress
  readonly bitcoinBits: CompactBits
  readonly rng: SeededRng
  readonly uncles?: readonly ShareHash[]
  /** `everything-to-me`: the body is whole and proven, but the payouts are not those of the window. */
  readonly payouts?: 'right' | 'everything-to-me'
  /** Overrides what the difficulty rule asks. */
  readonly bits?: CompactBits
}

const VALUE_SATS = 5_000_000_000n
const BITCOIN_HEIGHT = 800_001n

/**
 * Makes a share on any parent and mines it for real: the way an attacker with his own software does, beside the node.
 * @returns null when the payout window of the parent cannot be read
 */
export function forgeShare(order: ForgeOrder): Share | null {
  const { chain, parent, payee, rng } = order
  const weights = chain.payoutWeights(parent, order.bitcoinBits)
  if (weights === null) return null
  const bits = order.bits ?? chain.nextShareBits(parent)
  // In this order: what is drawn from the generator decides how a run goes on.
  const program = rng.bytes(32)
  const outputs =
    order.payouts === 'everything-to-me'
      ? [{ valueSats: VALUE_SATS, script: payee.script }]
      : payoutOutputs({ valueSats: VALUE_SATS, donation: null, fee: null, weights }).map(({ valueSats, address }) => ({
          valueSats,
          script: address.script
        }))
  const nsecs = BigInt(rng.u32())
  return mineShare({
    fields: {
      prevShareHash: parent,
      uncles: order.uncles ?? [],
      minerBitcoinAddress: payee,
      minerAddress: { version: 1, program },
      bits,
      timeSec: order.timeSec,
      donationAddress: null,
      donationBps: 0,
      feeAddress: null,
      feeBps: 0,
      bitcoinHeight: BITCOIN_HEIGHT
    },
    outputs,
    bitcoinHeader: {
      version: 0x2000_0000,
      prevHashWire: rng.bytes(32),
      timeSec: order.timeSec,
      bits: order.bitcoinBits
    },
    merkleBranch: new Uint8Array(0),
    padding: chain.padding(parent).form,
    witnessCommitmentScript: witnessCommitmentScriptOf([]),
    nsecs
  })
}
