import {
  addressFromScript,
  decodeTransaction,
  encodeTransaction,
  parseAddress,
  type Transaction,
  transactionBytes
} from '@p2poolv2/bitcoin'
import {
  checkBodySize,
  checkHeader,
  decodeHeaderBatch,
  decodeShare,
  encodeHeaderBatch,
  encodeShare,
  encodeShareAddress,
  encodeShareHeader,
  type HeaderItem,
  hasUncheckedScripts,
  parseBitcoinCoinbase,
  parseShareAddress,
  peekShare,
  type Share,
  shareBodyBytes,
  shareHashOf,
  verifyCoinbaseProof
} from '@p2poolv2/consensus'
import { ByteReader, bytesEqual, hexToBytes } from '@p2poolv2/primitives'
import { checkBodyMatches } from '../../../packages/consensus/src/rules/check-share.ts'
import { checkTransactions } from '../../../packages/consensus/src/rules/check-transactions.ts'
import {
  transactionBytes as sampleTransaction,
  witnessTransaction
} from '../../../packages/gossip/src/testing/templates.ts'
import { joinHeaderBatches } from '../../../packages/gossip/src/wire/header-join.ts'
import { asBytes } from '../engine/change.ts'
import { hold, type Target } from '../engine/target.ts'
import { withChecksum } from './bech32.ts'
import { fresh, holdCanonical, holdSettled, isCodecError, latin1 } from './same.ts'
import { SAMPLE_PARAMS, SAMPLE_SHARES } from './sample-shares.ts'

const share: Target<Share> = {
  name: 'share',
  door: 'peers',
  maxBytes: 6_000,
  seeds: () => SAMPLE_SHARES.map(encodeShare),
  isRefusal: isCodecError,
  decode: bytes => decodeShare(bytes),
  laws(read, bytes) {
    const copy = fresh(read)
    const written = encodeShare(copy)
    const again = decodeShare(written)
    holdSettled(read, again)
    hold(shareBodyBytes(copy) === written.length, 'has another length than it says')
    hold(shareHashOf(copy.header) === read.hash, 'has another hash than it says')
    const header = encodeShareHeader(copy.header)
    const received = bytes.subarray(0, header.length)
    // One canonical header, and one form of what is behind it.
    if (bytesEqual(header, received)) holdCanonical(written, bytes)
    const peeked = peekShare(bytes)
    hold(peeked.prevShareHash === read.header.prevShareHash, 'has another parent at first sight')
    hold(peeked.bits === read.header.bits && peeked.timeSec === read.header.timeSec, 'is another one at first sight')
    // Whoever sent it: the rules answer, and do not throw.
    checkHeader(SAMPLE_PARAMS, copy.header)
    verifyCoinbaseProof(copy.header, copy.merkleBranch)
    checkBodyMatches(copy.header, copy)
    checkBodySize(SAMPLE_PARAMS, copy)
    checkTransactions(copy)
    hasUncheckedScripts(copy)
    parseBitcoinCoinbase(copy.bitcoinCoinbase)
  }
}

const headers: Target<readonly HeaderItem[]> = {
  name: 'header-batch',
  door: 'peers',
  maxBytes: 6_000,
  seeds: () => [encodeHeaderBatch([]), encodeHeaderBatch(SAMPLE_SHARES), encodeHeaderBatch(SAMPLE_SHARES.slice(3, 4))],
  isRefusal: isCodecError,
  decode: decodeHeaderBatch,
  laws(read) {
    const written = encodeHeaderBatch(fresh(read))
    holdSettled(read, decodeHeaderBatch(written))
    for (const item of read) hold(shareHashOf(fresh(item.header)) === item.hash, 'has another hash than it says')
    const joined = joinHeaderBatches(read.map(item => encodeHeaderBatch([fresh(item)])))
    hold(bytesEqual(joined, written), 'is another batch when it is put together of batches of one')
  }
}

const transaction: Target<Transaction> = {
  name: 'transaction',
  door: 'peers',
  maxBytes: 2_048,
  seeds: () => [
    sampleTransaction(1),
    hexToBytes(witnessTransaction(1, 7).dataHex),
    encodeTransaction((SAMPLE_SHARES[0] as Share).bitcoinCoinbase)
  ],
  isRefusal: isCodecError,
  decode(bytes) {
    const reader = new ByteReader(bytes)
    const read = decodeTransaction(reader)
    reader.expectEnd()
    return read
  },
  laws(read, bytes) {
    const copy = fresh(read)
    holdCanonical(encodeTransaction(copy), bytes)
    hold(transactionBytes(copy) === bytes.length, 'has another length than it says')
    parseBitcoinCoinbase(copy)
  }
}

const NETWORKS = ['main', 'test', 'regtest'] as const

const address: Target<ReturnType<typeof parseAddress>[]> = {
  name: 'bitcoin-address',
  door: 'miners',
  maxBytes: 120,
  seeds: () =>
    [
      'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4',
      'BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4',
      'tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7',
      'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0',
      '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa',
      '3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy',
      'mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn',
      'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'
    ].map(asBytes),
  decode: bytes => NETWORKS.map(network => parseAddress(latin1(bytes), network)),
  laws(read) {
    for (const [i, parsed] of read.entries()) {
      if (!parsed.ok) continue
      const network = NETWORKS[i] ?? 'main'
      hold(addressFromScript(parsed.script, network) === parsed.text, 'has a script of another address')
      holdSettled(parsed, parseAddress(parsed.text, network))
    }
  },
  mend: bytes => (bytes.includes(0x31) ? withChecksum(bytes, (bytes[4] ?? 0) > 0x71 ? 'bech32m' : 'bech32') : bytes)
}

const shareAddress: Target<ReturnType<typeof parseShareAddress>> = {
  name: 'share-address',
  door: 'miners',
  maxBytes: 120,
  seeds: () => {
    const text = encodeShareAddress({ version: 1, program: new Uint8Array(32).fill(5) }, 'sp2pool')
    return [asBytes(text), asBytes(text.toUpperCase()), asBytes(`p2pool1${text.slice(8)}`)]
  },
  decode: bytes => parseShareAddress(latin1(bytes), 'sp2pool'),
  laws(read, bytes) {
    if (read.ok)
      hold(encodeShareAddress(read.program, 'sp2pool') === latin1(bytes).toLowerCase(), 'is written otherwise')
  },
  mend: bytes => withChecksum(bytes, 'bech32m')
}

export const TARGETS: readonly Target[] = [share, headers, transaction, address, shareAddress] as Target[]
