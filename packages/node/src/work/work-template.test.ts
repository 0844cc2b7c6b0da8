import { addressFromScript, PADDING_FORMS, type PaddingForm } from '@p2poolv2/bitcoin'
import { consensusAddress, consensusAddressFromScript, parseBitcoinCoinbase } from '@p2poolv2/consensus'
import { bigIntFromBits } from '@p2poolv2/primitives'
import { ChainBuilder, FAR_FUTURE_MS, StoredChain } from '@p2poolv2/sharechain/testing'
import { describe, expect, it } from 'vitest'
import { A_BLOCK, A_SHARE, address, effectsOf, HARD_BITS, PARAMS, Rig, sharesMade } from '../testing/rig.ts'

const EASIEST = 0x7fffffn << 232n
const difficulty = (bits: number): bigint => EASIEST / bigIntFromBits(bits)

/** Protocol §16.1 and §16.3 once more, from the shares' facts alone, walking the whole window. */
function payoutsByHand(rig: Rig, valueSats: bigint): [string, bigint][] {
  const threshold = 10n * difficulty(HARD_BITS) * PARAMS.difficultyMultiplier
  const weights = new Map<string, bigint>()
  const add = (miner: string, weight: bigint): void => {
    weights.set(miner, (weights.get(miner) ?? 0n) + weight)
  }
  let reached = 0n
  for (let share = rig.chain.facts(rig.chain.miningBase().hash); share !== undefined; ) {
    const uncles = share.uncles.map(hash => rig.chain.facts(hash))
    for (const uncle of uncles) {
      if (uncle === undefined) throw new Error('an uncle is known')
      add(uncle.minerAddress, 9n * difficulty(uncle.bits))
      add(share.minerAddress, difficulty(uncle.bits))
      reached += 10n * difficulty(uncle.bits)
    }
    add(share.minerAddress, 10n * difficulty(share.bits))
    reached += 10n * difficulty(share.bits)
    if (reached >= threshold) break
    share = rig.chain.facts(share.prevHash)
  }
  const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0n)
  const miners = [...weights.keys()].sort()
  let left = valueSats
  return miners.map((miner, index) => {
    const part = index === miners.length - 1 ? left : (valueSats * (weights.get(miner) ?? 0n)) / total
    left -= part
    return [miner, part]
  })
}

function paidBy(rig: Rig, effects: ReturnType<Rig['mine']>): [string, bigint][] {
  const [published] = sharesMade(effects)
  const outputs = published?.bitcoinCoinbase.outputs ?? []
  return outputs
    .filter(({ script }) => script[0] !== 0x6a)
    .map(({ script, valueSats }) => [addressFromScript(script, rig.params.addressNetwork) ?? '?', valueSats])
}

function cut(number: number, bps: number) {
  const parsed = consensusAddress(address(number), 'regtest')
  if (parsed === null) throw new Error('a test address is an address')
  return { address: parsed, bps }
}

describe('payouts', () => {
  it('a block pays every address in the window exactly as an independent payout computation says', () => {
    const rig = new Rig()
    rig.template({ valueSats: 4_999_999_999 })
    for (let id = 1; id <= 5; id++) rig.connect(id, address(id))
    for (let round = 0; round < 12; round++) {
      const first = 1 + (round % 5)
      const second = 1 + ((round * 3 + 1) % 5)
      const late = rig.miner(second).job
      rig.mine(first, A_SHARE)
      // A second share on the same base now and then, so that there are uncles.
      if (round % 3 === 1 && second !== first) rig.mine(second, { ...A_SHARE, job: late })
      rig.advance(700)
    }
    expect(rig.chain.uncleCount).toBeGreaterThan(0)
    const expected = payoutsByHand(rig, 4_999_999_999n)
    expect(expected.length).toBe(6)
    expect(paidBy(rig, rig.mine(2, A_BLOCK))).toEqual(expected)
  })

  it('the status shows what the next block pays, heaviest first, and weights that add up', () => {
    const rig = new Rig()
    rig.template()
    rig.connect(1, address(1))
    rig.connect(2, address(2))
    for (const miner of [1, 1, 2]) {
      rig.mine(miner, A_SHARE)
      rig.advance(1000)
    }
    const status = rig.core.queries.status(rig.now)
    const expected = new Map(payoutsByHand(rig, 5_000_000_000n))
    expect(status.window.map(entry => entry.payoutSats)).toEqual(
      status.window.map(entry => expected.get(entry.address))
    )
    expect(status.window[0]?.address).toBe(address(1))
    expect(status.window.reduce((sum, entry) => sum + entry.weight, 0n)).toBe(status.windowWeight)
    expect(status.windowWeight).toBeGreaterThan(0n)
    expect(status.windowShares).toBe(4)
  })

  it('donation and fee come first, the fee from what the donation leaves', () => {
    const rig = new Rig({ donation: cut(8, 100), fee: cut(9, 200) })
    rig.template({ valueSats: 1_000_000_000 })
    rig.connect(1, address(1))
    const paid = paidBy(rig, rig.mine(1, A_SHARE))
    expect(paid.slice(0, 2)).toEqual([
      [address(8), 10_000_000n],
      [address(9), 19_800_000n]
    ])
    expect(paid.slice(2)).toEqual(payoutsByHand2(rig, 970_200_000n))
    expect(rig.facts('bug')).toEqual([])
  })

  /** The first share pays the genesis alone. */
  function payoutsByHand2(rig: Rig, valueSats: bigint): [string, bigint][] {
    const genesis = rig.chain.facts(rig.chain.confirmedHashAt(0) ?? rig.chain.miningBase().hash)
    return [[genesis?.minerAddress ?? '?', valueSats]]
  }

  it('when the cuts leave nothing only they are paid', () => {
    const rig = new Rig({ donation: cut(8, 10_000) })
    rig.template({ valueSats: 1_000_000_000 })
    rig.connect(1, address(1))
    expect(paidBy(rig, rig.mine(1, A_SHARE))).toEqual([[address(8), 1_000_000_000n]])
    expect(rig.facts('bug')).toEqual([])
  })
})

describe('a template too full for the coinbase', () => {
  it('loses its last transactions and their fees, and says so', () => {
    const rig = new Rig()
    rig.template({ transactions: 4, weight: 999_900, valueSats: 5_000_000_400 })
    rig.connect(1, address(1))
    expect(rig.facts('coinbaseTooHeavy')).toEqual([
      { type: 'coinbaseTooHeavy', droppedTransactions: 1, payees: 1, scarce: 'weight' }
    ])
    expect(rig.core.queries.work().coinbaseValueSats).toBe(5_000_000_300n)
    const effects = rig.mine(1, A_BLOCK)
    expect(paidBy(rig, effects).reduce((sum, [, valueSats]) => sum + valueSats, 0n)).toBe(5_000_000_300n)
    expect(rig.facts('bug')).toEqual([])
  })
})

describe('a template with too many signature checks for the coinbase', () => {
  it('loses its last transactions and their fees, and says so', () => {
    const old = consensusAddressFromScript(2, Uint8Array.of(0x76, 0xa9, 0x14, ...new Uint8Array(20), 0x88, 0xac))
    if (old === null) throw new Error('P2PKH is an address')
    const rig = new Rig({ donation: { address: old, bps: 100 } })
    rig.template({ transactions: 4, sigops: 20_000, valueSats: 5_000_000_400 })
    rig.connect(1, address(1))
    expect(rig.facts('coinbaseTooHeavy')).toEqual([
      { type: 'coinbaseTooHeavy', droppedTransactions: 1, payees: 2, scarce: 'sigops' }
    ])
    const effects = rig.mine(1, A_BLOCK)
    expect(paidBy(rig, effects).reduce((sum, [, valueSats]) => sum + valueSats, 0n)).toBe(5_000_000_300n)
    expect(rig.facts('bug')).toEqual([])
  })
})

describe('a payout window that cannot be read', () => {
  /** Keeps so few shares that the window soon reaches below them. */
  const forgetful = { ...PARAMS, pruneDepth: 2 }

  function pruned(): Rig {
    const rig = new Rig({ params: forgetful, check: 'never' })
    rig.template()
    rig.connect(1, address(1))
    for (let count = 0; count < 25; count++) {
      rig.advance(1000)
      rig.mine(1, A_SHARE)
    }
    return rig
  }

  it('pays whom the last one that could be read pays, from jobs that are blocks only', () => {
    const rig = pruned()
    expect(rig.core.queries.work()).toMatchObject({ jobs: 'bitcoin-only', reason: 'window-unavailable' })
    const [block] = effectsOf(rig.mine(1, A_BLOCK), 'submitBlock')
    expect(block).toBeDefined()
    const outputs = rig.store.blocksNow(1)[0]?.outputs ?? []
    expect(outputs.map(output => output.address)).toContain(address(1))
    expect(outputs.reduce((sum, output) => sum + output.valueSats, 0n)).toBe(5_000_000_000n)
  })

  it('before any was read nobody can be paid, so miners wait and are told nothing false', () => {
    const rig = new Rig({ params: forgetful, store: pruned().store, check: 'never' })
    rig.nowMs += 60_000
    rig.template()
    const miner = rig.connect(2, address(2))
    expect(miner.jobs).toEqual([])
    expect(rig.facts('workUnavailable')).toEqual([{ type: 'workUnavailable', reason: 'window-unavailable' }])
    expect(rig.core.queries.work().jobs).toBe('none')
    expect(rig.core.queries.status(rig.now).window).toEqual([])
  })
})

describe('the padding of the coinbase', () => {
  /** A node whose share chain so far was padded in one form, by others. */
  function nodeOn(form: PaddingForm, shares: number): Rig {
    const builder = new ChainBuilder(PARAMS)
    const past = new StoredChain(PARAMS)
    for (const share of builder.row(builder.genesis, shares, { padding: form })) {
      past.take(past.chain.addShare(share, 'peer', FAR_FUTURE_MS))
    }
    const rig = new Rig({ store: past.store })
    rig.nowMs += shares * 1000
    rig.template()
    rig.connect(1, address(1))
    return rig
  }

  function shownBy(rig: Rig): readonly PaddingForm[] {
    const [share] = sharesMade(rig.mine(1, A_SHARE))
    const parsed = share && parseBitcoinCoinbase(share.bitcoinCoinbase)
    if (!parsed?.ok) throw new Error('a share was made')
    return parsed.paddingForms
  }

  it.each(PADDING_FORMS)('is the form of the network, %s, without a setting, and the status says so', form => {
    const rig = nodeOn(form, 25)
    expect(rig.core.queries.status(rig.now).sharechain.padding).toEqual({ form, demanded: true })
    expect(shownBy(rig)).toContain(form)
    expect(rig.facts('bug')).toEqual([])
    expect(rig.chain.confirmedTip().height).toBe(26)
  })

  it('is form A where any would do', () => {
    const rig = nodeOn('B', 5)
    expect(rig.core.queries.status(rig.now).sharechain.padding).toEqual({ form: 'A', demanded: false })
    expect(shownBy(rig)).toContain('A')
    expect(rig.facts('bug')).toEqual([])
  })
})

it('a window with more payees than a share has room for gives jobs that are blocks only, and says why', () => {
  const rig = new Rig({ params: { ...PARAMS, maxBodyBytes: 400 }, check: 'never' })
  rig.template()
  rig.connect(1, address(1))
  expect(rig.core.queries.work()).toMatchObject({ jobs: 'bitcoin-only', reason: 'too-many-payees' })
  expect(rig.core.queries.status(rig.now).ineligible).toBe('too-many-payees')
  expect(effectsOf(rig.mine(1, A_BLOCK), 'submitBlock')).toHaveLength(1)
  expect(rig.facts('bug')).toEqual([])
})
