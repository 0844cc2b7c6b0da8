import { buildCoinbase } from '@p2poolv2/bitcoin'
import { describe, expect, it } from 'vitest'
import { NEAR_LIMIT } from '../mining/size-fit.ts'
import { jobOf, TEMPLATE_A, workOf } from '../testing/vectors.ts'
import { notifyLine, notifyParts } from './notify-line.ts'
import { notifyLineBytes, SIZE_CLASSES, sizeFit } from './size-classes.ts'

const P2TR_SCRIPT_BYTES = 34

/** As the share chain makes it, with so many taproot payees. */
function workFor(payees: number, branchNodes = 12): ReturnType<typeof workOf> {
  return {
    ...workOf(TEMPLATE_A),
    merkleBranch: new Uint8Array(32 * branchNodes),
    coinbase: buildCoinbase({
      bitcoinHeight: 900_000,
      auxFlags: new Uint8Array(),
      poolSignature: new Uint8Array(8),
      outputs: Array.from({ length: payees }, () => ({ valueSats: 1n, script: new Uint8Array(P2TR_SCRIPT_BYTES) })),
      witnessCommitmentScript: new Uint8Array(38),
      padding: null
    })
  }
}

describe('sizeFit', () => {
  const ends: Readonly<Record<string, readonly [well: number, near: number, over: number]>> = {
    'NerdMinerV2/V1.8.3': [1, 2, 4],
    'bitaxe/BM1370/v2.9.0': [100, 145, 160],
    'Antminer S19/1': [5, 13, 20]
  }
  for (const [userAgent, [well, near, over]] of Object.entries(ends)) {
    it(`knows what ${userAgent} can take`, () => {
      expect(sizeFit(userAgent, workFor(well))).toBeNull()
      expect(sizeFit(userAgent, workFor(near))).toMatchObject({ fit: 'near', what: 'coinbase' })
      const { fit, bytes = 0, limitBytes = 0 } = sizeFit(userAgent, workFor(over)) ?? {}
      expect(fit).toBe('over')
      expect(bytes).toBe(workFor(over).coinbase.bytes.length)
      expect(bytes).toBeGreaterThan(limitBytes)
    })
  }

  it('names the bound that is the nearest', () => {
    expect(sizeFit('NerdQAxe++/BM1370', workFor(180))).toMatchObject({ fit: 'over', what: 'notify line' })
    expect(sizeFit('SparkMiner/1', workFor(3))).toMatchObject({ what: 'coinbase after the extranonce' })
  })

  it('says nothing of firmware it does not know', () => {
    expect(sizeFit('', workFor(500))).toBeNull()
    expect(sizeFit('cpuminer/2.5.1', workFor(500))).toBeNull()
  })

  it('has evidence, a date and a bound in every row', () => {
    for (const { evidence, seenOn, coinbaseBytes, secondPartBytes, lineBytes, userAgentPrefix } of SIZE_CLASSES) {
      expect(evidence).not.toBe('')
      expect(seenOn).toMatch(/^\d{4}-\d{2}-\d{2}$/)
      expect([coinbaseBytes, secondPartBytes, lineBytes].some(bound => bound !== null)).toBe(true)
      expect(userAgentPrefix).toBe(userAgentPrefix.toLowerCase())
    }
    expect(NEAR_LIMIT).toBeLessThan(1)
  })
})

describe('notifyLineBytes', () => {
  it.each([0, 1, 12])('is the length of the longest line, with a branch of %i', nodes => {
    const work = workFor(7, nodes)
    const line = notifyLine(notifyParts(work), jobOf(work, '68a0000000000001'), 'keep')
    expect(notifyLineBytes(work)).toBe(line.length)
  })
})
