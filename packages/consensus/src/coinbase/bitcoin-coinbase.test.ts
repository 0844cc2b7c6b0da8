import { buildCoinbase, decodeTransaction, PADDING_FORMS, scriptNumberPush, type Transaction } from '@p2poolv2/bitcoin'
import { ByteReader, bytesToHex, concatBytes, hexToBytes } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import derived from '../vectors/derived.json' with { type: 'json' }
import { parseBitcoinCoinbase } from './bitcoin-coinbase.ts'

const [vector] = derived.coinbases
if (vector === undefined) throw new Error('the vector of padding form A is missing')
const VECTOR = decodeTransaction(new ByteReader(hexToBytes(vector.prefixHex + vector.tailHex)))
const [NULL_INPUT] = VECTOR.inputs
if (NULL_INPUT === undefined) throw new Error('the vector has no input')

// An arrow and not a declaration: only there does the compiler still know that the input exists.
const withScript = (hex: string): Transaction => ({
  ...VECTOR,
  inputs: [{ ...NULL_INPUT, scriptSig: hexToBytes(hex) }]
})

const EXTRANONCE = '0c8e5180120500000000000000'
const NSECS = '083e5ce181a024d118'
const SIGNATURE = '085032506f6f6c7632'

describe('parseBitcoinCoinbase', () => {
  it('takes the coinbase of protocol §5.5 apart', () => {
    expect(parseBitcoinCoinbase(VECTOR)).toEqual({
      ok: true,
      bitcoinHeight: 1779,
      auxFlags: new Uint8Array(0),
      extranonce: hexToBytes('8e5180120500000000000000'),
      nsecs: 1_788_250_798_835_194_942n,
      poolSignature: hexToBytes('5032506f6f6c7632'),
      witnessCommitmentScript: hexToBytes(
        '6a24aa21a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8cf9'
      ),
      outputsBeforeWitness: [
        { valueSats: 5_000_000_000n, script: hexToBytes('001436b2f44bc0f1b83fbcf874c3bcb33a76849aadda') }
      ],
      paddingForms: ['A'],
      commitment: hexToBytes('f7de368adc7d31992700258376340ebd5e70d44b9b6e98b74502893d9d24353c')
    })
  })

  it('finds again what buildCoinbase was given', () => {
    const anyParts = fc.record({
      bitcoinHeight: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 500_000_000 })),
      auxFlags: fc.uint8Array({ maxLength: 75 }).filter(flags => bytesToHex(flags) !== '00'),
      poolSignature: fc.uint8Array({ maxLength: 75 }),
      outputs: fc.array(fc.record({ valueSats: fc.bigInt(0n, 21n), script: fc.uint8Array({ maxLength: 34 }) }), {
        maxLength: 260
      }),
      witnessCommitmentScript: fc.option(fc.constant(hexToBytes(`6a24aa21a9ed${'77'.repeat(32)}`))),
      padding: fc.constantFrom(...PADDING_FORMS)
    })
    fc.assert(
      fc.property(anyParts, ({ padding, outputs, ...parts }) => {
        const { bytes } = buildCoinbase({ padding, outputs, ...parts })
        expect(parseBitcoinCoinbase(decodeTransaction(new ByteReader(bytes)))).toEqual({
          ok: true,
          ...parts,
          extranonce: new Uint8Array(12),
          nsecs: 0n,
          outputsBeforeWitness: outputs,
          paddingForms: expect.arrayContaining([padding]),
          commitment: new Uint8Array(32)
        })
      })
    )
  })

  it('takes flags and a signature as long as a plain push can be', () => {
    const [auxFlags, poolSignature] = [new Uint8Array(75).fill(1), new Uint8Array(75).fill(2)]
    const outputs = [{ valueSats: 1n, script: hexToBytes('51') }]
    const parts = { bitcoinHeight: 5, outputs, witnessCommitmentScript: null, padding: 'A' } as const
    const { bytes } = buildCoinbase({ ...parts, auxFlags, poolSignature })
    expect(parseBitcoinCoinbase(decodeTransaction(new ByteReader(bytes)))).toMatchObject({ auxFlags, poolSignature })
  })

  it('says no to a plain coinbase', () => {
    const plain = buildCoinbase({
      bitcoinHeight: 5,
      auxFlags: new Uint8Array(0),
      poolSignature: new Uint8Array(0),
      outputs: [{ valueSats: 1n, script: hexToBytes('51') }],
      witnessCommitmentScript: null,
      padding: null
    })
    expect(parseBitcoinCoinbase(decodeTransaction(new ByteReader(plain.bytes)))).toEqual({ ok: false })
  })

  it.each([
    ['four pushes', `02f3060100${EXTRANONCE}${NSECS}`],
    ['six pushes', `02f3060100${EXTRANONCE}${NSECS}${SIGNATURE}00`],
    ['an empty push of flags', `02f30600${EXTRANONCE}${NSECS}${SIGNATURE}`],
    ['an extranonce of 11 bytes', `02f30601000b${'00'.repeat(11)}${NSECS}${SIGNATURE}`],
    ['nsecs of 7 bytes', `02f3060100${EXTRANONCE}07${'00'.repeat(7)}${SIGNATURE}`],
    ['a signature of 76 bytes', `02f3060100${EXTRANONCE}${NSECS}4c4c${'41'.repeat(76)}`],
    ['a push with OP_PUSHDATA1', `02f3064c0100${EXTRANONCE}${NSECS}${SIGNATURE}`],
    ['a push that is cut off', `02f3060100${EXTRANONCE}${NSECS}0850`],
    ['a height that is not minimal', `03f306000100${EXTRANONCE}${NSECS}${SIGNATURE}`],
    ['a negative height', `02f3860100${EXTRANONCE}${NSECS}${SIGNATURE}`],
    ['another height than the lock time', `02f4060100${EXTRANONCE}${NSECS}${SIGNATURE}`],
    ['height 0', `000100${EXTRANONCE}${NSECS}${SIGNATURE}`],
    ['no script', '']
  ])('says no to %s', (_what, scriptHex) => {
    expect(parseBitcoinCoinbase(withScript(scriptHex))).toEqual({ ok: false })
  })

  // As long as the vector's own, or the padding alone would give them away.
  it.each([
    ['a push with OP_PUSHDATA1', `02f3064c0100${EXTRANONCE}${NSECS}07${'41'.repeat(7)}`],
    ['four pushes', `02f3060100${EXTRANONCE}11${'00'.repeat(17)}`],
    ['six pushes', `02f3060100${EXTRANONCE}${NSECS}07${'41'.repeat(7)}00`],
    ['an empty push of flags', `02f30600${EXTRANONCE}${NSECS}09${'41'.repeat(9)}`],
    ['an extranonce of 11 bytes', `02f30601000b${'00'.repeat(11)}${NSECS}09${'41'.repeat(9)}`],
    ['an extranonce of 13 bytes', `02f30601000d${'00'.repeat(13)}${NSECS}07${'41'.repeat(7)}`],
    ['nsecs of 7 bytes', `02f3060100${EXTRANONCE}07${'00'.repeat(7)}09${'41'.repeat(9)}`],
    ['a push that is cut off', `02f3060100${EXTRANONCE}${NSECS}09${'41'.repeat(8)}`],
    ['a height that is not minimal', `03f306000100${EXTRANONCE}${NSECS}07${'41'.repeat(7)}`]
  ])('says no to %s in a coinbase of the right length', (_what, scriptHex) => {
    expect(scriptHex).toHaveLength(2 * NULL_INPUT.scriptSig.length)
    expect(parseBitcoinCoinbase(withScript(scriptHex))).toEqual({ ok: false })
  })

  it('says no to a height whose lock time would be a time, and yes to the one below', () => {
    const { bytes } = buildCoinbase({
      bitcoinHeight: 500_000_000,
      auxFlags: new Uint8Array(0),
      poolSignature: new Uint8Array(0),
      outputs: [{ valueSats: 1n, script: hexToBytes('51') }],
      witnessCommitmentScript: null,
      padding: 'A'
    })
    const highest = decodeTransaction(new ByteReader(bytes))
    expect(parseBitcoinCoinbase(highest)).toMatchObject({ bitcoinHeight: 500_000_000 })
    const inputs = highest.inputs.map(input => ({
      ...input,
      scriptSig: concatBytes(scriptNumberPush(500_000_001), input.scriptSig.subarray(5))
    }))
    expect(parseBitcoinCoinbase({ ...highest, inputs, lockTime: 500_000_000 })).toEqual({ ok: false })
  })

  const [payout, witness, padding, commitment] = VECTOR.outputs
  const outputs = (...list: readonly unknown[]): Transaction => ({ ...VECTOR, outputs: list as Transaction['outputs'] })
  it.each([
    ['another version', { ...VECTOR, version: 1 }],
    ['another lock time', { ...VECTOR, lockTime: VECTOR.lockTime + 1 }],
    ['no input', { ...VECTOR, inputs: [] }],
    ['two inputs', { ...VECTOR, inputs: [NULL_INPUT, NULL_INPUT] }],
    // 64 more leave the padding right, whatever the length of one is.
    ['65 inputs', { ...VECTOR, inputs: Array(65).fill(NULL_INPUT) }],
    ['the commitment alone', outputs(commitment)],
    ['an input that spends', { ...VECTOR, inputs: [{ ...NULL_INPUT, prevTxidWire: new Uint8Array(32).fill(1) }] }],
    ['another sequence', { ...VECTOR, inputs: [{ ...NULL_INPUT, sequence: 0xffffffff }] }],
    ['no outputs', outputs()],
    ['no padding', outputs(payout, witness, commitment)],
    ['no commitment', outputs(payout, witness, padding)],
    ['padding and commitment swapped', outputs(payout, witness, commitment, padding)],
    ['padding that does not align', outputs(payout, payout, witness, padding, commitment)],
    ['a commitment with a value', outputs(payout, witness, padding, { ...commitment, valueSats: 1n })],
    [
      'a commitment of 33 bytes',
      outputs(payout, witness, padding, { ...commitment, script: hexToBytes(`6a21${'11'.repeat(33)}`) })
    ]
  ])('says no to %s', (_what, tx) => {
    expect(parseBitcoinCoinbase(tx as Transaction)).toEqual({ ok: false })
  })
})
