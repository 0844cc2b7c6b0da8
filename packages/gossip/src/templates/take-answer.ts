import { bytesEqual, type SteadyMs } from '@p2poolv2/primitives'
import type { PeerId } from '../network-port.ts'
import type { GossipEffects } from '../peers/gossip-effects.ts'
import type { PeerBook } from '../peers/peer-book.ts'
import type { FaultCode } from '../peers/verdicts.ts'
import { decoded } from '../wire/decoded.ts'
import { listOf } from '../wire/list-pieces.ts'
import { decodeTemplateMessage } from '../wire/template-messages.ts'
import type { TemplateBook } from './book.ts'
import type { DownloadProblem, TemplateDownload } from './download.ts'

/** Names no list. */
export const NO_LIST = new Uint8Array(32)
const NO_BYTES = new Uint8Array(0)

/** What a peer was asked for: the list, or the transactions at these indexes. */
export interface Question {
  readonly peer: PeerId
  readonly indexes: readonly number[] | null
}

interface Answer extends Question {
  readonly work: TemplateDownload
  /** Null when there was none. */
  readonly payload: Uint8Array | null
}

interface Parts {
  readonly book: TemplateBook
  readonly peers: PeerBook
  readonly out: GossipEffects
}

/**
 * Puts what a peer answered into the download it belongs to, and holds lies against the peer.
 * @returns whether the peer can be asked for more, or is done with
 */
export function takeAnswer(parts: Parts, answer: Answer, nowMs: SteadyMs): 'more' | 'done' {
  const { book, peers, out } = parts
  const { peer, indexes, work, payload } = answer
  const blame = (at: PeerId, code: FaultCode): 'done' => {
    out.blame(at, { code, route: 'stream' }, nowMs)
    return 'done'
  }
  const judge = (problem: DownloadProblem | null): 'more' | 'done' => {
    if (problem === null) return 'more'
    if (problem.type === 'absent') return 'done'
    return blame(problem.peer, problem.type === 'lie' ? 'template-lie' : 'template-oversize')
  }
  if (payload === null) return 'done'
  const message = decoded(() => decodeTemplateMessage(payload))
  if (message === null) return blame(peer, 'malformed-answer')
  if (!bytesEqual(message.branchKey, work.branchKey)) return blame(peer, 'wrong-answer')
  if (indexes === null && message.type === 'templateList') {
    const base = bytesEqual(message.baseId, NO_LIST) ? undefined : book.withId(message.baseId)
    const wtxids = listOf(message.pieces, base?.wtxids ?? NO_BYTES)
    // The base may have left the book meanwhile.
    return wtxids === null ? 'done' : judge(work.takeList(peer, wtxids, book))
  }
  if (indexes !== null && message.type === 'templateTransactions') {
    const bytes = message.transactions.reduce((sum, transaction) => sum + transaction.length, 0)
    peers.get(peer)?.templateKilobytes.spend(Math.ceil(bytes / 1_000), nowMs)
    return judge(work.takeTransactions(peer, indexes, message.transactions))
  }
  return blame(peer, 'wrong-answer')
}
