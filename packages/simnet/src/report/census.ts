import type { NodeEffect, NodeEvent, NodeFact } from '@p2poolv2/node'
import type { BlockHash, Height, ShareHash } from '@p2poolv2/primitives'
import type { TopicMessage } from '../peers/endpoint.ts'
import { Histogram } from './histogram.ts'

/** A share one of the world's miners made. */
export interface ProducedShare {
  readonly hash: ShareHash
  readonly node: number
  readonly height: Height
  readonly payoutAddress: string
  readonly atMs: number
}

/** A bitcoin block one of the world's miners found. */
export interface FoundBitcoinBlock {
  readonly hash: BlockHash
  readonly node: number
  readonly atMs: number
}

/** A penalty or a dropped peer. */
export interface Punishment {
  readonly atMs: number
  readonly node: number
  readonly peer: string
  readonly points: number
  readonly code: string
}

/** Punishments kept for the report; all are counted. */
const KEPT_PUNISHMENTS = 1_000

/** Whose event it was, and when. */
export interface Where {
  readonly node: number
  readonly nowMs: number
  readonly standing: 'honest' | 'hostile'
}

/** Counts what happens while a world runs: to honest nodes, but for the events themselves. */
export class Census {
  readonly produced = new Map<ShareHash, ProducedShare>()
  readonly foundBlocks = new Map<BlockHash, FoundBitcoinBlock>()
  /** From a share's publication to a node's accepting it, in milliseconds, over all shares and nodes. */
  readonly arrival = new Histogram()
  /** Shares a node took back in one re-organisation. */
  readonly reorgDepth = new Histogram()
  readonly punishments: Punishment[] = []
  readonly eventCounts = new Map<NodeEvent['type'], number>()
  readonly effectCounts = new Map<NodeEffect['type'], number>()
  /** Gossip messages judged, by verdict. */
  readonly verdicts = { accept: 0, ignore: 0, reject: 0 }
  #punishmentCount = 0
  #dropCount = 0
  #events = 0
  #rejectedSubmits = 0
  #acceptedSubmits = 0

  get events(): number {
    return this.#events
  }

  get punishmentCount(): number {
    return this.#punishmentCount
  }

  get dropCount(): number {
    return this.#dropCount
  }

  get submits(): { readonly accepted: number; readonly rejected: number } {
    return { accepted: this.#acceptedSubmits, rejected: this.#rejectedSubmits }
  }

  handled(event: NodeEvent, at: Where, effects: readonly NodeEffect[]): void {
    this.#events += 1
    countUp(this.eventCounts, event.type)
    if (at.standing === 'hostile') return
    for (const effect of effects) {
      countUp(this.effectCounts, effect.type)
      switch (effect.type) {
        case 'report':
          this.#fact(effect.fact, at)
          break
        case 'penalise':
          this.#punished({ atMs: at.nowMs, node: at.node, peer: effect.peer, points: effect.points, code: effect.code })
          break
        case 'dropPeer':
          this.#dropCount += 1
          this.#punished({ atMs: at.nowMs, node: at.node, peer: effect.peer, points: 0, code: `drop:${effect.reason}` })
          break
        default:
      }
    }
  }

  judged(message: TopicMessage, verdict: 'accept' | 'ignore' | 'reject', nowMs: number): void {
    this.verdicts[verdict] += 1
    if (message.topic === 'shares' && verdict === 'accept') this.arrival.add(nowMs - message.publishedAtMs)
  }

  #fact(fact: NodeFact, { node, nowMs }: Where): void {
    switch (fact.type) {
      case 'shareFound':
        this.produced.set(fact.shareHash, {
          hash: fact.shareHash,
          node,
          height: fact.height,
          payoutAddress: fact.payoutAddress,
          atMs: nowMs
        })
        break
      case 'blockFound':
        this.foundBlocks.set(fact.blockHash, { hash: fact.blockHash, node, atMs: nowMs })
        break
      case 'reorg':
        this.reorgDepth.add(fact.unconfirmed)
        break
      case 'shareAccepted':
        this.#acceptedSubmits += 1
        break
      case 'shareRejected':
        this.#rejectedSubmits += 1
        break
      default:
    }
  }

  #punished({ atMs, node, peer, points, code }: Punishment): void {
    this.#punishmentCount += 1
    if (this.punishments.length < KEPT_PUNISHMENTS) this.punishments.push({ atMs, node, peer, points, code })
  }
}

function countUp<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
