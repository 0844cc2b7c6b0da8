import { ByteReader, bytesToHex, bytesToHexReversed, CodecError, hexToBytes } from '@p2poolv2/primitives'
import { Transaction as BitcoinJsTransaction } from 'bitcoinjs-lib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Transaction } from './transaction.ts'
import {
  decodeTransaction,
  encodeTransaction,
  encodeTransactionStripped,
  transactionBytes,
  txidWire,
  wtxidWire
} from './transaction.ts'
import templates from './vectors/templates.json' with { type: 'json' }

const GENESIS_COINBASE =
  '01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000'

function decodeHex(hex: string): Transaction {
  const reader = new ByteReader(hexToBytes(hex))
  const tx = decodeTransaction(reader)
  reader.expectEnd()
  return tx
}

const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength })
const u32 = fc.nat(0xffff_ffff)

const anyTransaction: fc.Arbitrary<Transaction> = fc.record({
  version: fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
  inputs: fc.array(
    fc.record({
      prevTxidWire: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      prevIndex: u32,
      scriptSig: fc.oneof(bytes(80), fc.constant(new Uint8Array(253).fill(7))),
      sequence: u32,
      witness: fc.array(bytes(40), { maxLength: 4 })
    }),
    { minLength: 1, maxLength: 5 }
  ),
  outputs: fc.array(fc.record({ valueSats: fc.bigInt(0n, (1n << 63n) - 1n), script: bytes(80) }), { maxLength: 5 }),
  lockTime: u32
})

/** The same transaction, built through the library. */
function throughBitcoinJs(tx: Transaction): BitcoinJsTransaction {
  const theirs = new BitcoinJsTransaction()
  // Since its version 7 the library holds the version unsigned; the bytes are the same.
  theirs.version = tx.version >>> 0
  theirs.locktime = tx.lockTime
  tx.inputs.forEach((input, i) => {
    theirs.addInput(input.prevTxidWire, input.prevIndex, input.sequence, input.scriptSig)
    theirs.setWitness(i, [...input.witness])
  })
  for (const output of tx.outputs) theirs.addOutput(output.script, output.valueSats)
  return theirs
}

describe('transaction codec', () => {
  it("reads bitcoin's first coinbase and finds its txid", () => {
    const tx = decodeHex(GENESIS_COINBASE)
    expect(tx.outputs[0]?.valueSats).toBe(5_000_000_000n)
    expect(bytesToHexReversed(txidWire(tx))).toBe('4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b')
    expect(wtxidWire(tx)).toEqual(txidWire(tx))
    expect(bytesToHex(encodeTransaction(tx))).toBe(GENESIS_COINBASE)
  })

  it("reads a segwit transaction of a real node's template and finds both its ids", () => {
    const [listed] = templates.regtestOneTransaction.transactions
    const tx = decodeHex(listed?.data ?? '')
    expect(bytesToHexReversed(txidWire(tx))).toBe(listed?.txid)
    expect(bytesToHexReversed(wtxidWire(tx))).toBe(listed?.hash)
    expect(tx.inputs[0]?.witness.map(item => item.length)).toEqual([64])
  })

  it('writes a transaction without inputs in witness form and reads it back', () => {
    const tx: Transaction = {
      version: 2,
      inputs: [],
      outputs: [{ valueSats: 1n, script: new Uint8Array(0) }],
      lockTime: 0
    }
    const hex = bytesToHex(encodeTransaction(tx))
    expect(hex).toBe('02000000000100010100000000000000' + '0000000000')
    expect(decodeHex(hex)).toEqual(tx)
  })

  it('leaves the reader behind the transaction', () => {
    const reader = new ByteReader(hexToBytes(`${GENESIS_COINBASE}abcd`))
    decodeTransaction(reader)
    expect(reader.remaining).toBe(2)
  })

  const input = `${'00'.repeat(36)}00ffffffff`
  const output = '000000000000000000'
  it.each([
    ['an unknown flag', `02000000000201${input}01${output}0000000000`, 'malformed'],
    ['a witness form in which all witnesses are empty', `02000000000101${input}01${output}0000000000`, 'malformed'],
    ['a count that is not minimal', `02000000fd0100${input}01${output}00000000`, 'non-minimal'],
    [
      'a script length that is not minimal',
      `0200000001${'00'.repeat(36)}fd0000ffffffff01${output}00000000`,
      'non-minimal'
    ],
    ['a count of inputs beyond the bytes', '02000000feffffffff00', 'truncated'],
    ['a count of witness items beyond the bytes', `02000000000101${input}01${output}feffffffff`, 'truncated']
  ])('refuses %s', (_what, hex, code) => {
    expect(() => decodeHex(hex)).toThrow(expect.objectContaining({ code }))
  })

  it('round-trips every transaction', () => {
    fc.assert(
      fc.property(anyTransaction, tx => {
        const encoded = encodeTransaction(tx)
        expect(decodeHex(bytesToHex(encoded))).toEqual(tx)
        expect(transactionBytes(tx)).toBe(encoded.length)
      })
    )
  })

  it('agrees with bitcoinjs-lib on bytes and ids', () => {
    fc.assert(
      fc.property(anyTransaction, tx => {
        const theirs = throughBitcoinJs(tx)
        // The library answers zeros for a coinbase's wtxid, which is how the witness tree lists it.
        fc.pre(!theirs.isCoinbase())
        expect(encodeTransaction(tx)).toEqual(Uint8Array.from(theirs.toBuffer()))
        expect(txidWire(tx)).toEqual(Uint8Array.from(theirs.getHash()))
        expect(wtxidWire(tx)).toEqual(Uint8Array.from(theirs.getHash(true)))
        expect(transactionBytes(tx)).toBe(theirs.byteLength(true))
        expect(encodeTransactionStripped(tx).length).toBe(theirs.byteLength(false))
      })
    )
  })

  it('refuses every truncation, and reads nothing past its input', () => {
    fc.assert(
      fc.property(anyTransaction, tx => {
        const whole = encodeTransaction(tx)
        for (let length = 0; length < whole.length; length++) {
          expect(() => decodeTransaction(new ByteReader(whole.subarray(0, length)))).toThrow(CodecError)
        }
      }),
      { numRuns: 20 }
    )
  })

  it('accepts only what it would write itself', () => {
    fc.assert(
      fc.property(anyTransaction, fc.nat(), fc.integer({ min: 1, max: 255 }), (tx, where, flip) => {
        const damaged = encodeTransaction(tx)
        const at = where % damaged.length
        damaged[at] = (damaged[at] ?? 0) ^ flip
        const reader = new ByteReader(damaged)
        let decoded: Transaction
        try {
          decoded = decodeTransaction(reader)
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError)
          return
        }
        expect(encodeTransaction(decoded)).toEqual(damaged.subarray(0, reader.offset))
      })
    )
  })
})
