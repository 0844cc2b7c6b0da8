import { addressFromScript, decodeTransaction } from '@p2poolv2/bitcoin'
import { consensusAddress } from '@p2poolv2/consensus'
import { ByteReader, hexToBytes } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import type { NodeEffect } from '../contract.ts'
import { A_BLOCK, A_SHARE, address, effectsOf, factsOf, Rig, type RigOptions } from '../testing/rig.ts'

const VALUE_SATS = 4_999_999_999

function cut(number: number, bps: number) {
  const parsed = consensusAddress(address(number), 'regtest')
  if (parsed === null) throw new Error('a test address is an address')
  return { address: parsed, bps }
}

/** What the coinbase of the one block among these effects pays, by address, in its order. */
function paid(effects: readonly NodeEffect[]): [string, number][] {
  const [submitted] = effectsOf(effects, 'submitBlock')
  if (submitted === undefined) throw new Error('there is a block')
  // Header, then the number of transactions.
  const reader = new ByteReader(hexToBytes(submitted.blockHex).subarray(80))
  reader.compactSize()
  return decodeTransaction(reader)
    .outputs.filter(({ script }) => script[0] !== 0x6a)
    .map(({ script, valueSats }) => [addressFromScript(script, 'regtest') ?? '?', Number(valueSats)])
}

function rig(options: RigOptions): Rig {
  const made = new Rig(options)
  made.template({ valueSats: VALUE_SATS })
  return made
}

describe('a node that mines solo', () => {
  it('lets every block pay its finder, all of it', () => {
    const node = rig({ mode: 'solo' })
    node.connect(1, address(1))
    node.connect(2, address(2))
    node.mine(1, A_SHARE)
    expect(paid(node.mine(2, A_BLOCK))).toEqual([[address(2), VALUE_SATS]])
    expect(paid(node.mine(1, A_BLOCK))).toEqual([[address(1), VALUE_SATS]])
  })

  it('takes donation and fee off first, if there are any', () => {
    const node = rig({ mode: 'solo', donation: cut(8, 500), fee: cut(9, 200) })
    node.connect(1, address(1))
    const donation = Math.floor((VALUE_SATS * 500) / 10_000)
    const fee = Math.floor(((VALUE_SATS - donation) * 200) / 10_000)
    const expected = [
      [address(8), donation],
      [address(9), fee],
      [address(1), VALUE_SATS - donation - fee]
    ]
    expect(paid(node.mine(1, A_BLOCK))).toEqual(expected)
    expect(node.core.queries.status(node.now).blocks[0]?.outputs).toMatchObject(
      expected.map(([text, sats]) => ({ address: text, valueSats: BigInt(sats ?? 0) }))
    )
  })

  it('a block of work that newer work has replaced pays its finder too', () => {
    const node = rig({ mode: 'solo' })
    node.connect(1, address(1))
    const late = node.miner(1).job
    node.template({ valueSats: VALUE_SATS, transactions: 5 })
    expect(paid(node.mine(1, { ...A_BLOCK, job: late }))).toEqual([[address(1), VALUE_SATS]])
  })

  it('makes no shares, tells no peer anything, and says what it is', () => {
    const node = rig({ mode: 'solo' })
    node.connect(1, address(1), 'p2p=nonsense')
    node.mine(1, A_SHARE)
    node.advance(60_000)
    expect(node.facts('shareFound')).toEqual([])
    expect(effectsOf(node.effects, 'publish')).toEqual([])
    expect(node.core.queries.status(node.now)).toMatchObject({
      mode: 'solo',
      ineligible: null,
      window: [],
      miners: [{ work: 'solo', accepted: 1, warnings: [] }]
    })
  })
})

describe('a pool of its own', () => {
  const hydrapool: RigOptions = { mode: 'hydrapool', accounting: { rows: [], windowBlocks: 1 } }

  it('pays the finder while nobody has done anything, and its miners by their work from the first share on', () => {
    const node = rig(hydrapool)
    for (const id of [1, 2, 3]) node.connect(id, address(id))
    node.mine(1, A_SHARE)
    expect(node.miner(1).jobs.length).toBe(1)
    node.advance(100)
    expect(node.miner(2).jobs.length).toBe(2)
    expect(paid(node.mine(2, A_BLOCK))).toEqual([[address(1), VALUE_SATS]])
    // One share of each: the block was one as well.
    node.advance(30_000)
    // In the order of the addresses' text; the last one gets what rounding leaves.
    const [first = '', second = ''] = [address(1), address(2)].sort()
    expect(paid(node.mine(3, A_BLOCK))).toEqual([
      [first, Math.floor(VALUE_SATS / 2)],
      [second, Math.ceil(VALUE_SATS / 2)]
    ])
  })

  it('the payout table is what the next block pays', () => {
    const node = rig({ ...hydrapool, fee: cut(9, 100) })
    for (const id of [1, 2]) node.connect(id, address(id))
    for (const id of [1, 1, 2]) node.mine(id, A_SHARE)
    node.advance(30_000)
    const { window, windowShares, windowWeight } = node.core.queries.status(node.now)
    expect(windowShares).toBe(3)
    expect(window.map(({ weight }) => (weight * 3n) / windowWeight)).toEqual([2n, 1n])
    const table = new Map(window.map(entry => [entry.address, Number(entry.payoutSats)]))
    const block = new Map(paid(node.mine(1, A_BLOCK)))
    expect(block.get(address(9))).toBe(Math.floor(VALUE_SATS / 100))
    block.delete(address(9))
    expect(block).toEqual(table)
  })

  it('what is credited is kept before the miner hears of it', () => {
    const node = rig(hydrapool)
    node.connect(1, address(1))
    const effects = node.mine(1, A_SHARE)
    const types = effects.map(({ type }) => type)
    expect(types.indexOf('keepAccounting')).toBeGreaterThanOrEqual(0)
    expect(types.indexOf('keepAccounting')).toBeLessThan(types.indexOf('sendMiner'))
    expect(effectsOf(effects, 'keepAccounting')[0]?.delta.puts).toMatchObject([{ address: address(1), submits: 1 }])
  })

  it('a node that comes back with what was kept pays the same', () => {
    const before = rig(hydrapool)
    for (const id of [1, 2, 3]) before.connect(id, address(id))
    for (const id of [1, 2, 2, 3, 3, 3]) before.mine(id, A_SHARE)
    before.advance(30_000)
    const rows = new Map(
      effectsOf(before.effects, 'keepAccounting')
        .flatMap(({ delta }) => delta.puts)
        .map(row => [`${row.slice} ${row.address}`, row])
    )
    const after = rig({ ...hydrapool, accounting: { rows: [...rows.values()], windowBlocks: 1 } })
    after.connect(7, address(7))
    expect(paid(after.mine(7, A_BLOCK))).toEqual(paid(before.mine(1, A_BLOCK)))
  })

  it('a miner that cannot take the coinbase mines solo, and earns nothing of the pool', () => {
    const rows = Array.from({ length: 200 }, (_, n) => ({
      slice: 1,
      address: address(n + 10),
      workHashes: 1_000n,
      submits: 1
    }))
    const node = rig({ mode: 'hydrapool', accounting: { rows, windowBlocks: 10 } })
    node.connect(1, address(1), 'x', 'NerdMinerV2')
    node.connect(2, address(2))
    expect(effectsOf(node.mine(1, A_SHARE), 'keepAccounting')).toEqual([])
    expect(effectsOf(node.mine(2, A_SHARE), 'keepAccounting')).toHaveLength(1)
    expect(paid(node.mine(1, A_BLOCK))).toEqual([[address(1), VALUE_SATS]])
    expect(paid(node.mine(2, A_BLOCK))).toHaveLength(200)
    expect(factsOf(node.effects, 'bug')).toEqual([])
  })
})
