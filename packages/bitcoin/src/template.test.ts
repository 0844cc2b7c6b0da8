import { bytesToHex, bytesToHexReversed, hexToBytes, targetFromBits, wireFromDisplay } from '@p2poolv2/primitives'
import { Block, Transaction } from 'bitcoinjs-lib'
import { describe, expect, it } from 'vitest'
import { merkleBranchOf } from './merkle.ts'
import type { BlockTemplate } from './template.ts'
import { parseTemplate, witnessCommitmentScriptOf } from './template.ts'
import captured from './vectors/templates.json' with { type: 'json' }

function accept(json: unknown): BlockTemplate {
  const parsed = parseTemplate(json)
  if (!parsed.ok) throw new Error(parsed.reason)
  return parsed.template
}

/** A transaction of its own kind for each number: every second has a witness. */
function transaction(n: number): Transaction {
  const tx = new Transaction()
  tx.version = 2
  tx.addInput(new Uint8Array(32).fill(n), n)
  tx.addOutput(hexToBytes(`0014${'22'.repeat(20)}`), BigInt(1000 + n))
  if (n % 2 === 0) tx.setWitness(0, [new Uint8Array(71).fill(n), new Uint8Array(33).fill(n)])
  return tx
}

function listed(tx: Transaction): Record<string, unknown> {
  return {
    data: tx.toHex(),
    txid: tx.getId(),
    hash: bytesToHexReversed(tx.getHash(true)),
    depends: [],
    fee: 1550,
    sigops: 1,
    weight: tx.weight()
  }
}

/** bitcoinjs-lib's own witness commitment of a block of these transactions. */
function libraryCommitment(transactions: readonly Transaction[]): string {
  const coinbase = new Transaction()
  coinbase.addInput(new Uint8Array(32), 0xffffffff)
  coinbase.setWitness(0, [new Uint8Array(32)])
  coinbase.addOutput(hexToBytes(`6a24aa21a9ed${'00'.repeat(32)}`), 0n)
  return `6a24aa21a9ed${bytesToHex(Block.calculateMerkleRoot([coinbase, ...transactions], true))}`
}

const TRANSACTIONS = [1, 2, 3, 4, 5].map(transaction)

/** As bitcoind answers on regtest past height 144, where bit 28 is being signalled. */
const TEMPLATE: Readonly<Record<string, unknown>> = {
  capabilities: ['proposal'],
  version: 805306368,
  rules: ['csv', '!segwit', 'taproot'],
  vbavailable: { testdummy: 28 },
  vbrequired: 0,
  previousblockhash: '0d6c0fe71dc7ddb8f69feba780c66055ac7e3b99f8f871da8ae7ee157610e6e2',
  transactions: TRANSACTIONS.map(listed),
  coinbaseaux: {},
  coinbasevalue: 2500007750,
  longpollid: '0d6c0fe71dc7ddb8f69feba780c66055ac7e3b99f8f871da8ae7ee157610e6e2107',
  target: '7fffff0000000000000000000000000000000000000000000000000000000000',
  mintime: 1795360577,
  mutable: ['time', 'transactions', 'prevblock'],
  noncerange: '00000000ffffffff',
  sigoplimit: 80000,
  sizelimit: 4000000,
  weightlimit: 4000000,
  curtime: 1795360600,
  bits: '207fffff',
  height: 253,
  default_witness_commitment: libraryCommitment(TRANSACTIONS)
}

describe('parseTemplate', () => {
  it("reads a real regtest node's template with one transaction", () => {
    const template = accept(captured.regtestOneTransaction)
    const [transaction] = captured.regtestOneTransaction.transactions
    expect(template).toMatchObject({
      bitcoinHeight: 151,
      // bitcoind signals bit 28 here, which is the miners' to roll.
      version: 0x20000000,
      bits: 0x207fffff,
      coinbaseValueSats: 2500001550n,
      signetChallenge: null,
      auxFlags: new Uint8Array(0)
    })
    expect(template.transactions).toEqual([
      {
        txidWire: wireFromDisplay(transaction?.txid ?? ''),
        wtxidWire: wireFromDisplay(transaction?.hash ?? ''),
        dataHex: transaction?.data,
        weight: 616,
        feeSats: 1550n,
        sigopsCost: 0,
        parents: []
      }
    ])
    expect(bytesToHex(template.merkleBranch)).toBe('4270a94dbd2aafb946eab3ea2c55854d5f164bebf2d96b9cbd588a5f01072918')
  })

  it("reads a real signet node's empty template", () => {
    const template = accept(captured.signetEmpty)
    expect(template).toMatchObject({
      bitcoinHeight: 1,
      curTimeSec: 1795374962,
      minTimeSec: 1598918401,
      transactions: [],
      merkleBranch: new Uint8Array(0),
      signetChallenge: Uint8Array.of(0x51),
      longPollId: captured.signetEmpty.longpollid
    })
    expect(template.bitcoinTarget).toEqual(targetFromBits(0x1e0377ae))
    expect(bytesToHexReversed(template.prevHashWire)).toBe(template.prevHash)
    expect(bytesToHex(template.witnessCommitmentScript ?? new Uint8Array(0))).toBe(
      captured.signetEmpty.default_witness_commitment
    )
  })

  it('takes the transactions in their order, with the branch and commitment that bitcoinjs-lib finds', () => {
    const template = accept(TEMPLATE)
    const txids = TRANSACTIONS.map(tx => Uint8Array.from(tx.getHash()))
    expect(template.transactions.map(({ txidWire }) => txidWire)).toEqual(txids)
    expect(template.merkleBranch).toEqual(merkleBranchOf(txids))
    expect(witnessCommitmentScriptOf(template.transactions)).toEqual(template.witnessCommitmentScript)
  })

  it('clears the version bits that miners roll', () => {
    expect(accept(TEMPLATE).version).toBe(0x20000000)
    expect(accept({ ...TEMPLATE, version: 0x7fffffff }).version).toBe(0x6000001f)
    expect(accept({ ...TEMPLATE, version: -1 }).version).toBe(0xe000001f | 0)
  })

  it('takes flags where a node still gives them, and does without what is optional', () => {
    const flags = accept({ ...TEMPLATE, coinbaseaux: { flags: '062f503253482f' } }).auxFlags
    expect(bytesToHex(flags)).toBe('062f503253482f')
    const { coinbaseaux: _a, longpollid: _b, rules: _c, vbrequired: _d, ...bare } = TEMPLATE
    expect(accept(bare)).toMatchObject({ auxFlags: new Uint8Array(0), longPollId: null })
    const withoutFees = TRANSACTIONS.map(tx => ({ ...listed(tx), fee: undefined }))
    expect(parseTemplate({ ...TEMPLATE, transactions: JSON.parse(JSON.stringify(withoutFees)) }).ok).toBe(true)
  })

  it('says what signature checks cost, also before segwit, when bitcoind counts them without their cost', () => {
    const { default_witness_commitment: _, ...bare } = TEMPLATE
    const listedWith = (sigops: number | undefined) => [
      JSON.parse(JSON.stringify({ ...listed(transaction(1)), sigops }))
    ]
    const commitment = libraryCommitment([transaction(1)])
    const today = { ...TEMPLATE, transactions: listedWith(79_600), default_witness_commitment: commitment }
    expect(accept(today)).toMatchObject({ sigopsCostLimit: 80_000, transactions: [{ sigopsCost: 79_600 }] })
    const once = accept({ ...bare, sigoplimit: 20_000, transactions: listedWith(19_900) })
    expect(once).toMatchObject({ sigopsCostLimit: 80_000, transactions: [{ sigopsCost: 79_600 }] })
    const { sigoplimit: _l, ...silent } = bare
    const unsaid = accept({ ...silent, transactions: listedWith(undefined) })
    expect(unsaid.sigopsCostLimit).toBe(80_000)
    expect(unsaid.transactions[0]).not.toHaveProperty('sigopsCost')
  })

  it('knows what spends what, where bitcoind says so', () => {
    const depends = [[], [1], [], [2, 3], undefined]
    const list = TRANSACTIONS.map((tx, i) => JSON.parse(JSON.stringify({ ...listed(tx), depends: depends[i] })))
    const { transactions } = accept({ ...TEMPLATE, transactions: list })
    const [first, second, third] = transactions
    expect(transactions.map(({ parents }) => parents)).toEqual([[], [first], [], [second, third], undefined])
  })

  it('needs no witness commitment while no transaction has a witness', () => {
    const { default_witness_commitment: _, ...bare } = TEMPLATE
    const odd = TRANSACTIONS.filter((_, i) => i % 2 === 0).map(listed)
    expect(accept({ ...bare, transactions: odd }).witnessCommitmentScript).toBeNull()
  })

  it.each([
    [null, 'template: is not an object'],
    [undefined, 'template: is not an object'],
    ['{}', 'template: is not an object'],
    [[], 'template: is not an object'],
    [{}, 'previousblockhash: is missing']
  ])('refuses %s instead of a template', (json, reason) => {
    expect(parseTemplate(json)).toEqual({ ok: false, reason })
  })

  it.each([
    ['previousblockhash', 'zz'.repeat(32)],
    ['previousblockhash', '00'.repeat(31)],
    ['previousblockhash', null],
    ['height', 0],
    ['height', 500_000_000],
    ['height', 1.5],
    ['height', '253'],
    ['version', 2 ** 31],
    ['version', '536870912'],
    ['vbrequired', 1 << 28],
    ['vbrequired', 1 << 5],
    ['rules', '!segwit'],
    ['rules', [5]],
    ['rules', ['!segwit', '!blake2b']],
    ['bits', '7fffff'],
    ['bits', '00000000'],
    ['bits', '20ffffff'],
    ['bits', 0x207fffff],
    ['target', '7ffffe0000000000000000000000000000000000000000000000000000000000'],
    ['target', 5],
    ['mintime', -1],
    ['mintime', 2 ** 32],
    ['curtime', 1795360576],
    ['curtime', 2 ** 32],
    ['coinbasevalue', -1],
    ['coinbasevalue', 2_100_000_000_000_001],
    ['coinbasevalue', '2500003100'],
    ['coinbaseaux', []],
    ['coinbaseaux', { flags: '00'.repeat(33) }],
    ['coinbaseaux', { flags: 'xy' }],
    ['longpollid', 'x'.repeat(257)],
    ['longpollid', 7],
    ['signet_challenge', '5'],
    ['default_witness_commitment', null],
    ['default_witness_commitment', `6a24aa21a9ed${'00'.repeat(32)}`],
    ['default_witness_commitment', '6a24aa21a9ed'],
    ['sigoplimit', 80_001],
    ['sigoplimit', -1],
    ['transactions', {}],
    ['transactions', Array.from({ length: 65_536 }, () => 0)],
    ['transactions', TRANSACTIONS.map(tx => ({ ...listed(tx), weight: 900_000 }))]
  ])('names the field when %s is %s', (field, value) => {
    const parsed = parseTemplate({ ...TEMPLATE, [field]: value })
    expect(parsed).toMatchObject({ ok: false, reason: expect.stringMatching(new RegExp(`^${field}[.:]`)) })
  })

  it.each([
    ['txid', 'ab'],
    ['txid', null],
    ['hash', 12],
    ['hash', 'ab'.repeat(33)],
    ['data', ''],
    ['data', 'abc'],
    ['data', 'xx'],
    ['data', 1],
    ['weight', 0],
    ['weight', 4_000_001],
    ['weight', '616'],
    ['sigops', -1],
    ['sigops', 80_001],
    ['sigops', '4'],
    ['depends', {}],
    ['depends', [0]],
    ['depends', [4]],
    ['depends', ['1']],
    ['depends', [1, 2, 3, 1]],
    ['fee', -1],
    ['fee', 0.5]
  ])('names the transaction when its %s is %s', (field, value) => {
    const transactions = TRANSACTIONS.map(listed)
    transactions[3] = { ...transactions[3], [field]: value }
    const parsed = parseTemplate({ ...TEMPLATE, transactions })
    expect(parsed).toMatchObject({ ok: false, reason: expect.stringMatching(`^transactions\\[3\\]\\.${field}: `) })
  })

  it('refuses a transaction that is listed twice, or is no object', () => {
    const [first, second] = TRANSACTIONS.map(listed)
    expect(parseTemplate({ ...TEMPLATE, transactions: [first, second, first] })).toEqual({
      ok: false,
      reason: 'transactions[2].txid: is listed twice'
    })
    expect(parseTemplate({ ...TEMPLATE, transactions: [first, 'abc'] })).toEqual({
      ok: false,
      reason: 'transactions[1]: is not an object'
    })
  })

  it('refuses transactions that the witness commitment does not cover', () => {
    const transactions = TRANSACTIONS.slice(1).map(listed)
    expect(parseTemplate({ ...TEMPLATE, transactions })).toEqual({
      ok: false,
      reason: 'default_witness_commitment: is not the commitment of the transactions'
    })
  })
})
