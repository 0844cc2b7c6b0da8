/** Body rules and chain context: everything about a share that its header cannot tell. Source: protocol §12.5 to §12.7. */
import { encodeTransaction, transactionBytes, txidWire, wtxidWire } from '@p2poolv2/bitcoin'
import { bytesEqual, bytesToHexReversed } from '@p2poolv2/primitives'
import { shareCoinbase, shareWitnessRoot } from '../coinbase/share-coinbase.ts'
import { coinbaseTxidFromProof, verifyCoinbaseProof } from '../commitment/coinbase-proof.ts'
import type { ChainParams } from '../params.ts'
import { type ChainView, type Checked, PASSED, refused, type Share, type ShareHeader } from '../share.ts'
import { checkHeader } from './check-header.ts'
import { checkParentAndBits, checkUncleBodies, checkUncles } from './check-placement.ts'
import { checkTransactions } from './check-transactions.ts'

type Body = Pick<Share, 'transactions' | 'bitcoinCoinbase'>

/** Neither a header nor a body ever changes, and both who stores and who judges a share ask. */
const MATCHED = new WeakMap<Body, ShareHeader>()

/**
 * Whether a body is the one its header stands for, in the order of protocol §12.5.
 * @param header the header to measure against: the share's own, or the one already known for its hash
 */
export function checkBodyMatches(header: ShareHeader, share: Body): Checked {
  if (MATCHED.get(share) === header) return PASSED
  const checked = measureBody(header, share)
  if (checked.ok) MATCHED.set(share, header)
  return checked
}

function measureBody(header: ShareHeader, share: Body): Checked {
  // body-no-transactions
  const [coinbase, ...others] = share.transactions
  if (coinbase === undefined) return refused('body-no-transactions')

  // body-duplicate-transaction: equal leaves would let two bodies have one witness root (CVE-2012-2459).
  const wtxids = others.map(transaction => bytesToHexReversed(wtxidWire(transaction)))
  if (new Set(wtxids).size !== wtxids.length) {
    return refused('body-duplicate-transaction', { transactions: share.transactions.length })
  }

  // body-witness-root
  const root = shareWitnessRoot(share.transactions)
  if (!bytesEqual(root, header.coinbaseProof.shareWitnessRoot)) {
    return refused('body-witness-root', { shareWitnessRoot: bytesToHexReversed(root) })
  }

  // body-share-coinbase: compared with its witness, which the txid would not cover.
  if (!bytesEqual(encodeTransaction(coinbase), encodeTransaction(shareCoinbase(header)))) {
    return refused('body-share-coinbase', { shareCoinbaseTxid: bytesToHexReversed(txidWire(coinbase)) })
  }

  // body-coinbase-txid
  const proven = coinbaseTxidFromProof(header)
  if (!proven.ok) return proven
  const coinbaseTxidWire = txidWire(share.bitcoinCoinbase)
  if (!bytesEqual(coinbaseTxidWire, proven.txidWire)) {
    return refused('body-coinbase-txid', {
      coinbaseTxid: bytesToHexReversed(coinbaseTxidWire),
      provenTxid: bytesToHexReversed(proven.txidWire)
    })
  }

  // body-coinbase-witness
  if (share.bitcoinCoinbase.inputs.some(input => input.witness.length > 0)) return refused('body-coinbase-witness')
  return PASSED
}

/**
 * Size of a body (protocol §12.4, rule 5, and §12.6, rule 7): the share's own transactions and the bitcoin coinbase, whose
 * outputs grow with the miners of the window.
 */
export function checkBodySize(params: ChainParams, share: Body): Checked {
  const transactions = [...share.transactions, share.bitcoinCoinbase]
  const bodyBytes = transactions.reduce((sum, transaction) => sum + transactionBytes(transaction), 0)
  if (bodyBytes <= params.maxBodyBytes) return PASSED
  return refused('body-size', { bodyBytes, maxBodyBytes: params.maxBodyBytes })
}

/** Size and transaction count (protocol §12.6, rules 7 and 8). */
export function checkBodyLimits(params: ChainParams, share: Body): Checked {
  const size = checkBodySize(params, share)
  if (!size.ok) return size
  const transactions = share.transactions.length
  if (transactions > params.maxTransactions) {
    return refused('body-transaction-count', { transactions, maxTransactions: params.maxTransactions })
  }
  return PASSED
}

/** Body validation inside the payout zone. After it a share may be relayed; its chain context is still open. */
export function checkBody(params: ChainParams, share: Share, view: ChainView): Checked {
  return firstRefusal([
    () => checkBodyHead(params, share, view),
    () => checkUncleBodies(share.header, view),
    () => checkBodyLimits(params, share),
    () => checkTransactions(share)
  ])
}

/** Body validation below the payout zone, where neither transactions nor uncle bodies are looked at (protocol §12.8). */
export function checkPrunedBody(params: ChainParams, share: Share, view: ChainView): Checked {
  return firstRefusal([() => checkBodyHead(params, share, view), () => checkBodyLimits(params, share)])
}

/** Rules 2 to 5 of protocol §12.6. */
function checkBodyHead(params: ChainParams, share: Share, view: ChainView): Checked {
  const { header } = share
  return firstRefusal([
    () => verifyCoinbaseProof(header, share.merkleBranch),
    () => checkBodyMatches(header, share),
    () => checkHeader(params, header),
    () => checkParentAndBits(params, header, view),
    () => checkUncles(params, header, view)
  ])
}

function firstRefusal(checks: readonly (() => Checked)[]): Checked {
  for (const check of checks) {
    const checked = check()
    if (!checked.ok) return checked
  }
  return PASSED
}
