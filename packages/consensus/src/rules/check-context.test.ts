import { PADDING_FORMS, type Transaction, type TxInput, type TxOutput } from '@p2poolv2/bitcoin'
import { asciiToBytes, hexToBytes, type ShareHash } from '@p2poolv2/primitives'
import { beforeEach, describe, expect, it } from 'vitest'
import { type PaddingDemand, paddingMarkOf } from '../coinbase/padding-form.ts'
import { decodeShare, encodeShare, shareHashOf } from '../encoding/share-codec.ts'
import { decodeHeaderBatch, encodeHeaderBatch } from '../headers/header-batch.ts'
import { devnetParams } from '../params.ts'
import { RULES, type RuleCode } from '../rule-code.ts'
import { type Checked, consensusAddressFromScript, type Share } from '../share.ts'
import { testAddress } from '../testing/build-share.ts'
import { ShareLedger } from '../testing/share-ledger.ts'
import upstream from '../vectors/upstream-2026-10b.json' with { type: 'json' }
import { type ContextInput, checkContext } from './check-context.ts'
import { checkBody } from './check-share.ts'

/** The easiest anchor, so that every share of these chains takes about 256 hashes. */
const PARAMS = devnetParams({ genesisTimeSec: 1_700_000_000, anchorBits: 0x2000ffff })
const DONATION = { address: testAddress(500), bps: 150 }
const FEE = { address: testAddress(501), bps: 75 }

const NOTHING = new Uint8Array(0)

let ledger: ShareLedger

beforeEach(() => {
  ledger = new ShareLedger(PARAMS)
  for (let miner = 1; miner <= 3; miner++) ledger.add(ledger.next({ miner }))
})

function judged(share: Share, change: Partial<ContextInput> = {}): string {
  const nowSec = share.header.timeSec
  const checked: Checked = checkContext({
    params: PARAMS,
    share,
    view: ledger,
    window: ledger,
    padding: ledger,
    nowSec,
    ...change
  })
  return checked.ok ? 'passed' : checked.code
}

/** Whether a share's header, proof and body are right, so that only its context can be wrong. */
function bodyOf(share: Share): string {
  const checked = checkBody(PARAMS, share, ledger)
  return checked.ok ? 'passed' : checked.code
}

describe('the chain context', () => {
  it('accepts honest shares of every shape after a trip over the wire', () => {
    const sibling = ledger.next({ miner: 9 }, ledger.shares[2] as Share)
    ledger.add(sibling)
    const tip = ledger.shares[3] as Share
    const shapes = [
      ledger.next({}, tip),
      ledger.next({ uncles: [sibling.hash], miner: 4 }, tip),
      ledger.next({ donation: DONATION, fee: FEE }, tip),
      ledger.next({ donation: { ...DONATION, bps: 10_000 } }, tip),
      ledger.next({ fee: { ...FEE, bps: 10_000 } }, tip),
      ledger.next({ witnessCommitmentScript: null, merkleBranch: new Uint8Array(0) }, tip),
      ledger.next({ auxFlags: hexToBytes('062f503253482f'), bitcoinHeight: 1 }, tip),
      ledger.next({ valueSats: 0n, donation: DONATION }, tip),
      ledger.next({ bitcoinHeight: 500_000_000 }, tip),
      ledger.next({ bitcoinBits: 0x207fffff }, tip),
      ledger.next({ merkleBranch: new Uint8Array(16 * 32).fill(1) }, tip)
    ]
    for (const [index, share] of shapes.entries()) {
      const received = decodeShare(encodeShare(share))
      expect(received.hash).toBe(share.hash)
      expect(bodyOf(received), `shape ${index}`).toBe('passed')
      expect(judged(received), `shape ${index}`).toBe('passed')
      const [item] = decodeHeaderBatch(encodeHeaderBatch([share]))
      expect(item?.hash).toBe(share.hash)
    }
  })

  it('pays uncles and their nephew at the next share', () => {
    const uncle = ledger.add(ledger.next({ miner: 9 }, ledger.shares[2] as Share))
    const nephew = ledger.add(ledger.next({ miner: 4, uncles: [uncle.hash] }, ledger.shares[3] as Share))
    const share = ledger.next()
    expect(judged(share)).toBe('passed')
    const weights = ledger.weights(nephew.hash, 0x1f00ffff)
    const perShare = weights?.byAddress.get(testAddress(1).text)?.weight ?? 0n
    expect(weights?.byAddress.get(testAddress(9).text)?.weight).toBe((perShare * 9n) / 10n)
    expect(weights?.byAddress.get(testAddress(4).text)?.weight).toBe((perShare * 11n) / 10n)
  })

  it('stays open until the parent is validated, and falls with it', () => {
    const share = ledger.next()
    ledger.overrides.set(ledger.tip.hash, { validity: 'headerValid' })
    expect(judged(share)).toBe('share-parent-unvalidated')
    ledger.overrides.set(ledger.tip.hash, { validity: 'invalid' })
    expect(judged(share)).toBe('share-parent-invalid')
    expect(judged(share, { view: new ShareLedger(PARAMS) })).toBe('share-parent-unknown')
  })

  it('allows a share time up to 120 seconds ahead, and lets the clock heal a later one', () => {
    const share = ledger.next()
    const { timeSec } = share.header
    expect(judged(share, { nowSec: timeSec - 120 })).toBe('passed')
    expect(judged(share, { nowSec: timeSec - 121 })).toBe('share-time-future')
    expect(RULES['share-time-future'].verdict).toBe('recoverable')
  })

  it('demands a time above the median of the ancestors', () => {
    // Times of the four ancestors: +0, +1, +2, +3; the median is the third.
    expect(judged(ledger.next({ timeSec: 1_700_000_002 }))).toBe('share-time-median')
    expect(judged(ledger.next({ timeSec: 1_700_000_003 }))).toBe('passed')
  })

  type Edit = (coinbase: Transaction) => Transaction
  const editOutputs =
    (edit: (outputs: Transaction['outputs']) => Transaction['outputs']): Edit =>
    coinbase => ({ ...coinbase, outputs: edit(coinbase.outputs) })
  const editInput =
    (change: (input: TxInput) => Partial<TxInput>): Edit =>
    coinbase => ({ ...coinbase, inputs: coinbase.inputs.map(input => ({ ...input, ...change(input) })) })
  const editScriptSig = (offset: number, value: number): Edit =>
    editInput(({ scriptSig }) => ({
      scriptSig: scriptSig.with(offset < 0 ? scriptSig.length + offset : offset, value)
    }))
  const editPadding = (offset: number, value: number): Edit =>
    editOutputs(outputs => {
      const padding = outputs.at(-2) as TxOutput
      return outputs.with(-2, { ...padding, script: padding.script.with(offset, value) })
    })
  const moveSats = (amountSats: bigint): Edit =>
    editOutputs(([first, second, ...others]) => [
      { script: first?.script ?? NOTHING, valueSats: (first?.valueSats ?? 0n) - amountSats },
      { script: second?.script ?? NOTHING, valueSats: (second?.valueSats ?? 0n) + amountSats },
      ...others
    ])

  // The script of these coinbases: 01 64 | 01 00 | 0c .. | 08 .. | 08 P2Poolv2.
  it.each<[RuleCode | 'passed', string, Edit]>([
    ['coinbase-payout', 'one satoshi moved from the first to the second', moveSats(1n)],
    ['coinbase-payout', 'one satoshi moved from the second to the first', moveSats(-1n)],
    [
      'coinbase-payout',
      'two payouts exchanged',
      editOutputs(([a, b, ...rest]) => [b as TxOutput, a as TxOutput, ...rest])
    ],
    ['coinbase-form', 'padding that is not zero', editPadding(2, 1)],
    ['coinbase-form', 'padding that is no data output', editPadding(0, 0x51)],
    ['coinbase-form', 'version 1', coinbase => ({ ...coinbase, version: 1 })],
    ['coinbase-form', 'a final sequence', editInput(() => ({ sequence: 0xffffffff }))],
    ['coinbase-form', 'a spent output', editInput(() => ({ prevIndex: 0 }))],
    ['coinbase-form', 'another height than its lock time', editScriptSig(1, 0x65)],
    ['coinbase-form', 'an extranonce of another length', editScriptSig(4, 0x0b)],
    ['passed', 'another extranonce', editScriptSig(5, 0xff)],
    ['passed', 'another clock', editScriptSig(18, 0xff)],
    ['passed', 'padding without a push length, while no form is demanded', editPadding(1, 0)],
    ['passed', 'another pool signature of that length', editScriptSig(-1, 0x33)]
  ])('gives %s for %s', (code, _name, editCoinbase) => {
    const share = ledger.next({ editCoinbase })
    expect(bodyOf(share)).toBe('passed')
    expect(judged(share)).toBe(code)
  })

  it('refuses a coinbase that was paid by another window', () => {
    const weights = ledger.weights((ledger.shares[2] as Share).hash, 0x1f00ffff)
    if (weights === null) throw new Error('the window is held')
    const share = ledger.next({ weights })
    expect(bodyOf(share)).toBe('passed')
    expect(judged(share)).toBe('coinbase-payout')
  })

  it.each(upstream.poolSignatures)('takes whatever pool signature a coinbase carries: $name', ({ ascii }) => {
    const share = ledger.next({ poolSignature: asciiToBytes(ascii) })
    expect([bodyOf(share), judged(share)]).toEqual(['passed', 'passed'])
  })

  it('takes pool signatures and flags of every length a plain push holds', () => {
    for (let length = 0; length <= 75; length++) {
      const bytes = new Uint8Array(length).fill(0x41)
      expect(judged(ledger.next({ poolSignature: bytes })), `a signature of ${length} bytes`).toBe('passed')
      expect(judged(ledger.next({ auxFlags: bytes })), `flags of ${length} bytes`).toBe('passed')
    }
  })

  it.each(upstream.totals)('finds a coinbase $verdict that pays in all $name', ({ valueSats, verdict }) => {
    const share = ledger.next({ valueSats: BigInt(valueSats) })
    expect(judged(share)).toBe(verdict === 'valid' ? 'passed' : 'coinbase-value')
    expect(RULES['coinbase-value'].verdict).toBe('invalid')
  })

  it('refuses a sum that would overflow 64 bits, and takes all there can be', () => {
    const half = editOutputs(([a, b, ...rest]) => [
      { script: a?.script ?? NOTHING, valueSats: 1n << 63n },
      { script: b?.script ?? NOTHING, valueSats: 1n << 63n },
      ...rest
    ])
    expect(judged(ledger.next({ editCoinbase: half }))).toBe('coinbase-value')
    expect(judged(ledger.next({ valueSats: 2_100_000_000_000_000n }))).toBe('passed')
  })

  it('takes one script under another network’s class for another miner: another hash, another proof', () => {
    const share = ledger.next()
    const { script, text } = share.header.minerBitcoinAddress
    const minerBitcoinAddress = consensusAddressFromScript(1, script)
    if (minerBitcoinAddress === null) throw new Error('the script is an address of every network')
    const header = { ...share.header, minerBitcoinAddress }
    expect(minerBitcoinAddress.text).not.toBe(text)
    expect(shareHashOf(header)).not.toBe(share.hash)
    expect(bodyOf({ ...share, header })).toBe('proof-merkle-root')
  })

  it('demands the form of padding that the ancestors show, and waits for those that are gone', () => {
    const judgedBy = (share: Share, demand: PaddingDemand): string =>
      judged(share, { padding: { demand: () => demand } })
    for (const padding of PADDING_FORMS) {
      const share = ledger.next({ padding })
      expect(bodyOf(share)).toBe('passed')
      expect(judgedBy(share, 'any')).toBe('passed')
      expect(judgedBy(share, 'unknown')).toBe('share-ancestors-gone')
      for (const demand of PADDING_FORMS) {
        expect(judgedBy(share, demand)).toBe(demand === padding ? 'passed' : 'coinbase-padding')
      }
    }
    expect(RULES['coinbase-padding'].verdict).toBe('invalid')
  })

  it('takes padding that is the same in two forms for either, and not for the third', () => {
    const lengths = Array.from({ length: 64 }, (_, length) => new Uint8Array(length).fill(0x41))
    const shares = lengths.map(poolSignature => ledger.next({ poolSignature }))
    const [share, ...more] = shares.filter(each => paddingMarkOf(each) === 'none')
    if (share === undefined) throw new Error('one length of 64 leaves nothing to fill')
    expect(more).toEqual([])
    const verdicts = PADDING_FORMS.map(form => judged(share, { padding: { demand: () => form } }))
    expect(verdicts).toEqual(['passed', 'passed', 'coinbase-padding'])
  })

  it('refuses cuts that the header does not state', () => {
    const share = ledger.next({ donation: DONATION })
    for (const change of [{ donationBps: 149 }, { donationAddress: null }, { feeAddress: FEE.address, feeBps: 1 }]) {
      const header = { ...share.header, ...change }
      expect(judged({ ...share, header })).toBe('coinbase-payout')
    }
  })

  it('refuses cuts of more than the whole, if there is an address to take them', () => {
    const { header } = ledger.next()
    const cases = [
      ['share-donation-range', { donationAddress: DONATION.address, donationBps: 10_001 }],
      ['share-fee-range', { feeAddress: FEE.address, feeBps: 0xffff }]
    ] as const
    for (const [code, cut] of cases) {
      expect(judged({ ...ledger.next(), header: { ...header, ...cut } })).toBe(code)
      expect(RULES[code].verdict).toBe('invalid')
    }
    const idle = ledger.next({ cutsWithoutAddress: { donationBps: 10_001, feeBps: 0xffff } })
    expect([bodyOf(idle), judged(idle)]).toEqual(['passed', 'passed'])
  })

  it.each([0x1d000000, 0x1d800000, 0])('refuses a bitcoin target of zero (%i) before anything divides by it', bits => {
    const share = ledger.next()
    const header = { ...share.header, bitcoinHeader: { ...share.header.bitcoinHeader, bits } }
    expect(judged({ ...share, header })).toBe('bitcoin-target-zero')
    expect(RULES['bitcoin-target-zero'].verdict).toBe('invalid')
  })

  it('refuses a coinbase that has nothing to pay to anybody', () => {
    const share = ledger.next({ valueSats: 0n })
    expect(bodyOf(share)).toBe('passed')
    expect(judged(share)).toBe('payout-empty')
  })

  it('refuses an empty window and stays without verdict when the window or an ancestor is gone', () => {
    const share = ledger.next()
    const empty = { weights: () => ({ total: 0n, byAddress: new Map() }) }
    expect(judged(share, { window: empty })).toBe('payout-empty')
    expect(judged(share, { window: { weights: () => null } })).toBe('payout-window-gone')
    const parentOnly = { facts: (hash: ShareHash) => (hash === ledger.tip.hash ? ledger.facts(hash) : undefined) }
    expect(judged(share, { view: parentOnly })).toBe('share-ancestors-gone')
    expect([RULES['payout-window-gone'].verdict, RULES['share-ancestors-gone'].verdict]).toEqual([
      'unresolvable',
      'unresolvable'
    ])
  })

  it('folds the coinbase up the branch it came with', () => {
    expect(judged({ ...ledger.next(), merkleBranch: new Uint8Array(32) })).toBe('coinbase-merkle-root')
  })
})
