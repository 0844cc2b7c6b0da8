import { type ChainParams, fingerprintText } from '@p2poolv2/consensus'
import { asciiToBytes, BoundedSet, bytesEqual, type SteadyMs, sha256 } from '@p2poolv2/primitives'
import type { PeerRules } from '../contract.ts'
import type { PeerId } from '../network-port.ts'
import { decoded } from '../wire/decoded.ts'
import { decodeRulesMessage, encodeRulesMessage, type RulesMessage } from '../wire/rules-messages.ts'
import type { GossipEffects } from './gossip-effects.ts'
import type { Peer, PeerBook } from './peer-book.ts'
import type { PeerRequest } from './request-queue.ts'

/** Peers with other rules that were reported; at the cap the oldest may be reported again. */
const MAX_REPORTED = 1_024
/** Differences put into words; one is enough to part two nodes. */
export const MAX_TOLD_DIFFERENCES = 16
/** Characters of a value that are shown. */
const MAX_SHOWN_VALUE = 80

interface Parts {
  readonly peers: PeerBook
  readonly out: GossipEffects
}

/**
 * Compares rules with every peer of our kind when it comes. One with others is of another share chain, though it has our genesis: it is
 * told no lies and keeps its connection, for it has done nothing wrong, but nothing is asked of it.
 */
export class RulesExchange {
  readonly #parts: Parts
  readonly #ours: Extract<RulesMessage, { type: 'rules' }>
  readonly #answer: Uint8Array
  readonly #reported = new BoundedSet<PeerId>(MAX_REPORTED)

  constructor(params: ChainParams, parts: Parts) {
    this.#parts = parts
    const lines = fingerprintText(params)
    this.#ours = { type: 'rules', fingerprint: sha256(asciiToBytes(lines)), lines }
    this.#answer = encodeRulesMessage(this.#ours)
  }

  /** A peer has come. */
  ask({ id, dialect }: Peer, nowMs: SteadyMs): void {
    if (dialect === 'ours') this.#parts.out.askRules(id, encodeRulesMessage({ type: 'getRules' }), nowMs)
  }

  /** A peer asks. It is answered once a connection: rules do not change. */
  serve(request: PeerRequest, nowMs: SteadyMs): void {
    const { peers, out } = this.#parts
    const peer = peers.get(request.peer)
    const message = decoded(() => decodeRulesMessage(request.payload))
    const isFirst = peer?.wasToldRules === false && message?.type === 'getRules'
    if (isFirst) peer.wasToldRules = true
    out.respond(request, isFirst ? this.#answer : null)
    if (message === null) out.blame(request.peer, { code: 'malformed-message', route: 'stream' }, nowMs)
  }

  /**
   * What a peer answers; null if it has not, as one does that knows no such question.
   * @returns whether it turns out to have other rules
   */
  answered(id: PeerId, payload: Uint8Array | null, nowMs: SteadyMs): boolean {
    const { peers, out } = this.#parts
    const peer = peers.get(id)
    if (peer === undefined) return false
    const message = payload === null ? null : decoded(() => decodeRulesMessage(payload))
    peer.rules = message?.type === 'rules' ? this.#compare(message) : 'unknown'
    if (payload !== null && message?.type !== 'rules') {
      const code = message === null ? 'malformed-answer' : 'wrong-answer'
      out.blame(id, { code, route: 'stream' }, nowMs)
    }
    if (typeof peer.rules === 'string') return false
    peer.forgive()
    out.add({ type: 'otherRules', peer: id })
    if (!this.#reported.has(id)) out.report({ type: 'rulesDiffer', peer: id, differs: peer.rules.differs })
    this.#reported.add(id)
    return true
  }

  #compare(theirs: Extract<RulesMessage, { type: 'rules' }>): PeerRules {
    if (bytesEqual(theirs.fingerprint, this.#ours.fingerprint)) return 'same'
    if (theirs.lines === '') return { differs: ['it does not say which'] }
    return { differs: differences(this.#ours.lines, theirs.lines) }
  }
}

/** Which values differ, in words: never none for two texts that are not the same. */
export function differences(ours: string, theirs: string): string[] {
  const [here, there] = [valuesOf(ours), valuesOf(theirs)]
  const words: string[] = []
  for (const name of new Set([...here.keys(), ...there.keys()])) {
    const [our, their] = [here.get(name), there.get(name)]
    if (our === their) continue
    if (words.length >= MAX_TOLD_DIFFERENCES) break
    words.push(`${name} is ${shown(our)} here and ${shown(their)} there`)
  }
  return words.length > 0 ? words : ['the same values in another order']
}

function valuesOf(lines: string): Map<string, string> {
  const values = new Map<string, string>()
  for (const line of lines.split('\n')) {
    const at = line.indexOf('=')
    if (at > 0) values.set(line.slice(0, at).slice(0, MAX_SHOWN_VALUE), line.slice(at + 1))
  }
  return values
}

function shown(value: string | undefined): string {
  if (value === undefined) return 'not known'
  return value.length > MAX_SHOWN_VALUE ? `${value.slice(0, MAX_SHOWN_VALUE)}...` : value
}
