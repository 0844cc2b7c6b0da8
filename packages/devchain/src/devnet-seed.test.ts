import { bytesToHex, CodecError, hexToBytes } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type DevnetSeed, decodeDevnetSeed, embeddedRules, encodeDevnetSeed, MAX_SEED_BYTES } from './devnet-seed.ts'

const plain: DevnetSeed = {
  bitcoin: 'embedded',
  genesisTimeSec: 0x6b02_0304,
  genesisShareHashWire: new Uint8Array(32).fill(0xab),
  genesisBlock: null
}
const full: DevnetSeed = {
  bitcoin: 'node',
  genesisTimeSec: 1,
  genesisShareHashWire: new Uint8Array(32).fill(0xcd),
  genesisBlock: {
    bitcoinHeight: 800_000,
    header: new Uint8Array(80).fill(1),
    coinbase: new Uint8Array(370).fill(2)
  }
}

function errorOf(bytes: Uint8Array): string | null {
  try {
    decodeDevnetSeed(bytes)
  } catch (error) {
    if (error instanceof CodecError) return error.message
    throw error
  }
  return null
}

const changed = (bytes: Uint8Array, at: number): Uint8Array => bytes.map((byte, i) => (i === at ? byte ^ 0xff : byte))

describe('a devnet seed', () => {
  it('has its bytes at their places', () => {
    const rules = bytesToHex(embeddedRules())
    expect(rules).toHaveLength(16)
    expect(bytesToHex(encodeDevnetSeed(plain))).toBe(`01000403026b${'ab'.repeat(32)}${rules}00`)
    expect(bytesToHex(encodeDevnetSeed(full))).toBe(
      `010101000000${'cd'.repeat(32)}${'00'.repeat(8)}0100350c00${'01'.repeat(80)}fd7201${'02'.repeat(370)}`
    )
  })

  it('comes back, and fits an invite at its longest', () => {
    for (const seed of [plain, full]) {
      const bytes = encodeDevnetSeed(seed)
      expect(decodeDevnetSeed(bytes)).toEqual(seed)
      expect(bytes.length).toBeLessThanOrEqual(MAX_SEED_BYTES)
    }
  })

  it('leaves out a first transaction that would not fit', () => {
    const block = { bitcoinHeight: 1, header: new Uint8Array(80), coinbase: new Uint8Array(371) }
    const bytes = encodeDevnetSeed({ ...full, genesisBlock: block })
    expect(decodeDevnetSeed(bytes).genesisBlock).toEqual({ ...block, coinbase: null })
  })

  it('is refused when cut short or followed by more', () => {
    for (const bytes of [encodeDevnetSeed(plain), encodeDevnetSeed(full)]) {
      for (let length = 0; length < bytes.length; length++) {
        expect(errorOf(bytes.subarray(0, length)), `${length} bytes`).toMatch(/end too early/)
      }
      expect(errorOf(Uint8Array.of(...bytes, 0))).toMatch(/follow the end/)
    }
  })

  it('is refused when it is of another version, kind or set of rules', () => {
    const bytes = encodeDevnetSeed(plain)
    expect(errorOf(changed(bytes, 0))).toMatch(/version/)
    expect(errorOf(changed(bytes, 1))).toMatch(/kind/)
    for (let at = 38; at < 46; at++) expect(errorOf(changed(bytes, at))).toMatch(/other rules/)
    expect(errorOf(changed(bytes, 46))).toMatch(/there or not/)
    expect(errorOf(changed(encodeDevnetSeed(full), 40))).toMatch(/other rules/)
  })

  it('never fails otherwise, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), tail => {
        const bytes = Uint8Array.of(...encodeDevnetSeed(plain).subarray(0, 46), ...tail)
        if (errorOf(bytes) === null) expect(encodeDevnetSeed(decodeDevnetSeed(bytes))).toEqual(bytes)
      })
    )
  })

  it('has the rules of today, which cannot change under chains that exist', () => {
    expect(embeddedRules()).toEqual(hexToBytes('b16174ea894f872d'))
  })
})
