import { type AuditJson, auditSchema } from '@p2poolv2/api/schema'
import { bitcoinHeaderHashWire, decodeTransaction, foldBranch, type Transaction, txidWire } from '@p2poolv2/bitcoin'
import {
  consensusAddressFromScript,
  decodeHeaderBatch,
  decodeShare,
  genesisShare,
  type HeaderItem,
  type PayoutCut,
  parseBitcoinCoinbase
} from '@p2poolv2/consensus'
import { type AuditedHeader, auditedPayout, auditedWindow, type WindowAudit } from '@p2poolv2/earnings'
import {
  ByteReader,
  blockHash,
  bytesEqual,
  bytesToHexReversed,
  CodecError,
  type ShareHash,
  shareHash
} from '@p2poolv2/primitives'
import type { FoundBlock } from '@p2poolv2/sharechain'
import { NoAnswer } from '../answering.ts'
import type { NodeReads } from '../reads/node-reads.ts'

/** What an audit reads: what is stored, and the work given out where a node runs. */
export interface AuditReads extends Pick<NodeReads, 'params' | 'readBlocks' | 'readShares' | 'readHeaders'> {
  readonly job: () => AuditedJob | null
  /** Waited for after every few hundred headers, so that who mines goes first; absent where nobody does. */
  readonly breathe?: () => Promise<void>
}

/** Of the work that miners have now, what is to be proven. */
export interface AuditedJob {
  readonly bitcoinHeight: number
  readonly bitcoinBits: number
  readonly windowBase: ShareHash
  readonly donation: PayoutCut | null
  readonly fee: PayoutCut | null
  /** The transaction without witness. */
  readonly coinbase: Uint8Array
}

/** Headers walked at a stretch; some ten milliseconds. */
const STRETCH = 256

/** Blocks on record that are looked through for the one asked for, the newest. */
const MAX_BLOCKS = 10_000

const FIRST_HASH = blockHash('00'.repeat(32))
/** How the record of a block begins that is in bitcoin's chain, as far as is known. */
const TAKEN = /^(accepted|duplicate|seen)/

const METHOD =
  'The window is walked header by header as stored, each hashed again and held against the hash it is stored under; weights, cuts and ' +
  'satoshis are worked out from it anew. In common with the code that makes jobs: how a header is decoded and how hard a target is.'

interface Subject {
  readonly about: AuditJson['subject']
  readonly newest: ShareHash
  readonly bitcoinBits: number
  readonly donation: PayoutCut | null
  readonly fee: PayoutCut | null
  readonly coinbase: Coinbase | null
}

interface Coinbase {
  readonly from: 'share' | 'record' | 'job'
  readonly txid: string | null
  readonly inHeader: boolean | null
  readonly paid: readonly { readonly address: string; readonly sats: bigint }[]
}

/**
 * Works a payout out once more from stored shares alone, and holds it against the coinbase.
 * @param id as `auditParams` has it
 * @throws NoAnswer where there is no such block, share or job
 */
export async function auditJson(reads: AuditReads, id: string): Promise<AuditJson> {
  const subject = id === 'job' ? jobSubject(reads) : await storedSubject(reads, id)
  const { window, heights, missing } = await walked(reads, subject)
  const { params } = reads
  const { coinbase, donation, fee } = subject
  const payout =
    window === null || coinbase === null ? null : auditedPayout({ window, donation, fee, paid: coinbase.paid })
  const verdict = payout === null ? 'unknown' : payout.matches && coinbase?.inHeader !== false ? 'matches' : 'differs'
  return auditSchema.encode({
    verdict,
    message: sentence(verdict, { missing, coinbase, outputs: payout?.outputs.length ?? 0, about: subject.about }),
    subject: subject.about,
    coinbase:
      coinbase === null
        ? null
        : {
            from: coinbase.from,
            txid: coinbase.txid,
            inHeader: coinbase.inHeader,
            sats: coinbase.paid.reduce((sum, { sats }) => sum + sats, 0n)
          },
    window:
      window === null
        ? null
        : {
            newest: window.newest,
            newestHeight: heights.newest,
            oldest: window.oldest,
            oldestHeight: heights.newest - window.shares + 1,
            shares: window.shares,
            uncles: window.uncles,
            weight: window.weight,
            fullWeight: window.fullWeight,
            end: window.end
          },
    rules: {
      share: Number(params.mainWeight),
      uncle: Number(params.uncleWeight),
      nephew: Number(params.nephewWeight),
      multiplier: Number(params.difficultyMultiplier),
      maxShares: params.windowMaxShares
    },
    donation: cutJson(donation, payout?.donationSats),
    fee: cutJson(fee, payout?.feeSats),
    minersSats: payout?.minersSats ?? null,
    outputs: (payout?.outputs ?? []).map(({ address, kind, payee, dueSats, paidSats }) => ({
      address,
      kind,
      weight: payee?.weight ?? null,
      shares: payee?.shares ?? 0,
      uncles: payee?.uncles ?? 0,
      nephewWeight: payee?.nephewWeight ?? 0n,
      dueSats,
      paidSats,
      matches: dueSats !== null && dueSats === paidSats
    })),
    method: METHOD
  })
}

function cutJson(cut: PayoutCut | null, sats: bigint | undefined) {
  return cut === null || sats === undefined ? null : { address: cut.address.text, bps: cut.bps, sats }
}

function jobSubject({ job, params }: AuditReads): Subject {
  const work = job()
  if (work === null)
    throw new NoAnswer(
      404,
      'there is no job whose payout the share chain decides: the node has no work, or mines without the chain'
    )
  return {
    about: { kind: 'job', bitcoinHeight: work.bitcoinHeight, block: null, share: null, result: null },
    newest: work.windowBase,
    bitcoinBits: work.bitcoinBits,
    donation: work.donation,
    fee: work.fee,
    coinbase: {
      from: 'job',
      txid: null,
      inHeader: null,
      paid: paidBy(decodeTransaction(new ByteReader(work.coinbase)), params.addressClass)
    }
  }
}

async function storedSubject(reads: AuditReads, id: string): Promise<Subject> {
  const isHeight = /^\d{1,9}$/.test(id)
  const above = { bitcoinHeight: Number(id) + 1, blockHash: FIRST_HASH }
  const blocks = await (isHeight ? reads.readBlocks(MAX_BLOCKS, above) : reads.readBlocks(MAX_BLOCKS))
  const asked = blocks.filter(({ bitcoinHeight, blockHash: hash }) => hash === id || String(bitcoinHeight) === id)
  // Of several at one height the one that bitcoin took.
  const block = asked.find(({ result }) => TAKEN.test(result)) ?? asked[0]
  if (block === undefined && !/^[0-9a-f]{64}$/.test(id))
    throw new NoAnswer(404, `no block of the pool at bitcoin height ${id} is on record: /v1/blocks has them`)
  if (block !== undefined && block.shareHash === null)
    throw new NoAnswer(404, `block ${block.blockHash} was no share, so no stored share says which window it paid`)
  const hash = shareHash(block?.shareHash ?? id)
  const item = await headerOf(reads, hash)
  if (item === null) throw new NoAnswer(404, `there is no block of the pool and no share ${id} here`)
  if (hash === genesisShare(reads.params).hash) throw new NoAnswer(404, 'the genesis share pays for no window')
  const { header } = item
  return {
    about: {
      kind: block === undefined ? 'share' : 'block',
      bitcoinHeight: Number(header.bitcoinHeight),
      block: blockHash(bytesToHexReversed(bitcoinHeaderHashWire(header.bitcoinHeader))),
      share: hash,
      result: block?.result ?? null
    },
    newest: header.prevShareHash,
    bitcoinBits: header.bitcoinHeader.bits,
    donation: header.donationAddress === null ? null : { address: header.donationAddress, bps: header.donationBps },
    fee: header.feeAddress === null ? null : { address: header.feeAddress, bps: header.feeBps },
    coinbase: (await storedCoinbase(reads, item)) ?? recordedCoinbase(block)
  }
}

/** The coinbase of the share's body, and whether it is the one its bitcoin header commits to. */
async function storedCoinbase(reads: AuditReads, { hash, header }: HeaderItem): Promise<Coinbase | null> {
  const [body] = await reads.readShares([hash])
  if (body == null) return null
  const share = decodeShare(body)
  const txid = txidWire(share.bitcoinCoinbase)
  const root = foldBranch(txid, share.merkleBranch)
  return {
    from: 'share',
    txid: bytesToHexReversed(txid),
    inHeader: share.hash === hash && bytesEqual(root, header.bitcoinHeader.merkleRootWire),
    paid: paidBy(share.bitcoinCoinbase, reads.params.addressClass)
  }
}

function recordedCoinbase(block: FoundBlock | undefined): Coinbase | null {
  if (block === undefined) return null
  const paid = block.outputs.map(({ address, valueSats }) => ({ address, sats: valueSats }))
  return { from: 'record', txid: null, inHeader: null, paid }
}

/** Donation, fee and payouts; a coinbase that is laid out otherwise is taken whole. */
function paidBy(coinbase: Transaction, addressClass: number): Coinbase['paid'] {
  const parsed = parseBitcoinCoinbase(coinbase)
  const outputs = parsed.ok ? parsed.outputsBeforeWitness : coinbase.outputs
  return outputs.map(({ script, valueSats }) => ({
    address: consensusAddressFromScript(addressClass, script)?.text ?? 'not an address',
    sats: valueSats
  }))
}

/** A stored header under its own hash; null if there is none, or another one stands there. */
async function headerOf(
  reads: AuditReads,
  hash: ShareHash
): Promise<(HeaderItem & { readonly height: number }) | null> {
  return (await headersOf(reads, [hash]))[0] ?? null
}

async function headersOf(reads: AuditReads, hashes: readonly ShareHash[]) {
  const genesis = genesisShare(reads.params)
  const records = await reads.readHeaders(hashes)
  return hashes.map((hash, i) => {
    if (hash === genesis.hash) return { ...genesis, height: 0 }
    const record = records[i]
    try {
      const [item] = record == null ? [] : decodeHeaderBatch(record.batch)
      return item?.hash === hash && record != null ? { ...item, height: record.height } : null
    } catch (error) {
      if (error instanceof CodecError) return null
      throw error
    }
  })
}

async function walked(reads: AuditReads, { newest, bitcoinBits }: Subject) {
  const { params } = reads
  const heights = { newest: 0 }
  const walk = auditedWindow({ params, newest, bitcoinBits, genesisHash: genesisShare(params).hash })
  let answer: readonly (AuditedHeader | null)[] | null = null
  for (let steps = 1; ; steps++) {
    if (steps % STRETCH === 0) await reads.breathe?.()
    const step: IteratorResult<readonly ShareHash[], WindowAudit | { readonly missing: ShareHash }> =
      answer === null ? walk.next() : walk.next(answer)
    if (step.done === true)
      return 'missing' in step.value
        ? { window: null, heights, missing: step.value.missing }
        : { window: step.value, heights, missing: null }
    const items = await headersOf(reads, step.value)
    if (answer === null) heights.newest = items[0]?.height ?? 0
    answer = items.map(item => item?.header ?? null)
  }
}

function sentence(
  verdict: AuditJson['verdict'],
  about: {
    readonly missing: ShareHash | null
    readonly coinbase: Coinbase | null
    readonly outputs: number
    readonly about: AuditJson['subject']
  }
): string {
  const what = { block: 'the block', share: 'this share, had it been a block,', job: 'a block found with this job' }
  if (verdict === 'matches') {
    const verb = about.about.kind === 'block' ? 'pays' : 'would pay'
    return `To the satoshi: ${what[about.about.kind]} ${verb} each of ${about.outputs} outputs what the stored shares call for.`
  }
  if (about.missing !== null) return `The window cannot be walked: share ${about.missing} is not stored here.`
  if (about.coinbase === null)
    return 'The coinbase of this share is not stored here any more, so nothing can be compared.'
  if (about.coinbase.inHeader === false) return 'The stored coinbase is not the one that the bitcoin header commits to.'
  return 'What is paid is not what the stored shares call for: the lines marked below differ.'
}
