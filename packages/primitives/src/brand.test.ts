import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  blockHash,
  blockHashFromWire,
  msFromSec,
  secFromMs,
  shareHash,
  shareHashFromWire,
  txId,
  txIdFromWire,
  unixMs,
  unixSec,
  wireFromDisplay,
  ZERO_BLOCK_HASH,
  ZERO_SHARE_HASH
} from './brand.ts'
import { CodecError } from './codec-error.ts'
import { InvariantError } from './invariant.ts'
import { sha256d } from './sha256.ts'

const GENESIS = '000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f'
const fromDisplay = [shareHash, blockHash, txId]
const fromWire = [shareHashFromWire, blockHashFromWire, txIdFromWire]

describe('hashes', () => {
  it('display order is the digest reversed', () => {
    const header = new Uint8Array(80)
    header.set([1])
    header.set(wireFromDisplay('4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b'), 36)
    header.set([0x29, 0xab, 0x5f, 0x49, 0xff, 0xff, 0x00, 0x1d, 0x1d, 0xac, 0x2b, 0x7c], 68)
    expect(blockHashFromWire(sha256d(header))).toBe(GENESIS)
  })

  it('go from wire to display and back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), bytes => {
        for (const make of fromWire) expect(wireFromDisplay(make(bytes))).toEqual(bytes)
        for (const make of fromDisplay) expect(make(shareHashFromWire(bytes))).toBe(shareHashFromWire(bytes))
      })
    )
  })

  it('in any other form are refused, so that one hash has one key', () => {
    const others = [
      '',
      GENESIS.slice(1),
      `0${GENESIS}`,
      GENESIS.toUpperCase(),
      `${GENESIS}\n`,
      GENESIS.replace('1', 'g')
    ]
    for (const make of fromDisplay) {
      for (const other of others) expect(() => make(other), other).toThrow(CodecError)
    }
    for (const make of fromWire) {
      for (const length of [0, 31, 33]) expect(() => make(new Uint8Array(length)), `${length}`).toThrow(CodecError)
    }
    for (const other of ['', GENESIS.slice(2), `00${GENESIS}`, GENESIS.replace('1', 'g')]) {
      expect(() => wireFromDisplay(other), other).toThrow(CodecError)
    }
  })

  it('of zeros are the parents of the first share and block', () => {
    expect(ZERO_SHARE_HASH).toBe(shareHashFromWire(new Uint8Array(32)))
    expect(ZERO_BLOCK_HASH).toBe(blockHashFromWire(new Uint8Array(32)))
  })
})

describe('times', () => {
  it('convert downwards to the second', () => {
    expect(secFromMs(unixMs(1_999))).toBe(1)
    expect(secFromMs(unixMs(2_000))).toBe(2)
    expect(secFromMs(unixMs(-1))).toBe(-1)
    expect(msFromSec(unixSec(0xffff_ffff))).toBe(0xffff_ffff * 1000)
  })

  it('that are no integers are our bug', () => {
    for (const none of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(() => unixMs(none), `${none}`).toThrow(InvariantError)
      expect(() => unixSec(none), `${none}`).toThrow(InvariantError)
    }
  })
})
