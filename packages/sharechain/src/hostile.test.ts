import { encodeTransactionStripped, foldBranch, type Transaction, type TxOutput, txidWire } from '@p2poolv2/bitcoin'
import {
  buildCoinbaseProof,
  type ConsensusAddress,
  commitmentOf,
  commitmentPrefix,
  consensusAddressFromScript,
  decodeHeaderBatch,
  decodeShare,
  encodeHeaderBatch,
  encodeShare,
  grindHeader,
  RULES,
  type Share,
  type ShareHeader,
  shareCoinbase,
  shareHashOf,
  shareWitnessRoot
} from '@p2poolv2/consensus'
import { bigIntFromBits, CodecError, concatBytes, type ShareHash, ZERO_SHARE_HASH } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ChainBuilder, easyParams, FAR_FUTURE_MS, headerItem, minerAddress } from './testing/build-chain.ts'
import { StoredChain, snapshotOf } from './testing/stored-chain.ts'

/** About 250 hashes. */
const EASY_BITS = 0x2000ffff
const PAYS_ONE: TxOutput = { valueSats: 1n, script: Uint8Array.of(0x51) }
const CROWD_CODES = ['height-crowded', 'batch-work']
const u32 = fc.oneof(fc.constantFrom(0, 1, 0x7fffffff, 0xffffffff), fc.integer({ min: 0, max: 0xffffffff }))
const u64 = fc.oneof(fc.constantFrom(0n, 1n, 2n ** 64n - 1n), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }))
const bytes = (maxLength: number) => fc.uint8Array({ maxLength })
const bps = fc.oneof(fc.constantFrom(0, 10_000, 10_001, 0xffff), fc.integer({ min: 0, max: 0xffff }))
const programs = fc
  .integer({ min: 2, max: 40 })
  .chain(length => fc.uint8Array({ minLength: length, maxLength: length }))

const anyAddress: fc.Arbitrary<ConsensusAddress> = fc
  .tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 1, max: 16 }), programs)
  .map(([addressClass, version, program]) => {
    const script = concatBytes(Uint8Array.of(0x50 + version, program.length), program)
    return consensusAddressFromScript(addressClass, script) as ConsensusAddress
  })

const anyTransaction: fc.Arbitrary<Transaction> = fc.record({
  version: fc.integer({ min: -0x80000000, max: 0x7fffffff }),
  inputs: fc.array(
    fc.record({
      prevTxidWire: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      prevIndex: u32,
      scriptSig: bytes(80),
      sequence: u32,
      witness: fc.array(bytes(40), { maxLength: 2 })
    }),
    { maxLength: 2 }
  ),
  outputs: fc.array(fc.record({ valueSats: u64, script: bytes(80) }), { maxLength: 3 }),
  lockTime: u32
})

/** What somebody with hash power can put into a share: all of it committed to, proven and mined. */
interface Wish {
  readonly parent: number
  readonly uncles: readonly number[]
  readonly header: Partial<ShareHeader>
  readonly bitcoinBits: number
  readonly coinbase: Transaction
  readonly height: number
  readonly transactions: readonly Transaction[]
  readonly merkleBranch: Uint8Array
  /** Keeps the honest coinbase's script and payouts. */
  readonly isHonestCoinbase: boolean
}

const anyWish: fc.Arbitrary<Wish> = fc.record({
  parent: fc.nat(8),
  uncles: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(fc.nat(8), { maxLength: 4 })),
  header: fc.record(
    {
      minerBitcoinAddress: anyAddress,
      minerAddress: fc.oneof(
        fc.record({ version: fc.constant(1), program: fc.uint8Array({ minLength: 32, maxLength: 32 }) }),
        fc.record({ version: fc.integer({ min: 1, max: 16 }), program: programs })
      ),
      timeSec: u32,
      donationAddress: fc.option(anyAddress),
      donationBps: bps,
      feeAddress: fc.option(anyAddress),
      feeBps: bps
    },
    { requiredKeys: [] }
  ),
  bitcoinBits: fc.oneof(u32, fc.constantFrom(0, 0x1d000000, 0x1d800000, 0x01010000, 0x207fffff, 0xff7fffff)),
  coinbase: anyTransaction,
  height: fc.oneof(
    fc.constantFrom(1, 16, 17, 499_999_999, 500_000_000, 500_000_001, 0xffffffff),
    fc.integer({ min: 1, max: 0xffffffff })
  ),
  transactions: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(anyTransaction, { maxLength: 3 })),
  merkleBranch: fc.integer({ min: 0, max: 16 }).map(nodes => new Uint8Array(nodes * 32).fill(nodes)),
  isHonestCoinbase: fc.boolean()
})

function hostileShare(builder: ChainBuilder, hashes: readonly ShareHash[], wish: Wish): Share {
  const named = (at: number) => hashes.at(-1 - at) ?? ZERO_SHARE_HASH
  // A child of a share dated long ago would need work that no test can do.
  const wanted = hashes.at(-1 - wish.parent) ?? builder.genesis
  const isEasy = bigIntFromBits(builder.nextShareBits(wanted)) >= bigIntFromBits(EASY_BITS)
  const parent = isEasy ? wanted : builder.genesis
  const honest = builder.build({ parent, timeSec: timeAfter(builder, parent) })
  const bitcoinHeight = wish.isHonestCoinbase ? 1 : wish.height
  const transactions = [shareCoinbase(honest.header), ...wish.transactions]
  const shareWitness = shareWitnessRoot(transactions)
  const draft = {
    ...honest.header,
    ...wish.header,
    uncles: wish.uncles.map(named),
    bitcoinHeight: BigInt(bitcoinHeight)
  }
  const prefix = commitmentPrefix({ ...draft, shareWitnessRoot: shareWitness })
  const commitment = commitmentOf(prefix, draft.minerBitcoinAddress, draft.minerAddress)
  const base = wish.isHonestCoinbase
    ? { ...honest.bitcoinCoinbase, outputs: honest.bitcoinCoinbase.outputs.slice(0, -1) }
    : { ...wish.coinbase, inputs: wish.coinbase.inputs.map(input => ({ ...input, witness: [] })) }
  const bitcoinCoinbase = aligned({ ...base, lockTime: bitcoinHeight - 1 }, commitment, wish.isHonestCoinbase)
  const stripped = encodeTransactionStripped(bitcoinCoinbase)
  const bitcoinHeader = grindHeader(
    {
      ...honest.header.bitcoinHeader,
      bits: wish.bitcoinBits,
      merkleRootWire: foldBranch(txidWire(bitcoinCoinbase), wish.merkleBranch)
    },
    [draft.bits]
  )
  const coinbaseProof = buildCoinbaseProof(stripped, stripped.length - 47, shareWitness)
  const header: ShareHeader = { ...draft, bitcoinHeader, coinbaseProof }
  return {
    hash: shareHashOf(header),
    header,
    transactions: [shareCoinbase(header), ...wish.transactions],
    merkleBranch: wish.merkleBranch,
    bitcoinCoinbase
  }
}

function timeAfter(builder: ChainBuilder, parent: ShareHash): number {
  return Math.min(builder.facts(parent).timeSec + 1, 0xffffffff)
}

/** Adds the commitment, and before it what brings it to a multiple of 64 bytes. */
function aligned(coinbase: Transaction, commitment: Uint8Array, isAligned: boolean): Transaction {
  const last: TxOutput = { valueSats: 0n, script: concatBytes(Uint8Array.of(0x6a, 0x20), commitment) }
  const withFiller = (length: number): Transaction => {
    const filler = isAligned ? [] : [{ valueSats: 0n, script: new Uint8Array(length) }]
    return { ...coinbase, outputs: [...coinbase.outputs, ...filler, last] }
  }
  const short = (encodeTransactionStripped(withFiller(0)).length - 47) % 64
  return withFiller(short === 0 ? 0 : 64 - short)
}

describe('a chain given everything that hash power can buy', () => {
  it('answers with a verdict, stays whole and can be read back', () => {
    const verdicts = new Set<string>()
    fc.assert(
      fc.property(fc.array(fc.tuple(anyWish, fc.boolean()), { minLength: 1, maxLength: 6 }), wishes => {
        const builder = new ChainBuilder()
        const node = new StoredChain(builder.params)
        const hashes = [builder.genesis, ...builder.row(builder.genesis, 4).map(share => share.hash)]
        for (const hash of hashes.slice(1)) {
          node.take(node.chain.addShare(builder.shares.get(hash) as Share, 'peer', FAR_FUTURE_MS))
        }
        for (const [wish, isHeaderFirst] of wishes) {
          const made = hostileShare(builder, hashes, wish)
          const received = decodeShare(encodeShare(made))
          expect(received.hash).toBe(made.hash)
          if (isHeaderFirst) {
            const items = decodeHeaderBatch(encodeHeaderBatch([made]))
            node.take(node.chain.addHeaders(items, FAR_FUTURE_MS))
          }
          const { verdict } = node.take(node.chain.addShare(received, { peer: 'p' }, FAR_FUTURE_MS))
          if (verdict.type === 'refused') {
            verdicts.add(verdict.code)
            expect(verdict.code in RULES || CROWD_CODES.includes(verdict.code)).toBe(true)
          } else {
            verdicts.add(verdict.type)
          }
          if (node.chain.facts(made.hash) !== undefined && !builder.shares.has(made.hash)) {
            builder.take(received)
            hashes.push(made.hash)
          }
        }
        expect(snapshotOf(node.rebuilt())).toEqual(snapshotOf(node.chain))
        const base = node.chain.miningBase().hash
        const next = builder.build({ parent: base, timeSec: timeAfter(builder, base) })
        expect(node.take(node.chain.addShare(next, 'own', FAR_FUTURE_MS)).verdict).toEqual({ type: 'accepted' })
      }),
      { numRuns: 80 }
    )
    // The wishes reach the rules behind work and proof.
    expect(verdicts.size).toBeGreaterThan(5)
  })
})

describe('a chain given damaged messages', () => {
  const builder = new ChainBuilder()
  const row = builder.row(builder.genesis, 3)
  const uncle = builder.build({ parent: row[1]?.hash as ShareHash, miner: 1 })
  const nephew = builder.build({ parent: row[2]?.hash as ShareHash, uncles: [uncle.hash], miner: 2 })
  const shares = [...row, uncle, nephew]
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom('set', 'cut', 'double')), {
    minLength: 1,
    maxLength: 3
  })

  function damaged(message: Uint8Array, changes: readonly (readonly [number, number, string])[]): Uint8Array {
    let result: Uint8Array = Uint8Array.from(message)
    for (const [where, value, how] of changes) {
      const at = where % result.length
      const [head, tail] = [result.subarray(0, at), result.subarray(at)]
      if (how === 'set') result[at] = value
      else if (how === 'cut') result = concatBytes(head, tail.subarray(1 + (value % 40)))
      else result = concatBytes(head, head.subarray(-value), tail)
    }
    return result
  }

  it('decodes or refuses them, and takes what decodes without fault', () => {
    fc.assert(
      fc.property(fc.nat(shares.length - 1), damage, fc.boolean(), (which, changes, isBatch) => {
        const node = new StoredChain(builder.params)
        for (const share of shares.slice(0, which)) node.take(node.chain.addShare(share, 'peer', FAR_FUTURE_MS))
        const share = shares[which] as Share
        const message = damaged(isBatch ? encodeHeaderBatch(shares.map(headerItem)) : encodeShare(share), changes)
        try {
          if (isBatch) node.take(node.chain.addHeaders(decodeHeaderBatch(message), FAR_FUTURE_MS))
          else node.take(node.chain.addShare(decodeShare(message), 'peer', FAR_FUTURE_MS))
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError)
        }
        // Whatever it was, the honest shares are still welcome.
        for (const honest of shares) node.take(node.chain.addShare(honest, 'peer', FAR_FUTURE_MS))
        expect(node.chain.facts(nephew.hash)?.validity).toBe('blockValid')
      }),
      { numRuns: 300 }
    )
  })
})

describe('a share that only its contents condemn', () => {
  const plain: Wish = {
    parent: 0,
    uncles: [],
    header: {},
    bitcoinBits: 0x207fffff,
    coinbase: { version: 2, inputs: [], outputs: [], lockTime: 0 },
    height: 1,
    transactions: [],
    merkleBranch: new Uint8Array(0),
    isHonestCoinbase: true
  }
  const address = minerAddress(easyParams(), 3)
  const spend = (lockTime: number): Transaction => ({ ...plain.coinbase, version: lockTime })

  // Every node keeps the body of such a share. One that did not would wait for it for ever, and with it for its nephews.
  it.each([
    ['body-transaction-count', { transactions: Array.from({ length: 100 }, (_, at) => spend(at)) }],
    ['transaction-no-outputs', { transactions: [spend(1)] }],
    ['share-donation-range', { header: { donationAddress: address, donationBps: 10_001 } }],
    ['share-fee-range', { header: { feeAddress: address, feeBps: 0xffff } }],
    ['bitcoin-target-zero', { bitcoinBits: 0 }],
    ['coinbase-form', { isHonestCoinbase: false, coinbase: { ...plain.coinbase, outputs: [PAYS_ONE] } }]
  ] as const)('with %s is invalid, and its nephew is not', (code, change) => {
    const builder = new ChainBuilder()
    const node = new StoredChain(builder.params)
    const [first, second] = builder.row(builder.genesis, 2) as [Share, Share]
    const bad = hostileShare(builder, [first.hash], { ...plain, ...change })
    builder.take(bad)
    const nephew = builder.build({ parent: second.hash, uncles: [bad.hash] })
    for (const share of [first, second]) node.take(node.chain.addShare(share, 'peer', FAR_FUTURE_MS))
    const verdict = { type: 'refused', code }
    expect(node.take(node.chain.addShare(bad, 'peer', FAR_FUTURE_MS)).verdict).toMatchObject(verdict)
    expect(node.chain.facts(bad.hash)).toMatchObject({ validity: 'invalid', hasBody: true })
    expect(node.take(node.chain.addShare(nephew, 'peer', FAR_FUTURE_MS)).confirmed).toEqual([nephew.hash])
  })

  // A stored refusal would leave this node alone on the day the first transaction comes.
  it('with nothing against it but transactions that no interpreter here can run, is followed and marked', () => {
    const builder = new ChainBuilder()
    const node = new StoredChain(builder.params)
    const input = { prevTxidWire: new Uint8Array(32).fill(5), prevIndex: 0, scriptSig: new Uint8Array(0), sequence: 0 }
    const transaction = { ...spend(2), inputs: [{ ...input, witness: [] }], outputs: [PAYS_ONE] }
    const carrier = builder.build({ parent: builder.genesis, transactions: [transaction] })
    expect(node.take(node.chain.addShare(carrier, 'peer', FAR_FUTURE_MS)).confirmed).toEqual([carrier.hash])
    const [next] = builder.row(carrier.hash, 1) as [Share]
    expect(node.take(node.chain.addShare(next, 'peer', FAR_FUTURE_MS)).confirmed).toEqual([next.hash])
    expect([node.chain.scriptsUnchecked, node.rebuilt().scriptsUnchecked]).toEqual([1, 1])
  })
})
