/**
 * Real shares with real work, from signet, in the two formats before this one. What they share with revision 2026-10 is
 * checked here: share coinbase, commitment, payouts, difficulty rule, chaining (protocol §25).
 * The files belong to the reference project and are not part of this one; without them beside it there is nothing to run.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  bitcoinHeaderHashWire,
  encodeBitcoinHeader,
  pushData,
  scriptNumberPush,
  type Transaction,
  txidWire
} from '@p2poolv2/bitcoin'
import {
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
import { commitmentPrefix } from './commitment.ts'
import { genesisShare } from './genesis.ts'
import { chainParams } from './params.ts'
import { payoutOutputs } from './payout.ts'
import { type ConsensusAddress, consensusAddress, type ShareHeader } from './share.ts'
import { shareCoinbase } from './share-coinbase.ts'
import { ShareTree } from './testing/share-tree.ts'
import { naivePayoutWeights } from './window-source.ts'

const SIGNET = chainParams('signet')
const ROOT_OF_NOTHING = new Uint8Array(32)
const FIXTURES = join(fileURLToPath(new URL('../../../..', import.meta.url)), 'shared', 'spec', 'fixtures')
const FILES = [
  { revision: 'R1', path: join(FIXTURES, 'share_sync-share_blocks-123b69ce.json') },
  { revision: 'R2', path: join(FIXTURES, 'share_sync-share_headers-0a14544a.json') }
] as const
const isPresent = FILES.every(({ path }) => existsSync(path))

interface OldShare {
  readonly prev_share_blockhash: string
  readonly uncles: readonly string[]
  readonly miner_bitcoin_address: string
  readonly miner_address: string
  readonly merkle_root: string
  readonly bitcoin_header: {
    readonly version: number
    readonly prev_blockhash: string
    readonly merkle_root: string
    readonly time: number
    readonly bits: number
    readonly nonce: number
  }
  readonly bits: number
  readonly time: number
  readonly coinbase_value: number
  readonly witness_commitment: string | null
  readonly bitcoin_height: number
  readonly coinbase_nsecs: string
  readonly extranonce: string
}

interface Old {
  readonly revision: 'R1' | 'R2'
  readonly share: OldShare
  readonly hash: ShareHash
  readonly height: number
  readonly header: Pick<ShareHeader, 'bitcoinHeader' | 'minerAddress' | 'coinbaseProof'>
  readonly address: ConsensusAddress
}

function readOldShares({ revision, path }: (typeof FILES)[number]): Old[] {
  // Nanoseconds do not fit a double: keep them as text.
  const text = readFileSync(path, 'utf8').replace(/"coinbase_nsecs": *(\d+)/g, '"coinbase_nsecs": "$1"')
  return (JSON.parse(text) as OldShare[]).map((share, height) => {
    const { version, prev_blockhash, merkle_root, time, bits, nonce } = share.bitcoin_header
    const bitcoinHeader = {
      version,
      prevHashWire: wireFromDisplay(prev_blockhash),
      merkleRootWire: wireFromDisplay(merkle_root),
      timeSec: time,
      bits,
      nonce
    }
    const address = consensusAddress(share.miner_bitcoin_address, 'test')
    if (address === null) throw new Error('a signet address')
    const header = {
      bitcoinHeader,
      minerAddress: { version: 1, program: hexToBytes(share.miner_address.slice(4)) },
      coinbaseProof: { midstate: ROOT_OF_NOTHING, prefixLengthBytes: 0, shareWitnessRoot: ROOT_OF_NOTHING }
    }
    const hash = shareHashFromWire(sha256d(encodeOldHeader(share, encodeBitcoinHeader(bitcoinHeader))))
    return { revision, share, hash, height, header, address }
  })
}

/** The header of R1 and R2: addresses as text, coinbase fields at the end. None of these shares has options or uncles. */
function encodeOldHeader(share: OldShare, bitcoinHeader: Uint8Array): Uint8Array {
  const writer = new ByteWriter()
  writer.bytes(wireFromDisplay(share.prev_share_blockhash)).compactSize(0)
  writer.varBytes(new Uint8Array([...share.miner_bitcoin_address].map(letter => letter.charCodeAt(0))))
  writer.bytes(hexToBytes(share.miner_address)).bytes(wireFromDisplay(share.merkle_root))
  writer.bytes(bitcoinHeader).u32(share.bits).u32(share.time)
  writer.bool(false).u16(0).bool(false).u16(0).u64(BigInt(share.coinbase_value)).bool(false)
  const commitment = share.witness_commitment
  writer.bool(commitment !== null)
  if (commitment !== null) writer.bytes(hexToBytes(commitment))
  writer.u64(BigInt(share.bitcoin_height)).u64(BigInt(share.coinbase_nsecs))
  return writer.bytes(hexToBytes(share.extranonce)).finish()
}

/**
 * The commitment of both: no class byte before the payout script. R1 ends with the merkle root of the share's transactions
 * and has neither witness root nor share address, which that root covers.
 */
function oldCommitment({ revision, share, header, address }: Old): Uint8Array {
  const prefix = commitmentPrefix({
    prevShareHash: shareHash(share.prev_share_blockhash),
    uncles: [],
    bits: share.bits,
    timeSec: share.time,
    donationAddress: null,
    donationBps: 0,
    feeAddress: null,
    feeBps: 0,
    shareWitnessRoot: revision === 'R1' ? new Uint8Array(0) : ROOT_OF_NOTHING
  })
  const writer = new ByteWriter().bytes(prefix).varBytes(address.script)
  if (revision === 'R1') return sha256(writer.bytes(wireFromDisplay(share.merkle_root)).finish())
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
    .bytes(scriptNumberPush(share.bitcoin_height))
    .bytes(pushData(Uint8Array.of(0)))
    .bytes(pushData(hexToBytes(share.extranonce)))
    .bytes(pushData(oldCommitment(old)))
    .bytes(pushData(new ByteWriter().u64(BigInt(share.coinbase_nsecs)).finish()))
    .bytes(pushData(SIGNET.poolSignature))
    .finish()
  return {
    version: 2,
    inputs: [{ prevTxidWire: ROOT_OF_NOTHING, prevIndex: 0xffffffff, scriptSig, sequence: 0xfffffffe, witness: [] }],
    outputs: [
      ...outputs.map(({ address, valueSats }) => ({ valueSats, script: address.script })),
      { valueSats: 0n, script: hexToBytes(share.witness_commitment ?? '') }
    ],
    lockTime: share.bitcoin_height - 1
  }
}

describe.runIf(isPresent)(
  'real shares of the formats before this one (the captured files lie beside the project)',
  () => {
    const chains = isPresent ? FILES.map(file => ({ revision: file.revision, shares: readOldShares(file) })) : []
    if (!isPresent) it('has nothing to run: the captured files are not there', () => undefined)

    it.each(chains)('follow each other by hash: $revision', ({ shares }) => {
      expect(shares).toHaveLength(5)
      shares.slice(1).forEach(({ share }, index) => {
        expect(share.prev_share_blockhash).toBe(shares[index]?.hash)
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
      expect([first?.share.time, first?.share.bits]).toEqual([genesis.timeSec, genesis.bits])
    })

    it.each(chains)('carry the bits their parent demands, and the work: $revision', ({ shares }) => {
      shares.slice(1).forEach(({ share, header }, parentHeight) => {
        const parent = shares[parentHeight]?.share
        expect(share.bits).toBe(requiredBits(SIGNET, parent?.time ?? 0, parentHeight))
        expect(hashMeetsTarget(bitcoinHeaderHashWire(header.bitcoinHeader), targetFromBits(share.bits))).toBe(true)
      })
    })

    it.each(chains)('commit to the share coinbase: $revision', ({ revision, shares }) => {
      for (const { share, header } of shares) {
        const coinbase = shareCoinbase(header)
        // R1 left the script empty; since R2 it pushes the bitcoin header's hash.
        const [input] = coinbase.inputs
        const inputs =
          revision === 'R1' && input !== undefined ? [{ ...input, scriptSig: new Uint8Array(0) }] : coinbase.inputs
        expect(bytesToHexReversed(txidWire({ ...coinbase, inputs }))).toBe(share.merkle_root)
      }
    })

    it.each(chains)(
      'pay the window of their parent, under their own commitment, in the mined coinbase: $revision',
      chain => {
        const addresses = [...new Map(chain.shares.map(({ address }) => [address.text, address])).values()]
        const minerOf = (old: Old): number => addresses.findIndex(({ text }) => text === old.address.text)
        const tree = new ShareTree({ miner: 0, bits: SIGNET.anchorBits })
        tree.minerAddress = miner => addresses[miner] as ConsensusAddress
        for (const old of chain.shares.slice(1))
          tree.add({ prev: old.height - 1, miner: minerOf(old), bits: old.share.bits })
        for (const old of chain.shares.slice(1)) {
          const bitcoinBits = old.share.bitcoin_header.bits
          const weights = naivePayoutWeights(SIGNET, tree, { anchorSlot: old.height - 1, bitcoinBits })
          if (weights === null) throw new Error('the window is held')
          const outputs = payoutOutputs({
            valueSats: BigInt(old.share.coinbase_value),
            donation: null,
            fee: null,
            weights
          })
          expect(outputs.map(({ address }) => address.text)).toEqual([chain.shares[old.height - 1]?.address.text])
          // No other transactions: the coinbase's txid is the merkle root.
          const coinbase = oldBitcoinCoinbase(old, outputs)
          expect(bytesToHexReversed(txidWire(coinbase)), `share ${old.height}`).toBe(
            old.share.bitcoin_header.merkle_root
          )
        }
      }
    )
  }
)
