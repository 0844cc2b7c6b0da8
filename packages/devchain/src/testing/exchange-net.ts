import { type Moment, type SeededRng, seededRng, steadyMs, unixMs } from '@p2poolv2/primitives'
import { DevChain } from '../dev-chain.ts'
import type { DifficultyRule } from '../difficulty.ts'
import { BlockExchange } from '../exchange/block-exchange.ts'
import type { ExchangeEffect, ExchangeEvent, PeerId } from '../exchange/contract.ts'
import { REGTEST_DIFFICULTY } from './build-block.ts'

export interface WireOptions {
  readonly seed: string
  /** Of every request and every answer. */
  readonly lossRate?: number
  /** Longest way of a message; each takes its own time, so that they overtake each other. */
  readonly latencyMs?: number
}

/** A development chain with its exchange. */
export class ExchangeNode {
  readonly name: PeerId
  readonly chain: DevChain
  readonly exchange: BlockExchange
  /** What a disk would have: hashes in the order in which they were to be written. */
  readonly written: string[] = []
  readonly dropped: string[] = []

  constructor(name: PeerId, chain: DevChain) {
    this.name = name
    this.chain = chain
    this.exchange = new BlockExchange({ chain })
  }
}

type Asked = Extract<ExchangeEffect, { type: 'ask' }> & { readonly from: ExchangeNode }

/** Nodes on a wire in memory under virtual time: messages are lost and overtake each other, as the seed says. */
export class ExchangeNet {
  readonly nodes = new Map<PeerId, ExchangeNode>()
  readonly #rng: SeededRng
  readonly #options: WireOptions
  readonly #links = new Set<string>()
  /** Who waits for an answer, by the request's number on the wire. */
  readonly #open = new Map<number, Asked>()
  readonly #queue: { readonly atMs: number; readonly order: number; readonly run: () => void }[] = []
  readonly #startMs: number
  #order = 0
  #nowMs = 0
  bytesSent = 0

  constructor(startSec: number, options: WireOptions) {
    this.#startMs = startSec * 1_000
    this.#options = options
    this.#rng = seededRng(options.seed)
  }

  get now(): Moment {
    return { steadyMs: steadyMs(this.#nowMs), wallMs: unixMs(this.#startMs + this.#nowMs) }
  }

  get nowSec(): number {
    return Math.floor((this.#startMs + this.#nowMs) / 1_000)
  }

  add(name: PeerId, chain: DevChain | DifficultyRule = REGTEST_DIFFICULTY): ExchangeNode {
    const node = new ExchangeNode(name, chain instanceof DevChain ? chain : new DevChain(chain))
    this.nodes.set(name, node)
    return node
  }

  connect(a: ExchangeNode, b: ExchangeNode): void {
    this.#links.add(`${a.name} ${b.name}`).add(`${b.name} ${a.name}`)
    this.tell(a, { type: 'peerConnected', peer: b.name })
    this.tell(b, { type: 'peerConnected', peer: a.name })
  }

  cut(a: ExchangeNode, b: ExchangeNode): void {
    this.#links.delete(`${a.name} ${b.name}`)
    this.#links.delete(`${b.name} ${a.name}`)
    this.tell(a, { type: 'peerGone', peer: b.name })
    this.tell(b, { type: 'peerGone', peer: a.name })
  }

  /** A miner of this node found a block. */
  mined(node: ExchangeNode, block: Uint8Array): void {
    const outcome = node.chain.submit(block, this.nowSec)
    if (!('added' in outcome)) throw new Error(`our own block is ${JSON.stringify(outcome)}`)
    node.written.push(...outcome.added.map(({ hash }) => hash))
    this.tell(node, { type: 'ownBlocks' })
  }

  tell(node: ExchangeNode, event: ExchangeEvent): void {
    const effects = node.exchange.handle(event, this.now)
    node.exchange.checkInvariants()
    for (const effect of effects) this.#perform(node, effect)
  }

  /** Lets so much time pass. */
  run(ms: number): void {
    const endMs = this.#nowMs + ms
    for (;;) {
      const queued = this.#queue.reduce<number>((least, { atMs }) => Math.min(least, atMs), Number.POSITIVE_INFINITY)
      const due = [...this.nodes.values()].map(({ exchange }) => exchange.nextDeadlineMs ?? Number.POSITIVE_INFINITY)
      const nextMs = Math.max(this.#nowMs, Math.min(queued, ...due))
      if (nextMs > endMs) break
      this.#nowMs = nextMs
      const ready = this.#queue
        .filter(({ atMs }) => atMs <= nextMs)
        .sort((a, b) => a.atMs - b.atMs || a.order - b.order)
      for (const item of ready) {
        this.#queue.splice(this.#queue.indexOf(item), 1)
        item.run()
      }
      for (const node of this.nodes.values()) {
        if ((node.exchange.nextDeadlineMs ?? Number.POSITIVE_INFINITY) <= nextMs) this.tell(node, { type: 'deadline' })
      }
    }
    this.#nowMs = endMs
  }

  #perform(node: ExchangeNode, effect: ExchangeEffect): void {
    switch (effect.type) {
      case 'added':
        node.written.push(...effect.blocks.map(({ hash }) => hash))
        break
      case 'replaced':
        node.written.splice(0, node.written.length, ...[...node.chain.blocks()].map(({ hash }) => hash))
        break
      case 'drop': {
        node.dropped.push(effect.reason)
        const peer = this.nodes.get(effect.peer)
        if (peer !== undefined) this.cut(node, peer)
        break
      }
      case 'ask': {
        const id = ++this.#order
        this.#open.set(id, { ...effect, from: node })
        this.#send(effect.payload, node.name, effect.peer, () => {
          const to = this.nodes.get(effect.peer)
          if (to !== undefined)
            this.tell(to, { type: 'request', peer: node.name, requestId: id, payload: effect.payload })
        })
        // Now and then the network does not tell that nothing came.
        if (this.#chance(0.5)) this.#after(effect.timeoutMs, () => this.#fail(id))
        break
      }
      case 'answer': {
        const asked = this.#open.get(effect.requestId)
        const { requestId, payload } = effect
        this.#send(payload ?? new Uint8Array(0), node.name, effect.peer, () => {
          if (asked === undefined || !this.#open.delete(requestId)) return
          this.tell(asked.from, { type: 'response', requestId: asked.requestId, payload })
        })
        break
      }
      default:
        effect satisfies never
    }
  }

  #fail(id: number): void {
    const asked = this.#open.get(id)
    if (asked === undefined) return
    this.#open.delete(id)
    this.tell(asked.from, { type: 'failed', requestId: asked.requestId })
  }

  #send(payload: Uint8Array, from: PeerId, to: PeerId, arrive: () => void): void {
    const { lossRate = 0, latencyMs = 40 } = this.#options
    this.bytesSent += payload.length
    if (this.#chance(lossRate)) return
    this.#after(1 + (this.#rng.u32() % latencyMs), () => {
      if (this.#links.has(`${from} ${to}`)) arrive()
    })
  }

  #after(ms: number, run: () => void): void {
    this.#queue.push({ atMs: this.#nowMs + ms, order: ++this.#order, run })
  }

  #chance(rate: number): boolean {
    return this.#rng.u32() < rate * 2 ** 32
  }
}
