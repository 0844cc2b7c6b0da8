import { encodeBitcoinHeader, encodeTransaction } from '../../packages/bitcoin/src/index.ts'
import { encodeHeaderBatch, encodeShare, encodeShareHeader, type Share } from '../../packages/consensus/src/index.ts'
import { encodeFrame } from '../../packages/gossip/src/wire/frame.ts'
import {
  ByteWriter,
  bytesEqual,
  bytesToHex,
  concatBytes,
  sha256d,
  wireFromDisplay
} from '../../packages/primitives/src/index.ts'
import { code, DocsError, table } from './page.ts'

/** A piece of an encoding: how it is written, what it means, and its bytes in the example. */
export interface Part {
  readonly name: string
  readonly encoding: string
  readonly meaning: string
  readonly bytes: Uint8Array
}

/**
 * The parts as they are, if put together they are what our encoder makes.
 * @throws DocsError if the page would describe other bytes than the code writes
 */
export function verified(parts: readonly Part[], whole: Uint8Array, what: string): readonly Part[] {
  if (bytesEqual(concatBytes(...parts.map(({ bytes }) => bytes)), whole)) return parts
  throw new DocsError(
    `docs/wire.md: the parts of a ${what} in scripts/docs/wire-example.ts are not what the code encodes`
  )
}

/** The parts of an encoding as rows, with where each begins in the example. */
export function partsTable(parts: readonly Part[]): string {
  let offset = 0
  return table({
    head: ['field', 'encoding', 'meaning', 'at', 'example'],
    rows: parts.map(({ name, encoding, meaning, bytes }) => {
      const at = String(offset)
      offset += bytes.length
      return [name, encoding, meaning, at, code(shortHex(bytes))]
    })
  })
}

/** At most eight bytes in full, of longer ones both ends. */
export function shortHex(bytes: Uint8Array): string {
  if (bytes.length <= 8) return bytesToHex(bytes)
  return `${bytesToHex(bytes.subarray(0, 4))}…${bytesToHex(bytes.subarray(-4))}`
}

/** Lines of 32 bytes. */
export function hexBlock(bytes: Uint8Array): string {
  const lines = bytesToHex(bytes).match(/.{1,64}/g) ?? []
  return ['```text', ...lines, '```'].join('\n')
}

const written = (write: (writer: ByteWriter) => ByteWriter): Uint8Array => write(new ByteWriter()).finish()

export function headerParts({ header }: Share): readonly Part[] {
  const { minerBitcoinAddress: payout, minerAddress, coinbaseProof: proof } = header
  const part = (name: string, encoding: string, meaning: string) => (write: (writer: ByteWriter) => ByteWriter) => ({
    name,
    encoding,
    meaning,
    bytes: written(write)
  })
  const noAddress = 'the example has none'
  const parts: Part[] = [
    part(
      'parent',
      'hash',
      'share hash of the parent; zero in the genesis only'
    )(w => w.bytes(wireFromDisplay(header.prevShareHash))),
    part(
      'uncles',
      'CompactSize, hashes',
      'in the order the share names them'
    )(w => {
      w.compactSize(header.uncles.length)
      for (const uncle of header.uncles) w.bytes(wireFromDisplay(uncle))
      return w
    }),
    part(
      'payout address',
      'address',
      'the bitcoin address that is paid'
    )(w => w.u8(payout.addressClass).varBytes(payout.script)),
    part(
      'share address',
      'u8 version, u8 length, program',
      'the miner on the share chain'
    )(w => w.u8(minerAddress.version).u8(minerAddress.program.length).bytes(minerAddress.program)),
    part('bitcoin header', '80 bytes', 'carries the work')(w => w.bytes(encodeBitcoinHeader(header.bitcoinHeader))),
    part('bits', 'u32', 'share target, compact')(w => w.u32(header.bits)),
    part('time', 'u32', 'unix seconds')(w => w.u32(header.timeSec)),
    part('donation address', 'bool, then an address if true', noAddress)(w => w.bool(header.donationAddress !== null)),
    part('donation', 'u16', 'basis points; 0 without an address')(w => w.u16(header.donationBps)),
    part('fee address', 'bool, then an address if true', noAddress)(w => w.bool(header.feeAddress !== null)),
    part('fee', 'u16', 'basis points; 0 without an address')(w => w.u16(header.feeBps)),
    part('bitcoin height', 'u64', 'of the block being mined')(w => w.u64(header.bitcoinHeight)),
    part(
      'proof: midstate',
      '32 bytes',
      'SHA-256 state after the coinbase prefix, eight words, each big-endian'
    )(w => w.bytes(proof.midstate)),
    part('proof: prefix length', 'u32', 'bytes of that prefix, a multiple of 64')(w => w.u32(proof.prefixLengthBytes)),
    part('proof: witness root', '32 bytes', 'of the share’s transactions')(w => w.bytes(proof.shareWitnessRoot))
  ]
  return verified(parts, encodeShareHeader(header), 'share header')
}

export function shareParts(share: Share): readonly Part[] {
  const [shareCoinbase] = share.transactions
  if (shareCoinbase === undefined) throw new DocsError('a share without transactions cannot be the example of wire.md')
  const parts: Part[] = [
    { name: 'header', encoding: 'above', meaning: '', bytes: encodeShareHeader(share.header) },
    {
      name: 'transactions',
      encoding: 'CompactSize, transactions',
      meaning: 'the first is the share coinbase',
      bytes: concatBytes(Uint8Array.of(share.transactions.length), encodeTransaction(shareCoinbase))
    },
    {
      name: 'merkle branch',
      encoding: 'CompactSize, nodes of 32 bytes',
      meaning: 'from the bitcoin coinbase to the merkle root; at most 16 nodes',
      bytes: concatBytes(Uint8Array.of(share.merkleBranch.length / 32), share.merkleBranch)
    },
    {
      name: 'bitcoin coinbase',
      encoding: 'transaction',
      meaning: 'without witness',
      bytes: encodeTransaction(share.bitcoinCoinbase)
    }
  ]
  return verified(parts, encodeShare(share), 'share')
}

export function batchParts(share: Share): readonly Part[] {
  const { header, merkleBranch } = share
  const parts: Part[] = [
    {
      name: 'branches',
      encoding: 'CompactSize, merkle branches',
      meaning: 'each different one once, in order of first use',
      bytes: concatBytes(Uint8Array.of(1, merkleBranch.length / 32), merkleBranch)
    },
    { name: 'headers', encoding: 'CompactSize', meaning: 'how many follow', bytes: Uint8Array.of(1) },
    { name: '– branch', encoding: 'u16', meaning: 'index into the branches', bytes: Uint8Array.of(0, 0) },
    {
      name: '– root included',
      encoding: 'bool',
      meaning: 'whether the header has its bitcoin merkle root',
      bytes: Uint8Array.of(1)
    },
    {
      name: '– header',
      encoding: 'share header',
      meaning: 'without bytes 36 to 67 of the bitcoin header if the root is left out',
      bytes: encodeShareHeader(header)
    }
  ]
  return verified(parts, encodeHeaderBatch([{ header, merkleBranch }]), 'header batch')
}

export function frameParts(payload: Uint8Array): readonly Part[] {
  const parts: Part[] = [
    { name: 'length', encoding: 'u32', meaning: 'bytes of the payload', bytes: written(w => w.u32(payload.length)) },
    {
      name: 'checksum',
      encoding: '4 bytes',
      meaning: 'the first of SHA256d(payload)',
      bytes: sha256d(payload).subarray(0, 4)
    },
    { name: 'payload', encoding: 'one message', meaning: 'a type byte and a body', bytes: payload }
  ]
  return verified(parts, encodeFrame(payload), 'frame')
}
