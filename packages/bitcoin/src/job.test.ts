import {
  ByteReader,
  bigIntFromTarget,
  bytesToHex,
  bytesToHexReversed,
  concatBytes,
  difficultyOfHash,
  hashMeetsTarget,
  hexToBytes,
  sha256d,
  targetFromBits,
  wireFromDisplay
} from '@p2poolv2/primitives'
import { Block } from 'bitcoinjs-lib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CoinbaseSkeleton } from './coinbase.ts'
import { buildCoinbase } from './coinbase.ts'
import { bitcoinHeaderHashWire, decodeBitcoinHeader } from './header.ts'
import type { Job, MiningWork } from './job.ts'
import { assembleBlock, coinbaseHalves, coinbaseInto, coinbaseOf, headerInto } from './job.ts'
import { foldBranch, merkleBranchOf } from './merkle.ts'
import { PADDING_FORMS } from './padding.ts'
import { parseTemplate } from './template.ts'
import submits from './vectors/submits.json' with { type: 'json' }
import templates from './vectors/templates.json' with { type: 'json' }

/** The header of a recorded submit, made the way the node makes it. */
function headerOf(submit: (typeof submits.cases)[number]): {
  header: Uint8Array
  coinbase: Uint8Array
  root: Uint8Array
} {
  const coinbase = hexToBytes(submit.coinbase1 + submit.extranonce + submit.coinbase2)
  const root = foldBranch(sha256d(coinbase), merkleBranchOf(submit.txidsDisplay.map(wireFromDisplay)))
  const work = { prevHashWire: wireFromDisplay(submit.prevHashDisplay), bits: Number.parseInt(submit.bits, 16) }
  const header = new Uint8Array(80)
  headerInto(
    work,
    {
      merkleRootWire: root,
      version: Number.parseInt(submit.version, 16),
      timeSec: Number.parseInt(submit.time, 16),
      nonce: Number.parseInt(submit.nonce, 16)
    },
    header
  )
  return { header, coinbase, root }
}

describe('recorded submits', () => {
  it.each(submits.cases)('lead to their hash: $name', submit => {
    const { header, coinbase, root } = headerOf(submit)
    expect(bytesToHexReversed(sha256d(header))).toBe(submit.hashDisplay)
    expect(bytesToHexReversed(bitcoinHeaderHashWire(decodeBitcoinHeader(new ByteReader(header))))).toBe(
      submit.hashDisplay
    )
    expect(bytesToHex(merkleBranchOf(submit.txidsDisplay.map(wireFromDisplay)))).toBe(submit.branch.join(''))
    if (submit.headerHex !== undefined) expect(bytesToHex(header)).toBe(submit.headerHex)
    if (submit.merkleRootHex !== undefined) expect(bytesToHex(root)).toBe(submit.merkleRootHex)
    if (submit.coinbaseTxidDisplay !== undefined) {
      expect(bytesToHexReversed(sha256d(coinbase))).toBe(submit.coinbaseTxidDisplay)
    }
  })

  it('have the recorded difficulties', () => {
    const difficulties = submits.cases.map(submit => difficultyOfHash(sha256d(headerOf(submit).header)))
    expect(difficulties[0]).toBeCloseTo(1.532242, 5)
    expect(difficulties[1]).toBeCloseTo(0.11321, 5)
    expect(difficulties[2]).toBeCloseTo(0.0136206, 6)
  })

  it('make V3 a block, with the exact argument of submitblock', () => {
    const submit = submits.cases.find(({ submitBlockHex }) => submitBlockHex !== undefined)
    if (submit === undefined) throw new Error('the vector of a block is missing')
    const { header, coinbase } = headerOf(submit)
    expect(hashMeetsTarget(sha256d(header), targetFromBits(Number.parseInt(submit.bits, 16)))).toBe(true)
    expect(assembleBlock(header, coinbase, [], 'with-witness')).toBe(submit.submitBlockHex)
  })
})

const skeletons: fc.Arbitrary<CoinbaseSkeleton> = fc
  .record({
    bitcoinHeight: fc.integer({ min: 1, max: 499_999_999 }),
    auxFlags: fc.uint8Array({ maxLength: 8 }),
    poolSignature: fc.uint8Array({ maxLength: 16 }),
    outputs: fc.array(fc.record({ valueSats: fc.bigInt(0n, 5n), script: fc.uint8Array({ maxLength: 34 }) })),
    witnessCommitmentScript: fc.option(fc.constant(hexToBytes(`6a24aa21a9ed${'77'.repeat(32)}`))),
    padding: fc.constantFrom(...PADDING_FORMS, null)
  })
  .map(buildCoinbase)

const anyExtranonce = fc.uint8Array({ minLength: 12, maxLength: 12 })

const anyJob = fc
  .record({
    coinbase: skeletons,
    nsecs: fc.bigInt(0n, (1n << 64n) - 1n),
    commitment: fc.uint8Array({ minLength: 32, maxLength: 32 })
  })
  .map(({ coinbase, nsecs, commitment }) =>
    jobOf(coinbase, nsecs, coinbase.commitmentOffset === null ? null : commitment)
  )

function jobOf(coinbase: CoinbaseSkeleton, nsecs: bigint, commitment: Uint8Array | null): Job {
  const parsed = parseTemplate(templates.regtestOneTransaction)
  if (!parsed.ok) throw new Error(parsed.reason)
  const work: MiningWork = {
    ...parsed.template,
    id: 1,
    timeSec: parsed.template.curTimeSec,
    shareTarget: null,
    coinbase
  }
  return { id: '00000000000000ff', work, nsecs, commitment }
}

/** The same bytes, put together piece by piece. */
function slowCoinbase(job: Job, extranonce: Uint8Array): Uint8Array {
  const { bytes, extranonceOffset, nsecsOffset, commitmentOffset } = job.work.coinbase
  const nsecs = hexToBytes(job.nsecs.toString(16).padStart(16, '0')).reverse()
  const middle = concatBytes(bytes.slice(0, extranonceOffset), extranonce, Uint8Array.of(8), nsecs)
  if (commitmentOffset === null) return concatBytes(middle, bytes.slice(nsecsOffset + 8))
  const upToCommitment = bytes.slice(nsecsOffset + 8, commitmentOffset)
  return concatBytes(middle, upToCommitment, job.commitment ?? bytes, bytes.slice(commitmentOffset + 32))
}

describe('a job', () => {
  it('writes its coinbase as the slow concatenation does', () => {
    fc.assert(
      fc.property(anyJob, anyExtranonce, fc.nat(20), (job, extranonce, room) => {
        const expected = slowCoinbase(job, extranonce)
        const out = new Uint8Array(expected.length + room).fill(0xee)
        expect(coinbaseInto(job, extranonce, out)).toBe(expected.length)
        expect(out.subarray(0, expected.length)).toEqual(expected)
        expect(out.subarray(expected.length).every(byte => byte === 0xee)).toBe(true)
        expect(coinbaseOf(job, extranonce)).toEqual(expected)
      })
    )
  })

  it('tells a miner the halves around the extranonce', () => {
    fc.assert(
      fc.property(anyJob, anyExtranonce, (job, extranonce) => {
        const { coinbase1, coinbase2 } = coinbaseHalves(job)
        expect(concatBytes(coinbase1, extranonce, coinbase2)).toEqual(coinbaseOf(job, extranonce))
        expect(coinbase1.at(-1)).toBe(12)
        expect(coinbase2[0]).toBe(8)
      })
    )
  })

  it('leaves the shared skeleton as it was', () => {
    fc.assert(
      fc.property(anyJob, anyExtranonce, (job, extranonce) => {
        const before = Uint8Array.from(job.work.coinbase.bytes)
        coinbaseOf(job, extranonce)
        coinbaseHalves(job)
        expect(job.work.coinbase.bytes).toEqual(before)
      })
    )
  })

  it('calls a wrong extranonce, a missing or unasked commitment, and too little room bugs', () => {
    const parts = {
      bitcoinHeight: 7,
      auxFlags: new Uint8Array(0),
      poolSignature: new Uint8Array(0),
      outputs: [],
      witnessCommitmentScript: null
    }
    const share = buildCoinbase({ ...parts, padding: 'A' })
    const plain = buildCoinbase({ ...parts, padding: null })
    const extranonce = new Uint8Array(12)
    const commitment = new Uint8Array(32)
    expect(() => coinbaseOf(jobOf(share, 0n, commitment), new Uint8Array(8))).toThrow('12 bytes')
    expect(() => coinbaseOf(jobOf(share, 0n, null), extranonce)).toThrow('commitment')
    expect(() => coinbaseOf(jobOf(share, 0n, new Uint8Array(31)), extranonce)).toThrow('commitment')
    expect(() => coinbaseOf(jobOf(plain, 0n, commitment), extranonce)).toThrow('commitment')
    expect(() => coinbaseInto(jobOf(plain, 0n, null), extranonce, new Uint8Array(20))).toThrow(RangeError)
  })
})

describe('from a template to a block', () => {
  it('mines a block that bitcoinjs-lib finds sound, with witness commitment and proof of work', () => {
    const parsed = parseTemplate(templates.regtestOneTransaction)
    if (!parsed.ok) throw new Error(parsed.reason)
    const { template } = parsed
    const coinbase = buildCoinbase({
      bitcoinHeight: template.bitcoinHeight,
      auxFlags: template.auxFlags,
      poolSignature: hexToBytes('5032506f6f6c7632'),
      outputs: [{ valueSats: template.coinbaseValueSats, script: hexToBytes(`0014${'33'.repeat(20)}`) }],
      witnessCommitmentScript: template.witnessCommitmentScript,
      padding: 'A'
    })
    const job = jobOf(coinbase, 1795360577000000001n, new Uint8Array(32).fill(0xcc))
    const stripped = coinbaseOf(job, hexToBytes('0a0000010000000000000007'))
    const merkleRootWire = foldBranch(sha256d(stripped), job.work.merkleBranch)
    const header = new Uint8Array(80)
    let nonce = 0
    do {
      headerInto(job.work, { merkleRootWire, version: job.work.version, timeSec: job.work.timeSec, nonce }, header)
      nonce += 1
    } while (!hashMeetsTarget(sha256d(header), template.bitcoinTarget))

    const block = Block.fromHex(assembleBlock(header, stripped, template.transactions, 'with-witness'))
    expect(block.checkTxRoots()).toBe(true)
    expect(block.checkProofOfWork()).toBe(true)
    expect(block.hasWitnessCommit()).toBe(true)
    expect(block.transactions?.map(transaction => transaction.getId())).toEqual([
      bytesToHexReversed(sha256d(stripped)),
      templates.regtestOneTransaction.transactions[0]?.txid
    ])
    expect(bigIntFromTarget(template.bitcoinTarget)).toBeGreaterThan(0n)
  })

  it('serialises the coinbase without witness where the block has no commitment', () => {
    const header = new Uint8Array(80)
    const stripped = hexToBytes('0200000000000000000000')
    expect(assembleBlock(header, stripped, [], 'without')).toBe(`${'00'.repeat(80)}01${bytesToHex(stripped)}`)
  })
})
