/** What a bitcoin coinbase commits to when it may become a share. Source: protocol §4. */
import { asciiToBytes, ByteWriter, sha256, wireFromDisplay } from '@p2poolv2/primitives'
import { writeAddress, writeHashes, writeWitnessProgram } from '../encoding/share-codec.ts'
import type { ConsensusAddress, ShareHeader, WitnessProgram } from '../share.ts'

/** The part of the commitment that all miners of one template share. `shareWitnessRoot` is 32 bytes, digest order. */
export interface CommitmentFields
  extends Pick<
    ShareHeader,
    'prevShareHash' | 'uncles' | 'bits' | 'timeSec' | 'donationAddress' | 'donationBps' | 'feeAddress' | 'feeBps'
  > {
  readonly shareWitnessRoot: Uint8Array
}

/** The two addresses of a miner; a connection without them gets a commitment that cannot become a share. */
export interface CommitmentMiner {
  readonly minerBitcoinAddress: ConsensusAddress | null
  readonly minerAddress: WitnessProgram | null
}

/** The preimage up to and including the witness root; made once per template. */
export function commitmentPrefix(fields: CommitmentFields): Uint8Array {
  return writePrefix(new ByteWriter(256), fields, fields.shareWitnessRoot).finish()
}

function writePrefix(
  writer: ByteWriter,
  fields: Omit<CommitmentFields, 'shareWitnessRoot'>,
  shareWitnessRoot: Uint8Array
): ByteWriter {
  writer.bytes(wireFromDisplay(fields.prevShareHash))
  writeHashes(writer, fields.uncles).u32(fields.bits).u32(fields.timeSec)
  writeOptionalText(writer, fields.donationAddress).u16(fields.donationBps)
  writeOptionalText(writer, fields.feeAddress).u16(fields.feeBps)
  return writer.bytes(shareWitnessRoot)
}

/** Donation and fee enter the commitment as text, though the header carries class and script. */
function writeOptionalText(writer: ByteWriter, address: ConsensusAddress | null): ByteWriter {
  writer.bool(address !== null)
  return address === null ? writer : writer.varBytes(asciiToBytes(address.text))
}

/** The whole preimage for one miner. */
export function commitmentPreimage(prefix: Uint8Array, miner: CommitmentMiner): Uint8Array {
  return writeMiner(new ByteWriter(256).bytes(prefix), miner).finish()
}

function writeMiner(writer: ByteWriter, { minerBitcoinAddress, minerAddress }: CommitmentMiner): ByteWriter {
  if (minerBitcoinAddress !== null) writeAddress(writer, minerBitcoinAddress)
  if (minerAddress !== null) writeWitnessProgram(writer, minerAddress)
  return writer
}

/** The commitment of one miner: a single SHA-256, 32 bytes, digest order. */
export function commitmentOf(
  prefix: Uint8Array,
  minerBitcoinAddress: ConsensusAddress | null,
  minerAddress: WitnessProgram | null
): Uint8Array {
  return writeMiner(new ByteWriter(256).bytes(prefix), { minerBitcoinAddress, minerAddress }).lend(sha256)
}

/** A header never changes; its proof and its coinbase are both measured by this. */
const COMMITMENTS = new WeakMap<ShareHeader, Uint8Array>()

/** The commitment a header stands for. */
export function commitmentOfHeader(header: ShareHeader): Uint8Array {
  const known = COMMITMENTS.get(header)
  if (known !== undefined) return known
  const writer = writePrefix(new ByteWriter(256), header, header.coinbaseProof.shareWitnessRoot)
  const commitment = writeMiner(writer, header).lend(sha256)
  COMMITMENTS.set(header, commitment)
  return commitment
}
