/**
 * Real shares with real work, from signet, in the two formats before this one. What they share with revision 2026-10b is
 * checked here: share coinbase, commitment, payouts, difficulty rule, chaining (protocol §25).
 */
import {
  bitcoinHeaderHashWire,
  decodeBitcoinHeader,
  pushData,
  scriptNumberPush,
  type Transaction,
  txidWire
} from '@p2poolv2/bitcoin'
import {
  asciiToBytes,
  ByteReader,
  ByteWriter,
  bytesToHexReversed,
  hashMeetsTarget,
  hexToBytes,
  type ShareHash,
  sha256,
  sha256d,
  shareHash,
  shareHashFromWire,
  targetFromBits,
  wireFromDisplay
} from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { requiredBits } from './asert.ts'
import { shareCoinbase } from './coinbase/share-coinbase.ts'
import { commitmentPrefix } from './commitment/commitment.ts'
import { genesisShare } from './genesis/genesis.ts'
import { chainParams } from './params.ts'
import { payoutOutputs } from './payout/payout.ts'
import { naivePayoutWeights } from './payout/window-source.ts'
import { type ConsensusAddress, consensusAddress, type ShareHeader } from './share.ts'
import { ShareTree } from './testing/share-tree.ts'
import vectors from './vectors/real-shares.json' with { type: 'json' }

const SIGNET = chainParams('signet')
const ROOT_OF_NOTHING = new Uint8Array(32)
const POOL_SIGNATURE = asciiToBytes('P2Poolv2')

/** Hashes in display order; no share has uncles, cuts or flags. */
interface OldShare {
  readonly prevHash: string
  readonly payoutAddress: string
  /** Of the taproot share address. */
  readonly shareProgram: string
  readonly shareMerkleRoot: string
  readonly bitcoinHeaderHex: string
  readonly bits: string
  readonly timeSec: number
  readonly valueSats: number
  readonly witnessCommitmentHex: string | null
  readonly bitcoinHeight: number
  /** Decimal: nanoseconds do not fit a double. */
  readonly nsecs: string
  readonly extranonceHex: string
}

interface Old {
  readonly revision: 'R1' | 'R2'
  readonly share: OldShare
  readonly bits: number
  readonly hash: ShareHash
  readonly height: number
  readonly header: Pick<ShareHeader, 'bitcoinHeader' | 'minerAddress' | 'coinbaseProof'>
  readonly address: ConsensusAddress
}

function readOldShare(share: OldShare, height: number, revision: 'R1' | 'R2'): Old {
  const address = consensusAddress(share.payoutAddress, 'test')
  if (address === null) throw new Error('a signet address')
  const header = {
    bitcoinHeader: decodeBitcoinHeader(new ByteReader(hexToBytes(share.bitcoinHeaderHex))),
    minerAddress: { version: 1, program: hexToBytes(share.shareProgram) },
    coinbaseProof: { midstate: ROOT_OF_NOTHING, prefixLengthBytes: 0, shareWitnessRoot: ROOT_OF_NOTHING }
  }
  const hash = shareHashFromWire(sha256d(encodeOldHeader(share)))
  return { revision, share, bits: Number(share.bits), hash, height, header, address }
}

/** The header of R1 and R2: addresses as text, coinbase fields at the end. */
function encodeOldHeader(share: OldShare): Uint8Array {
  const writer = new ByteWriter()
  writer.bytes(wireFromDisplay(share.prevHash)).compactSize(0).varBytes(asciiToBytes(share.payoutAddress))
  writer.u8(1).u8(32).bytes(hexToBytes(share.shareProgram)).bytes(wireFromDisplay(share.shareMerkleRoot))
  writer.bytes(hexToBytes(share.bitcoinHeaderHex)).u32(Number(share.bits)).u32(share.timeSec)
  writer.bool(false).u16(0).bool(false).u16(0).u64(BigInt(share.valueSats)).bool(false)
  const commitment = share.witnessCommitmentHex
  writer.bool(commitment !== null)
  if (commitment !== null) writer.bytes(hexToBytes(commitment))
  writer.u64(BigInt(share.bitcoinHeight)).u64(BigInt(share.nsecs))
  return writer.bytes(hexToBytes(share.extranonceHex)).finish()
}

/**
 * The commitment of both: no class byte before the payout script. R1 ends with the merkle root of the share's transactions
 * and has neither witness root nor share address, which that root covers.
 */
function oldCommitment({ revision, share, bits, header, address }: Old): Uint8Array {
  const prefix = commitmentPrefix({
    prevShareHash: shareHash(share.prevHash),
    uncles: [],
    bits,
    timeSec: share.timeSec,
    donationAddress: null,
    donationBps: 0,
    feeAddress: null,
    feeBps: 0,
    shareWitnessRoot: revision === 'R1' ? new Uint8Array(0) : ROOT_OF_NOTHING
  })
  const writer = new ByteWriter().bytes(prefix).varBytes(address.script)
  if (revision === 'R1') return sha256(writer.bytes(wireFromDisplay(share.shareMerkleRoot)).finish())
  const { version, program } = header.minerAddress
  return sha256(writer.u8(version).u8(program.length).bytes(program).finish())
}

/** The bitcoin coinbase of both: the commitment is the fourth push of the script, and nothing pads. */
function oldBitcoinCoinbase(
  old: Old,
  outputs: readonly { address: ConsensusAddress; valueSats: bigint }[]
): Transaction {
  const { share } = old
  const scriptSig = new ByteWriter()
    .bytes(scriptNumberPush(share.bitcoinHeight))
    .bytes(pushData(Uint8Array.of(0)))
    .bytes(pushData(hexToBytes(share.extranonceHex)))
    .bytes(pushData(oldCommitment(old)))
    .bytes(pushData(new ByteWriter().u64(BigInt(share.nsecs)).finish()))
    .bytes(pushData(POOL_SIGNATURE))
    .finish()
  return {
    version: 2,
    inputs: [{ prevTxidWire: ROOT_OF_NOTHING, prevIndex: 0xffffffff, scriptSig, sequence: 0xfffffffe, witness: [] }],
    outputs: [
      ...outputs.map(({ address, valueSats }) => ({ valueSats, script: address.script })),
      { valueSats: 0n, script: hexToBytes(share.witnessCommitmentHex ?? '') }
    ],
    lockTime: share.bitcoinHeight - 1
  }
}

describe('real shares of the formats before this one', () => {
  const chains = (['R1', 'R2'] as const).map(revision => {
    const { shares } = vectors.chains.find(chain => chain.revision === revision) ?? { shares: [] }
    return { revision, shares: shares.map((share, height) => readOldShare(share, height, revision)) }
  })

  it.each(chains)('follow each other by hash: $revision', ({ shares }) => {
    expect(shares).toHaveLength(5)
    shares.slice(1).forEach(({ share }, index) => {
      expect(share.prevHash).toBe(shares[index]?.hash)
    })
  })

  it('begin with the genesis hashes of their revisions', () => {
    const hashes = chains.map(({ shares }) => shares[0]?.hash ?? '')
    expect(hashes[0]).toMatch(/^f2e87888/)
    expect(hashes[1]).toBe('e146560b6779e03d5673dd1d1793467dbd796b3bdd2d29e22bed575c7d29a17d')
  })

  it.each(chains)('begin with the genesis miner, time, target and bitcoin block: $revision', ({ shares }) => {
    const genesis = genesisShare(SIGNET).header
    const [first] = shares
    expect(first?.header.bitcoinHeader).toEqual(genesis.bitcoinHeader)
    expect(first?.header.minerAddress).toEqual(genesis.minerAddress)
    expect(first?.address.text).toBe(genesis.minerBitcoinAddress.text)
    expect([first?.share.timeSec, first?.bits]).toEqual([genesis.timeSec, genesis.bits])
  })

  it.each(chains)('carry the bits their parent demands, and the work: $revision', ({ shares }) => {
    shares.slice(1).forEach(({ bits, header }, parentHeight) => {
      const parent = shares[parentHeight]?.share
      expect(bits).toBe(requiredBits(SIGNET, parent?.timeSec ?? 0, parentHeight))
      expect(hashMeetsTarget(bitcoinHeaderHashWire(header.bitcoinHeader), targetFromBits(bits))).toBe(true)
    })
  })

  it.each(chains)('commit to the share coinbase: $revision', ({ revision, shares }) => {
    for (const { share, header } of shares) {
      const coinbase = shareCoinbase(header)
      // R1 left the script empty; since R2 it pushes the bitcoin header's hash.
      const [input] = coinbase.inputs
      const inputs =
        revision === 'R1' && input !== undefined ? [{ ...input, scriptSig: new Uint8Array(0) }] : coinbase.inputs
      expect(bytesToHexReversed(txidWire({ ...coinbase, inputs }))).toBe(share.shareMerkleRoot)
    }
  })

  it.each(chains)(
    'pay the window of their parent, under their own commitment, in the mined coinbase: $revision',
    chain => {
      const addresses = [...new Map(chain.shares.map(({ address }) => [address.text, address])).values()]
      const minerOf = (old: Old): number => addresses.findIndex(({ text }) => text === old.address.text)
      const tree = new ShareTree({ miner: 0, bits: SIGNET.anchorBits })
      tree.minerAddress = miner => addresses[miner] as ConsensusAddress
      for (const old of chain.shares.slice(1)) tree.add({ prev: old.height - 1, miner: minerOf(old), bits: old.bits })
      for (const old of chain.shares.slice(1)) {
        const bitcoinBits = old.header.bitcoinHeader.bits
        const weights = naivePayoutWeights(SIGNET, tree, { anchorSlot: old.height - 1, bitcoinBits })
        if (weights === null) throw new Error('the window is held')
        const outputs = payoutOutputs({
          valueSats: BigInt(old.share.valueSats),
          donation: null,
          fee: null,
          weights
        })
        expect(outputs.map(({ address }) => address.text)).toEqual([chain.shares[old.height - 1]?.address.text])
        // No other transactions: the coinbase's txid is the merkle root.
        const coinbase = oldBitcoinCoinbase(old, outputs)
        expect(bytesToHexReversed(txidWire(coinbase)), `share ${old.height}`).toBe(
          bytesToHexReversed(old.header.bitcoinHeader.merkleRootWire)
        )
      }
    }
  )
})
