/** What the protocol itself leaves open, shown by its own rules: the sections of docs/upstream.md, in their order. */
import { buildCoinbase, decodeTransaction, MAX_POOL_SIGNATURE_BYTES, witnessProgramScript } from '@p2poolv2/bitcoin'
import { ByteReader, bigIntFromBits, sha256d, shareHashFromWire } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { requiredBits } from './asert.ts'
import { decodeShareHeader, encodeShareHeader, shareHashOf } from './encoding/share-codec.ts'
import { genesisShare } from './genesis/genesis.ts'
import { chainParams, devnetParams } from './params.ts'
import { payoutOutputs } from './payout/payout.ts'
import { naivePayoutWeights } from './payout/window-source.ts'
import { checkContext } from './rules/check-context.ts'
import { checkUncles } from './rules/check-placement.ts'
import { checkBody, checkBodySize } from './rules/check-share.ts'
import { type Checked, consensusAddressFromScript, type Share } from './share.ts'
import { testAddress } from './testing/build-share.ts'
import { ShareLedger } from './testing/share-ledger.ts'
import { ShareTree } from './testing/share-tree.ts'

const MAIN = chainParams('main')
/** About 256 hashes a share. */
const EASY = devnetParams({ genesisTimeSec: 1_700_000_000, anchorBits: 0x2000ffff })
const NO_BYTES = new Uint8Array(0)

const codeOf = (checked: Checked): string => (checked.ok ? 'passed' : checked.code)

function judged(ledger: ShareLedger, share: Share, nowSec = share.header.timeSec): string {
  const views = { view: ledger, window: ledger, padding: ledger }
  return codeOf(checkContext({ params: EASY, share, ...views, nowSec }))
}

describe('1. payees without a cap', () => {
  /** The body of a share whose window pays so many addresses of one kind, each an equal part. */
  function bodyFor(payees: number, programBytes: 20 | 32): Share {
    const byAddress = new Map(
      Array.from({ length: payees }, (_, number) => {
        const program = new Uint8Array(programBytes)
        new DataView(program.buffer).setUint32(0, number)
        const address = consensusAddressFromScript(0, witnessProgramScript(programBytes === 20 ? 0 : 1, program))
        if (address === null) throw new Error('a witness program is an address')
        return [address.text, { address, weight: 1n }] as const
      })
    )
    const weights = { total: BigInt(payees), byAddress }
    const outputs = payoutOutputs({ valueSats: 312_500_000n, donation: null, fee: null, weights })
    const { bytes } = buildCoinbase({
      bitcoinHeight: 920_528,
      auxFlags: NO_BYTES,
      poolSignature: NO_BYTES,
      outputs: outputs.map(({ address, valueSats }) => ({ valueSats, script: address.script })),
      witnessCommitmentScript: null,
      padding: 'A'
    })
    return { ...genesisShare(MAIN), bitcoinCoinbase: decodeTransaction(new ByteReader(bytes)) }
  }

  it.each([
    ['P2WPKH', 20, 6_593],
    ['P2TR', 32, 4_753]
  ] as const)('of kind %s: with %i-byte programs a share has room for %i of them and no more', (_kind, bytes, most) => {
    expect(codeOf(checkBodySize(MAIN, bodyFor(most, bytes)))).toBe('passed')
    expect(codeOf(checkBodySize(MAIN, bodyFor(most + 1, bytes)))).toBe('body-size')
  })

  it('more than that fit into the window, one a share', () => {
    expect(MAIN.windowMaxShares).toBeGreaterThan(18 * 6_593)
  })
})

describe('2. one uncle, several nephews', () => {
  const BITS = 0x1b384bd7
  const [HONEST, GREEDY] = [1, 2]

  it('an uncle named by three shares of one branch is valid each time and paid three times', () => {
    const tree = new ShareTree({ miner: HONEST, bits: BITS })
    const root = tree.add({ prev: 0, miner: HONEST, bits: BITS })
    const base = tree.add({ prev: root, miner: HONEST, bits: BITS })
    const uncle = tree.add({ prev: root, miner: GREEDY, bits: BITS })
    let tip = base
    for (let nephew = 0; nephew < 3; nephew++) {
      const header = { prevShareHash: tree.hash(tip), uncles: [tree.hash(uncle)], bits: BITS }
      expect(codeOf(checkUncles(MAIN, header, tree))).toBe('passed')
      tip = tree.add({ prev: tip, miner: GREEDY, bits: BITS, uncles: [uncle] })
    }
    const paid = (anchor: number): bigint =>
      naivePayoutWeights(MAIN, tree, { anchorSlot: anchor, bitcoinBits: 0x03000001 })?.byAddress.get(
        testAddress(GREEDY).text
      )?.weight ?? 0n
    const perShare = paid(tree.add({ prev: tip, miner: GREEDY, bits: BITS })) - paid(tip)
    // Its three shares, and its one uncle that earned as much as three more.
    expect(paid(tip)).toBe(6n * perShare)
  })
})

describe('3. an uncle that pays nobody else', () => {
  it('is invalid as a share, and paid all the same once somebody names it', () => {
    const ledger = new ShareLedger(EASY)
    for (let miner = 1; miner <= 2; miner++) ledger.add(ledger.next({ miner }))
    const [, first, second] = ledger.shares as [Share, Share, Share]
    const alone = new Map([[testAddress(7).text, { address: testAddress(7), weight: 1n }]])
    const selfish = ledger.next({ miner: 7, weights: { total: 1n, byAddress: alone } }, first)
    expect(judged(ledger, selfish)).toBe('coinbase-payout')
    ledger.add(selfish)
    ledger.overrides.set(selfish.hash, { validity: 'invalid' })
    const nephew = ledger.next({ miner: 7, uncles: [selfish.hash] }, second)
    expect(codeOf(checkBody(EASY, nephew, ledger))).toBe('passed')
    expect(judged(ledger, nephew)).toBe('passed')
    ledger.add(nephew)
    const { byAddress } = ledger.weights(nephew.hash, 0x1f00ffff) ?? { byAddress: new Map() }
    expect(byAddress.get(testAddress(7).text)?.weight).toBe(2n * (byAddress.get(testAddress(1).text)?.weight ?? 0n))
  })
})

describe('4. work for no block', () => {
  it('a share that can never be a bitcoin block is a share like any other', () => {
    const ledger = new ShareLedger(EASY)
    ledger.add(ledger.next())
    const impossible = {
      'one satoshi instead of the reward': ledger.next({ valueSats: 1n }),
      'more than the reward': ledger.next({ valueSats: 2_100_000_000_000_000n }),
      'a bitcoin target of its own': ledger.next({ bitcoinBits: 0x207fffff }),
      'a height of its own': ledger.next({ bitcoinHeight: 499_999_999 }),
      'a witness commitment of nothing': ledger.next({ witnessCommitmentScript: null }),
      'an input script of 179 bytes, which bitcoin refuses': ledger.next({
        poolSignature: new Uint8Array(75),
        auxFlags: new Uint8Array(75).fill(1)
      })
    }
    for (const [name, share] of Object.entries(impossible)) expect(judged(ledger, share), name).toBe('passed')
    expect(MAX_POOL_SIGNATURE_BYTES, 'what we let an operator set').toBe(39)
  })
})

describe('5. time', () => {
  it('one share has two verdicts on two clocks, so a verdict for ever would split the chain', () => {
    const ledger = new ShareLedger(EASY)
    const share = ledger.next()
    const { timeSec } = share.header
    expect(judged(ledger, share, timeSec - 120)).toBe('passed')
    expect(judged(ledger, share, timeSec - 121)).toBe('share-time-future')
  })

  it('whoever dates a share ahead makes the next one easier by a seventh, and back, harder', () => {
    const height = 400
    const onTimeSec = MAIN.genesisTimeSec + 10 * (height + 1)
    // A chain that has run ahead of its schedule, as one does under load, so that the ceiling plays no part.
    const targetAt = (shiftSec: number): number =>
      Number(bigIntFromBits(requiredBits(MAIN, onTimeSec - 6_000 + shiftSec, height)))
    expect(targetAt(120) / targetAt(0)).toBeCloseTo(2 ** (120 / 600), 3)
    expect(targetAt(-60) / targetAt(0)).toBeCloseTo(2 ** (-60 / 600), 3)
  })

  it('a time may lie before its parent’s, as long as it is above the median', () => {
    const ledger = new ShareLedger(EASY)
    for (let count = 0; count < 12; count++) ledger.add(ledger.next())
    const share = ledger.next({ timeSec: ledger.tip.header.timeSec - 4 })
    expect(judged(ledger, share)).toBe('passed')
  })
})

describe('6. one script, two classes', () => {
  it('a header with a P2PKH address of class 2 is read as another header than was sent', () => {
    const { header } = new ShareLedger(EASY).next()
    const script = new Uint8Array([0x76, 0xa9, 0x14, ...new Uint8Array(20), 0x88, 0xac])
    const sent = encodeShareHeader({ ...header, minerBitcoinAddress: { addressClass: 2, script, text: '' } })
    const read = decodeShareHeader(new ByteReader(sent))
    expect(read.minerBitcoinAddress.addressClass).toBe(1)
    expect(encodeShareHeader(read)).not.toEqual(sent)
    expect(shareHashOf(read)).not.toBe(shareHashFromWire(sha256d(sent)))
  })
})
