import { decodeTransaction } from '@p2poolv2/bitcoin'
import { ByteReader, hexToBytes } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import type { TooLargeRule } from '../contract.ts'
import { A_BLOCK, A_SHARE, address, effectsOf, Rig, sharesMade } from '../testing/rig.ts'
import type { ScriptedMiner } from '../testing/scripted-miner.ts'
import { sizeWarning } from './size-rule.ts'

const NERDMINER = 'NerdMinerV2/V1.8.3'
const NERDMINER_COINBASE_BYTES = 255

/** A window that pays six, and a NerdMiner that comes to it. */
function rigWithSmallMiner(tooLarge?: TooLargeRule, userAgent = NERDMINER): { rig: Rig; small: ScriptedMiner } {
  const rig = new Rig(tooLarge === undefined ? {} : { tooLarge })
  rig.template()
  for (let miner = 1; miner <= 6; miner++) {
    rig.connect(miner, `${address(miner)}.rig`)
    expect(sharesMade(rig.mine(miner, A_SHARE))).toHaveLength(1)
    rig.advance(1_000)
  }
  const small = rig.connect(7, `${address(7)}.nerd`, 'x', userAgent)
  return { rig, small }
}

function coinbaseBytesOf({ job }: ScriptedMiner): number {
  return (job.coinbase1.length + job.coinbase2.length) / 2 + 12
}

describe('a miner that cannot take the coinbase of the share chain', () => {
  it('gets work that fits it, pays it alone, and is labelled so', () => {
    const { rig, small } = rigWithSmallMiner()
    expect(coinbaseBytesOf(rig.miner(1))).toBeGreaterThan(NERDMINER_COINBASE_BYTES)
    expect(coinbaseBytesOf(small)).toBeLessThanOrEqual(NERDMINER_COINBASE_BYTES)
    const miners = rig.core.queries.status(rig.now).miners
    expect(miners.map(({ work }) => work)).toEqual(['pool', 'pool', 'pool', 'pool', 'pool', 'pool', 'solo'])
    const [warned] = rig.facts('minerWarned').filter(({ code }) => code === 'coinbase-too-large')
    expect(warned).toMatchObject({ miner: 7, worker: 'nerd', userAgent: NERDMINER })
    expect(warned?.message).toMatch(
      new RegExp(`the coinbase has ${coinbaseBytesOf(rig.miner(1))} bytes; firmware "nerdminer" takes 255`)
    )
    expect(warned?.message).toContain('mines solo now')
    expect(miners.at(-1)?.warnings).toContain(warned?.message)
  })

  it('has its block submitted, paying it everything', () => {
    const { rig } = rigWithSmallMiner()
    const effects = rig.mine(7, A_BLOCK)
    const [block] = effectsOf(effects, 'submitBlock')
    expect(sharesMade(effects)).toEqual([])
    const coinbase = decodeTransaction(new ByteReader(hexToBytes(block?.blockHex.slice(162) ?? '')))
    const paid = coinbase.outputs.filter(({ valueSats }) => valueSats > 0n)
    expect(paid).toHaveLength(1)
    const [found] = rig.facts('blockFound')
    expect(found).toMatchObject({ payoutAddress: address(7), payees: 1, shareHash: null })
    expect(found?.valueSats).toBe(paid[0]?.valueSats)
    expect(rig.core.queries.status(rig.now).blocks[0]?.outputs).toEqual([
      { address: address(7), valueSats: paid[0]?.valueSats }
    ])
  })

  it('has its block submitted when the work it solves has been replaced', () => {
    const { rig, small } = rigWithSmallMiner()
    const { job } = small
    rig.advance(31_000)
    expect(small.job.id).not.toBe(job.id)
    expect(effectsOf(rig.mine(7, { ...A_BLOCK, job }), 'submitBlock')).toHaveLength(1)
  })

  it('makes no shares of the chain, and its hashes count as it was asked', () => {
    const { rig } = rigWithSmallMiner()
    expect(sharesMade(rig.mine(7, A_SHARE))).toEqual([])
    expect(rig.facts('bug')).toEqual([])
  })

  it('gets all of it where that is the rule, with a warning', () => {
    const { rig, small } = rigWithSmallMiner('send')
    expect(coinbaseBytesOf(small)).toBe(coinbaseBytesOf(rig.miner(1)))
    expect(rig.core.queries.status(rig.now).miners.at(-1)?.work).toBe('pool')
    const [warned] = rig.facts('minerWarned').filter(({ code }) => code === 'coinbase-too-large')
    expect(warned?.message).toContain('its shares will be refused')
  })

  it('is closed where that is the rule', () => {
    const { rig } = rigWithSmallMiner('refuse')
    expect(rig.core.queries.status(rig.now).miners).toHaveLength(6)
    expect(rig.facts('minerGone')).toMatchObject([{ miner: 7, reason: 'coinbase-too-large' }])
  })

  it('is told from one whose bound is only reported, which keeps its place in the pool', () => {
    const { rig } = rigWithSmallMiner('solo', 'NiceHash/1.0.0')
    expect(rig.core.queries.status(rig.now).miners.at(-1)?.work).toBe('pool')
    const [warned] = rig.facts('minerWarned').filter(({ code }) => code.startsWith('coinbase'))
    expect(warned).toMatchObject({ miner: 7 })
  })
})

describe('a miner that can still take the coinbase', () => {
  it('is warned of before it cannot', () => {
    const rig = new Rig()
    rig.template()
    rig.connect(1, `${address(1)}.nerd`, 'x', NERDMINER)
    const [warned] = rig.facts('minerWarned')
    expect(warned).toMatchObject({ code: 'coinbase-near-limit', worker: 'nerd' })
    expect(warned?.message).toMatch(/has \d+ bytes; firmware "nerdminer" takes 255 \(measured\)/)
    expect(rig.core.queries.status(rig.now).miners[0]?.work).toBe('pool')
  })
})

it('a warning ends with what the owner can do, where a make has a way out', () => {
  const fit = {
    what: 'job message',
    bytes: 9_000,
    limitBytes: 8_192,
    sizeClass: { userAgentPrefix: 'bitaxe', basis: 'measured' },
    remedy: 'A standard channel has no such bound.'
  } as const
  for (const how of ['near', 'over'] as const) {
    const { message } = sizeWarning({ ...fit, fit: how }, 'solo')
    expect(message).toMatch(/^the job message has 9000 bytes; firmware "bitaxe" takes 8192 \(measured\).*\. A standard/)
  }
})
