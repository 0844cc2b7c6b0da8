import {
  type DecodedBlock,
  type DevnetSeed,
  decodeBlock,
  decodeBlockRecords,
  decodeDevnetSeed,
  encodeBlock,
  encodeBlockRecord,
  encodeDevnetSeed,
  strippedBlockBytes
} from '@p2poolv2/devchain'
import { blockHash, concatBytes, sha256d } from '@p2poolv2/primitives'
import { decodeMessage, type ExchangeMessage, encodeMessage } from '../../../packages/devchain/src/exchange/messages.ts'
import { REGTEST_GENESIS } from '../../../packages/devchain/src/genesis.ts'
import { hold, type Target } from '../engine/target.ts'
import { fresh, holdCanonical, isCodecError } from './same.ts'

const message: Target<ExchangeMessage> = {
  name: 'devnet-message',
  door: 'peers',
  maxBytes: 2_048,
  seeds: () => [
    encodeMessage({ type: 'getBlocks', locator: [blockHash('ab'.repeat(32)), blockHash('cd'.repeat(32))] }),
    encodeMessage({ type: 'newBlock', block: REGTEST_GENESIS }),
    encodeMessage({ type: 'blocks', firstHeight: 1, tipHeight: 9, blocks: [REGTEST_GENESIS, REGTEST_GENESIS] }),
    encodeMessage({ type: 'noted' })
  ],
  isRefusal: isCodecError,
  decode: decodeMessage,
  laws: (read, bytes) => holdCanonical(encodeMessage(fresh(read)), bytes)
}

const block: Target<DecodedBlock | null> = {
  name: 'devnet-block',
  door: 'peers',
  maxBytes: 2_048,
  seeds: () => [REGTEST_GENESIS, concatBytes(REGTEST_GENESIS, Uint8Array.of(1, 2))],
  decode: bytes => decodeBlock(bytes, 'refused'),
  laws(read, bytes) {
    if (read === null) return
    const copy = fresh(read)
    holdCanonical(encodeBlock(copy), bytes)
    hold(strippedBlockBytes(copy) <= bytes.length, 'is longer without witnesses')
  }
}

const seed: Target<DevnetSeed> = {
  name: 'devnet-seed',
  door: 'owner',
  maxBytes: 600,
  seeds: () => {
    const plain = { genesisTimeSec: 1_700_000_000, genesisShareHashWire: new Uint8Array(32).fill(3) }
    const header = REGTEST_GENESIS.slice(0, 80)
    return [
      encodeDevnetSeed({ ...plain, bitcoin: 'embedded', genesisBlock: null }),
      encodeDevnetSeed({ ...plain, bitcoin: 'node', genesisBlock: { bitcoinHeight: 5, header, coinbase: null } }),
      encodeDevnetSeed({
        ...plain,
        bitcoin: 'embedded',
        genesisBlock: { bitcoinHeight: 0, header, coinbase: REGTEST_GENESIS.slice(81) }
      })
    ]
  },
  isRefusal: isCodecError,
  decode: decodeDevnetSeed,
  laws: (read, bytes) => holdCanonical(encodeDevnetSeed(read), bytes)
}

/** A block, its height before it, as a file of blocks holds it. */
const records: Target<ReturnType<typeof decodeBlockRecords>> = {
  name: 'devnet-block-file',
  door: 'disk',
  maxBytes: 2_048,
  seeds: () => {
    const record = encodeBlockRecord({ bitcoinHeight: 1, bytes: REGTEST_GENESIS })
    return [
      record,
      concatBytes(record, record.slice(0, 30)),
      encodeBlockRecord({ bitcoinHeight: 7, bytes: new Uint8Array(3) })
    ]
  },
  decode: decodeBlockRecords,
  laws({ records: read, goodBytes }, bytes) {
    hold(goodBytes <= bytes.length, 'is longer than the file')
    holdCanonical(concatBytes(...read.map(encodeBlockRecord)), bytes.subarray(0, goodBytes))
  },
  mend(bytes) {
    if (bytes.length < 12) return bytes
    const result = bytes.slice()
    const view = new DataView(result.buffer)
    const length = Math.min(view.getUint32(0, true), result.length - 12)
    view.setUint32(0, length, true)
    const checked = concatBytes(result.slice(4, 8), result.slice(12, 12 + length))
    result.set(sha256d(checked).subarray(0, 4), 8)
    return result
  }
}

export const TARGETS: readonly Target[] = [message, block, seed, records] as Target[]
