import { decodeHeaderBatch, decodeShare, genesisShare, type Share, type ShareFacts } from '@p2poolv2/consensus'
import type { ShareReads } from '@p2poolv2/node'
import { type Height, type ShareHash, shareHash } from '@p2poolv2/primitives'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { NoAnswer } from '../answering.ts'
import { factsAt, NAMED_WITHIN, shareStatuses } from '../answers/share-statuses.ts'
import type { NodeReads } from '../reads/node-reads.ts'
import { asked, flag, MAX_LISTED, wholeNumber } from './asked.ts'
import {
  branchShape,
  dagEntry,
  decodedTransaction,
  embeddedTransaction,
  headerShape,
  rawTransaction,
  shareDetail,
  shareInfo,
  txidOf
} from './share-shapes.ts'

/** Shares whose bodies are looked through for a transaction: the newest, some hours. */
export const MAX_SEARCHED = 2_000
const SEARCH_BATCH = 50

const rangeQuery = z.object({ to: wholeNumber.optional(), num: wholeNumber.min(1).max(MAX_LISTED).default(10) })
const headersQuery = rangeQuery.extend({ share_block_transactions: flag, template_merkle_branches: flag })
const hashText = z.string().regex(/^[0-9a-f]{64}$/i, 'must be 64 hex digits')
const shareQuery = z.object({ hash: hashText.optional(), height: wholeNumber.optional(), full: flag })
const transactionQuery = z.object({ txid: hashText, raw: flag })

/** The reference's routes about the share chain. */
export function chainRoutes(server: FastifyInstance, reads: NodeReads): void {
  const { shares } = reads.queries
  server.get('/chain_info', async () => chainInfo(reads))
  server.get('/shares', async request => {
    const { to, num } = asked(rangeQuery, request.query)
    return listed(shares, { tip: shares.confirmedTip(), to, num })
  })
  server.get('/candidates', async request => {
    const { to, num } = asked(rangeQuery, request.query)
    const tip = shares.candidateTip()
    if (tip.height <= shares.confirmedTip().height) throw new NoAnswer(404, 'No candidate chain tip found')
    return listed(shares, { tip, to, num })
  })
  server.get('/share_headers', async request => {
    const query = asked(headersQuery, request.query)
    const chosen = chainDown(shares, { tip: shares.confirmedTip(), to: query.to, num: query.num }).reverse()
    const withBodies = query.share_block_transactions || query.template_merkle_branches
    const found = withBodies ? await bodiesOf(reads, chosen) : await headersOf(reads, chosen)
    const headers = found.map(({ header, merkleBranch, transactions = [] }) => ({
      ...headerShape(header),
      ...(query.share_block_transactions ? { transactions: transactions.map(embeddedTransaction) } : {}),
      ...(query.template_merkle_branches ? { template_merkle_branches: branchShape(merkleBranch) } : {})
    }))
    return { ...heightsOf(chosen.toReversed()), headers }
  })
  server.get('/share', async request => {
    const { hash, height, full } = asked(shareQuery, request.query)
    if ((hash === undefined) === (height === undefined)) throw new NoAnswer(400, 'Give exactly one of hash and height')
    const found = hash === undefined ? atHeight(shares, height ?? 0) : known(shares, shareHash(hash.toLowerCase()))
    if (found.length === 0) throw new NoAnswer(404, 'No share found')
    const parts = full ? await bodiesOf(reads, found) : await headersOf(reads, found)
    return found.map((facts, i) => {
      const status = shareStatuses(shares, { from: facts.height, to: facts.height })(facts)
      return shareDetail(facts, status, parts[i] as (typeof parts)[number], full)
    })
  })
  server.get('/dag', async request => {
    const { to, num } = asked(rangeQuery, request.query)
    const top = Math.max(shares.confirmedTip().height, shares.candidateTip().height)
    const range = { to: Math.min(to ?? top, top), from: 0 }
    range.from = Math.max(0, range.to - num + 1)
    const statusOf = shareStatuses(shares, range)
    const heights = Array.from({ length: range.to - range.from + 1 }, (_, i) => range.from + i)
    const entries = heights.flatMap(height => factsAt(shares, height).map(facts => dagEntry(facts, statusOf(facts))))
    return { from_height: range.from, to_height: range.to, entries }
  })
  server.get('/transaction', async request => {
    const { txid, raw } = asked(transactionQuery, request.query)
    const transaction = await foundTransaction(reads, txid.toLowerCase())
    return raw ? rawTransaction(transaction) : decodedTransaction(transaction)
  })
}

function chainInfo({ queries, params }: NodeReads) {
  const confirmed = queries.shares.confirmedTip()
  const candidate = queries.shares.candidateTip()
  const isAhead = candidate.height > confirmed.height
  return {
    genesis_blockhash: genesisShare(params).hash,
    chain_tip_height: confirmed.height,
    total_work: `0x${confirmed.chainWork.toString(16).padStart(64, '0')}`,
    chain_tip_blockhash: confirmed.hash,
    top_candidate_height: isAhead ? candidate.height : null,
    top_candidate_blockhash: isAhead ? candidate.hash : null
  }
}

interface Stretch {
  readonly tip: ShareFacts
  readonly to: number | undefined
  readonly num: number
}

function listed(shares: ShareReads, stretch: Stretch) {
  const chain = chainDown(shares, stretch)
  return { ...heightsOf(chain), shares: chain.map(facts => shareInfo(shares, facts)) }
}

/** The chain under a tip, from a height down, newest first; it ends where shares are pruned. */
function chainDown(shares: ShareReads, { tip, to, num }: Stretch): ShareFacts[] {
  const top = Math.min(to ?? tip.height, tip.height)
  const chain: ShareFacts[] = []
  for (
    let facts = startAt(shares, tip, top);
    facts !== undefined && chain.length < num;
    facts = shares.facts(facts.prevHash)
  )
    chain.push(facts)
  if (chain.length === 0)
    throw new NoAnswer(404, `no share of height ${top} is kept: the lowest is ${shares.keptFromHeight}`)
  return chain
}

/** A height of the confirmed chain is looked up; above it the way down is walked. */
function startAt(shares: ShareReads, tip: ShareFacts, height: number): ShareFacts | undefined {
  const confirmed = height <= shares.confirmedTip().height ? shares.confirmedHashAt(height as Height) : undefined
  if (confirmed !== undefined) return shares.facts(confirmed)
  let facts: ShareFacts | undefined = tip
  while (facts !== undefined && facts.height > height) facts = shares.facts(facts.prevHash)
  return facts
}

/** @param chain newest first */
function heightsOf(chain: readonly ShareFacts[]): { readonly from_height: number; readonly to_height: number } {
  return { from_height: chain.at(-1)?.height ?? 0, to_height: chain[0]?.height ?? 0 }
}

function known(shares: ShareReads, hash: ShareHash): ShareFacts[] {
  const facts = shares.facts(hash)
  return facts === undefined ? [] : [facts]
}

/** The confirmed share of a height, then the uncles of that height that confirmed shares soon after it name. */
function atHeight(shares: ShareReads, height: number): ShareFacts[] {
  const confirmedAt = (at: number): ShareFacts | undefined => {
    const hash = shares.confirmedHashAt(at as Height)
    return hash === undefined ? undefined : shares.facts(hash)
  }
  const main = confirmedAt(height)
  if (main === undefined) return []
  const named = Array.from({ length: NAMED_WITHIN }, (_, i) => confirmedAt(height + i + 1)?.uncles ?? []).flat()
  const uncles = named.map(hash => shares.facts(hash)).filter(facts => facts !== undefined)
  return [main, ...uncles.filter(uncle => uncle.height === height)]
}

type Parts = Pick<Share, 'header' | 'merkleBranch'> & Partial<Pick<Share, 'transactions'>>

/** Headers are kept for ever; the genesis' is built in. */
async function headersOf(reads: NodeReads, chosen: readonly ShareFacts[]): Promise<Parts[]> {
  const genesis = genesisShare(reads.params)
  const records = await reads.readHeaders(chosen.map(({ hash }) => hash))
  return chosen.map(({ hash }, i) => {
    if (hash === genesis.hash) return genesis
    const record = records[i]
    const item = record == null ? undefined : decodeHeaderBatch(record.batch)[0]
    if (item === undefined) throw new NoAnswer(404, `the header of share ${hash} is not stored`)
    return item
  })
}

async function bodiesOf(reads: NodeReads, chosen: readonly ShareFacts[]): Promise<Parts[]> {
  const genesis = genesisShare(reads.params)
  const bodies = await reads.readShares(chosen.map(({ hash }) => hash))
  return chosen.map(({ hash }, i) => {
    const body = bodies[i]
    if (body != null) return decodeShare(body)
    if (hash === genesis.hash) return genesis
    throw new NoAnswer(404, `the body of share ${hash} is not stored`)
  })
}

/** There is no index of transactions: the newest shares are read, a few at a time. */
async function foundTransaction(reads: NodeReads, txid: string): Promise<Share['transactions'][number]> {
  const { shares } = reads.queries
  let next: ShareFacts | undefined = shares.confirmedTip()
  for (let searched = 0; next !== undefined && searched < MAX_SEARCHED; searched += SEARCH_BATCH) {
    const batch: ShareHash[] = []
    while (next !== undefined && batch.length < SEARCH_BATCH) {
      batch.push(...next.uncles, next.hash)
      next = shares.facts(next.prevHash)
    }
    for (const body of await reads.readShares(batch)) {
      const transactions = body === null ? [] : decodeShare(body).transactions
      const found = transactions.find(transaction => txidOf(transaction) === txid)
      if (found !== undefined) return found
    }
  }
  throw new NoAnswer(404, `no transaction of that id is in the newest ${MAX_SEARCHED} shares`)
}
