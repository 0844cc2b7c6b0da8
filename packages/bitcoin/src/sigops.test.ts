import { hexToBytes } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { legacySigops, legacySigopsCost } from './sigops.ts'

/** What Bitcoin Core's `CScript::GetSigOpCount(false)` gives, worked out by hand from its rule. */
const SCRIPTS: readonly [name: string, hex: string, sigops: number][] = [
  ['nothing', '', 0],
  ['P2PK', `21${'02'.repeat(33)}ac`, 1],
  ['P2PKH', `76a914${'ac'.repeat(20)}88ac`, 1],
  ['P2SH', `a914${'ae'.repeat(20)}87`, 0],
  ['P2WPKH', `0014${'ac'.repeat(20)}`, 0],
  ['P2TR', `5120${'ac'.repeat(32)}`, 0],
  ['a bare multi-signature of one key', `5121${'02'.repeat(33)}51ae`, 20],
  ['the verifying forms', 'adaf', 21],
  ['checks behind OP_RETURN', '6aacac', 2],
  ['checks in a push of each kind', '01ac4c01ac4d0100ac4e01000000ac', 0],
  ['a check behind a push of each kind', '01acac4c01acac4d0100acac4e01000000acac', 4],
  ['a check before a push that runs over the end', 'ac02ac', 1],
  ['a check before a push length that runs over the end', 'ac4eacacac', 1],
  ['a check after a push that runs over the end', '4cffac', 0],
  ['a push of four billion bytes', 'ac4effffffffac', 1]
]

describe('legacySigops', () => {
  it.each(SCRIPTS)('counts %s', (_name, hex, sigops) => {
    expect(legacySigops(hexToBytes(hex))).toBe(sigops)
  })

  it('a transaction costs four for each check in its input and output scripts', () => {
    const input = { prevTxidWire: new Uint8Array(32), prevIndex: 0, sequence: 0, witness: [hexToBytes('ac')] }
    const output = { valueSats: 1n, script: hexToBytes('ac') }
    const inputs = [{ ...input, scriptSig: hexToBytes('acac') }]
    expect(legacySigopsCost({ inputs, outputs: [output, output] })).toBe(16)
  })
})
