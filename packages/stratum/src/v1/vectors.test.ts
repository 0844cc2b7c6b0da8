import { assembleBlock } from '@p2poolv2/bitcoin'
import { bytesToHex, bytesToHexReversed } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { notifyIn, SETTINGS, SessionRig } from '../testing/session-rig.ts'
import {
  BRANCH_A,
  PREV_HASH_A_FIELD,
  TEMPLATE_A,
  TEMPLATE_V3,
  V1,
  V1_DIFFICULTY,
  V1_HASH,
  V2,
  V2_DIFFICULTY,
  V2_HASH,
  V3,
  V3_BLOCK,
  V3_HASH,
  workOf
} from '../testing/vectors.ts'

/** Every hash is handed up: the work is told to be a share from the vector's own difficulty on. */
const EVERY_HASH = { shareTarget: new Uint8Array(32).fill(0xff) }

describe('vectors made by others, through a whole session', () => {
  it('V1: five parameters, difficulty 1.53', () => {
    const rig = new SessionRig({ work: workOf(TEMPLATE_A, EVERY_HASH) })
    const notify = notifyIn(rig.login())
    const { coinbase1, coinbase2 } = TEMPLATE_A
    expect(notify?.slice(1)).toEqual([
      PREV_HASH_A_FIELD,
      coinbase1,
      coinbase2,
      BRANCH_A,
      '20000000',
      '1702a000',
      '68a00000',
      true
    ])
    expect(rig.submit(V1)[0]?.result).toBe(true)
    const [solution] = rig.solutions
    expect(bytesToHexReversed(solution?.hashWire ?? new Uint8Array())).toBe(V1_HASH)
    expect(bytesToHex(solution?.header ?? new Uint8Array())).toBe(
      '000000206f564534231201f0efdecdbcab9a897867564534231201000000000000000000cb2a72e6288cade357ad58d2c4ab75eb7c98bf84880a' +
        '15afccd67e1d776470680000a06800a00217e1144f00'
    )
    expect(bytesToHex(solution?.extranonce ?? new Uint8Array())).toBe('0a0000010000000000000001')
    expect(rig.effects.at(-1)).toMatchObject({ type: 'accepted', creditedDifficulty: 1 })
    expect(rig.session.bestDifficulty).toBeCloseTo(V1_DIFFICULTY, 6)
  })

  it('V2: a rolled version, difficulty 0.113', () => {
    const rig = new SessionRig({ work: workOf(TEMPLATE_A, EVERY_HASH) })
    rig.login('d=0.1')
    expect(rig.submit(V2)[0]?.result).toBe(true)
    const [solution] = rig.solutions
    expect(bytesToHexReversed(solution?.hashWire ?? new Uint8Array())).toBe(V2_HASH)
    expect(bytesToHex(solution?.header ?? new Uint8Array())).toBe(
      '00e0ab206f564534231201f0efdecdbcab9a897867564534231201000000000000000000cb2a72e6288cade357ad58d2c4ab75eb7c98bf84880a' +
        '15afccd67e1d776470680500a06800a00217a9548d00'
    )
    expect(rig.session.bestDifficulty).toBeCloseTo(V2_DIFFICULTY, 6)
  })

  it('V3: a block, to the last byte of submitblock', () => {
    const rig = new SessionRig({ work: workOf(TEMPLATE_V3) })
    rig.login('d=0.001')
    rig.submit(V3)
    const [solution] = rig.solutions
    if (solution === undefined) throw new Error('the block was missed')
    expect(solution).toMatchObject({ meetsBitcoin: true, meetsShare: false })
    expect(bytesToHexReversed(solution.hashWire)).toBe(V3_HASH)
    const coinbase = rig.coinbaseOf(solution)
    expect(assembleBlock(solution.header, coinbase, [], 'with-witness')).toBe(V3_BLOCK)
  })

  it('V1 is a share below the difficulty of its hash and none above it', () => {
    for (const [password, credits] of [
      ['d=1', [1]],
      ['d=2', []]
    ] as const) {
      const rig = new SessionRig({ work: workOf(TEMPLATE_A), settings: SETTINGS })
      rig.login(password)
      rig.submit(V1)
      expect(rig.credits).toEqual(credits)
    }
  })
})
