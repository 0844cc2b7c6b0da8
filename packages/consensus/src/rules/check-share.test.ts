import { encodeTransaction, type Transaction } from '@p2poolv2/bitcoin'
import { hexToBytes } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { requiredBits } from '../asert.ts'
import { shareCoinbase, shareWitnessRoot } from '../coinbase/share-coinbase.ts'
import { decodeShare } from '../encoding/share-codec.ts'
import { genesisShare } from '../genesis/genesis.ts'
import { RULES, type RuleCode } from '../rule-code.ts'
import { type ChainView, type Checked, PASSED, type Share, type ShareFacts } from '../share.ts'
import { buildShare, TEST_PARAMS, testAddress } from '../testing/build-share.ts'
import derived from '../vectors/derived.json' with { type: 'json' }
import { checkBody, checkBodyLimits, checkBodyMatches, checkBodySize, checkPrunedBody } from './check-share.ts'
import { hasUncheckedScripts } from './check-transactions.ts'

const GENESIS = genesisShare(TEST_PARAMS)
const GENESIS_FACTS: ShareFacts = {
  hash: GENESIS.hash,
  prevHash: GENESIS.header.prevShareHash,
  height: 0,
  bits: GENESIS.header.bits,
  timeSec: GENESIS.header.timeSec,
  uncles: [],
  minerAddress: GENESIS.header.minerBitcoinAddress.text,
  chainWork: 1n,
  validity: 'blockValid',
  hasBody: true
}
const VIEW: ChainView = { facts: hash => (hash === GENESIS.hash ? GENESIS_FACTS : undefined) }
const EMPTY_VIEW: ChainView = { facts: () => undefined }
const GOOD = buildShare({
  params: TEST_PARAMS,
  prev: GENESIS.hash,
  bits: requiredBits(TEST_PARAMS, GENESIS_FACTS.timeSec, 0),
  timeSec: GENESIS_FACTS.timeSec + 1,
  weights: {
    total: 1n,
    byAddress: new Map([[testAddress(1).text, { address: testAddress(1), weight: 1n }]])
  }
})

function codeOf(checked: Checked): string {
  return checked === PASSED ? 'passed' : checked.ok ? 'another pass' : checked.code
}

/** A transaction that is not the coinbase; its lock time tells it from others. */
function spend(lockTime: number): Transaction {
  return { ...shareCoinbase(GOOD.header), lockTime }
}

function paying(valueSats: bigint) {
  return { valueSats, script: new Uint8Array(0) }
}

/** The share with a witness root that fits its transactions: what only a body check, not the proof, can be asked about. */
function withTransactions(transactions: readonly Transaction[]): Share {
  const coinbaseProof = { ...GOOD.header.coinbaseProof, shareWitnessRoot: shareWitnessRoot(transactions) }
  const header = { ...GOOD.header, coinbaseProof }
  return { ...GOOD, header, transactions: [shareCoinbase(header), ...transactions.slice(1)] }
}

const [coinbase] = GOOD.transactions as [Transaction]
const [input] = coinbase.inputs as [Transaction['inputs'][number]]

describe('a body', () => {
  it.each(derived.syntheticShares)('matches its header in the derived share of form $padding', ({ shareHex }) => {
    const share = decodeShare(hexToBytes(shareHex))
    expect(codeOf(checkBodyMatches(share.header, share))).toBe('passed')
  })

  it('matches its header when built by a producer', () => {
    expect(codeOf(checkBodyMatches(GOOD.header, GOOD))).toBe('passed')
  })

  it.each<[RuleCode, string, Partial<Share>]>([
    ['body-no-transactions', 'nothing', { transactions: [] }],
    ['body-duplicate-transaction', 'one transaction twice', { transactions: [coinbase, spend(1), spend(1)] }],
    ['body-witness-root', 'a transaction the header does not know', { transactions: [coinbase, spend(1)] }],
    ['body-share-coinbase', 'another lock time', { transactions: [spend(1)] }],
    [
      'body-share-coinbase',
      'a coinbase whose witness alone differs',
      { transactions: [{ ...coinbase, inputs: [{ ...input, witness: [new Uint8Array(32).fill(1)] }] }] }
    ],
    [
      'body-coinbase-txid',
      'another bitcoin coinbase',
      { bitcoinCoinbase: { ...GOOD.bitcoinCoinbase, lockTime: GOOD.bitcoinCoinbase.lockTime + 1 } }
    ],
    [
      'body-coinbase-witness',
      'a bitcoin coinbase with witness',
      {
        bitcoinCoinbase: {
          ...GOOD.bitcoinCoinbase,
          inputs: GOOD.bitcoinCoinbase.inputs.map(bare => ({ ...bare, witness: [new Uint8Array(32)] }))
        }
      }
    ]
  ])('does not match with %s: %s', (code, _name, change) => {
    expect(codeOf(checkBodyMatches(GOOD.header, { ...GOOD, ...change }))).toBe(code)
    expect(RULES[code].verdict).toBe('bad-copy')
  })

  it('has its duplicates found before its root, which two equal leaves would satisfy', () => {
    const odd = withTransactions([coinbase, spend(1), spend(2)])
    const doubled: Share = { ...odd, transactions: [...odd.transactions, spend(2)] }
    expect(shareWitnessRoot(doubled.transactions)).toEqual(shareWitnessRoot(odd.transactions))
    expect(codeOf(checkBodyMatches(doubled.header, doubled))).toBe('body-duplicate-transaction')
  })

  it('may have 204,800 bytes, the bitcoin coinbase counted, in at most 100 transactions', () => {
    const bytesOf = ({ transactions, bitcoinCoinbase }: Share): number =>
      [...transactions, bitcoinCoinbase].reduce((sum, transaction) => sum + encodeTransaction(transaction).length, 0)
    const padTo = (bytes: number): Share => {
      const script = (length: number): Transaction => ({
        ...spend(1),
        outputs: [{ valueSats: 0n, script: new Uint8Array(length) }]
      })
      const probe = withTransactions([coinbase, script(70_000)])
      return withTransactions([coinbase, script(70_000 + bytes - bytesOf(probe))])
    }
    expect(codeOf(checkBodyLimits(TEST_PARAMS, padTo(204_800)))).toBe('passed')
    expect(codeOf(checkBodyLimits(TEST_PARAMS, padTo(204_801)))).toBe('body-size')
    const paying = (miners: number): Share => {
      const outputs = new Array(miners).fill({ valueSats: 1n, script: new Uint8Array(22) })
      return { ...GOOD, bitcoinCoinbase: { ...GOOD.bitcoinCoinbase, outputs } }
    }
    expect(codeOf(checkBodyLimits(TEST_PARAMS, paying(6_000)))).toBe('passed')
    expect(codeOf(checkBodyLimits(TEST_PARAMS, paying(7_000)))).toBe('body-size')
    const many = (count: number): Share =>
      withTransactions([coinbase, ...Array.from({ length: count - 1 }, (_, lockTime) => spend(lockTime + 1))])
    expect(codeOf(checkBodyLimits(TEST_PARAMS, many(100)))).toBe('passed')
    expect(codeOf(checkBodyLimits(TEST_PARAMS, many(101)))).toBe('body-transaction-count')
    // The header commits to the number, so it is not a matter of this copy.
    expect(codeOf(checkBodySize(TEST_PARAMS, many(101)))).toBe('passed')
    expect([RULES['body-size'].verdict, RULES['body-transaction-count'].verdict]).toEqual(['bad-copy', 'invalid'])
  })
})

describe('body validation', () => {
  it('accepts an honest share on the genesis, above and below the payout zone', () => {
    expect(codeOf(checkBody(TEST_PARAMS, GOOD, VIEW))).toBe('passed')
    expect(codeOf(checkPrunedBody(TEST_PARAMS, GOOD, VIEW))).toBe('passed')
  })

  it('takes the derived share up to the work it does not have', () => {
    const [vector] = derived.syntheticShares
    const foreign = decodeShare(hexToBytes(vector?.shareHex ?? ''))
    expect(codeOf(checkBody(TEST_PARAMS, foreign, VIEW))).toBe('share-work')
  })

  it('is open while the parent is unknown', () => {
    expect(codeOf(checkBody(TEST_PARAMS, GOOD, EMPTY_VIEW))).toBe('share-parent-unknown')
    expect(codeOf(checkPrunedBody(TEST_PARAMS, GOOD, EMPTY_VIEW))).toBe('share-parent-unknown')
  })

  it('asks for the coinbase proof first', () => {
    const share = { ...GOOD, merkleBranch: new Uint8Array(0), transactions: [] }
    expect(codeOf(checkBody(TEST_PARAMS, share, EMPTY_VIEW))).toBe('proof-merkle-root')
  })

  it('follows a share that carries transactions, whose scripts nothing here can check', () => {
    const share = buildShareWith([coinbase, spend(1), { ...spend(2), inputs: [{ ...input, prevIndex: 1 }] }])
    expect(codeOf(checkBody(TEST_PARAMS, share, VIEW))).toBe('passed')
    expect(codeOf(checkPrunedBody(TEST_PARAMS, share, VIEW))).toBe('passed')
  })

  it('says of one that carries transactions that their scripts were not checked', () => {
    expect([GOOD, buildShareWith([coinbase, spend(1)])].map(hasUncheckedScripts)).toEqual([false, true])
  })

  it('takes one that moves all the bitcoin there will ever be', () => {
    const outputs = [1n, 2_099_999_999_999_999n].map(paying)
    const share = buildShareWith([coinbase, { ...spend(1), outputs }])
    expect(codeOf(checkBody(TEST_PARAMS, share, VIEW))).toBe('passed')
  })

  it.each([
    ['transaction-no-inputs', [{ ...spend(1), inputs: [] }]],
    ['transaction-no-outputs', [{ ...spend(1), outputs: [] }]],
    ['transaction-value', [{ ...spend(1), outputs: [1n, 2_100_000_000_000_000n].map(paying) }]],
    ['transaction-double-spend', [{ ...spend(1), inputs: [input, input] }]],
    ['transaction-double-spend', [spend(1), spend(2)]],
    ['transaction-repeated', [spend(1), { ...spend(1), inputs: [{ ...input, witness: [new Uint8Array(1)] }] }]]
  ])('refuses one for %s, which needs no interpreter', (code, others) => {
    expect(codeOf(checkBody(TEST_PARAMS, buildShareWith([coinbase, ...others]), VIEW))).toBe(code)
  })
})

/** An honest share whose commitment covers further transactions. */
function buildShareWith(transactions: readonly Transaction[]): Share {
  const share = buildShare({
    params: TEST_PARAMS,
    prev: GENESIS.hash,
    bits: GOOD.header.bits,
    timeSec: GOOD.header.timeSec,
    weights: { total: 1n, byAddress: new Map([[testAddress(1).text, { address: testAddress(1), weight: 1n }]]) },
    shareWitnessRoot: shareWitnessRoot(transactions)
  })
  return { ...share, transactions: [...share.transactions, ...transactions.slice(1)] }
}
