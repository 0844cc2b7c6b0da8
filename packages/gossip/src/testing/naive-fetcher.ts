import type { ShareHash } from '@p2poolv2/primitives'
import { type FetchLimits, FIRST_ROUND_MS, HEDGE_MS, HEDGE_TIMES, HELD_MS, MAX_ROUND_MS } from '../shares/fetcher.ts'
import { type FetchOrder, type FetchResult, MAX_ASKED_PER_SHARE } from '../shares/sources.ts'

interface Request extends FetchOrder {
  readonly sinceMs: number
  isLate: boolean
}

interface Source {
  readonly peer: string
  allowance: number
  tookMs: number | null
}

interface Want {
  readonly hash: ShareHash
  readonly kind: 'missing' | 'chain'
  readonly preferred: string | null
  readonly tellers: string[]
  tried: string[]
  notBeforeMs: number
  rounds: number
}

/**
 * The share fetcher as plainly as it can be said: flat lists, everything counted anew each time it is needed. Slow, and
 * written to be read beside the description of the real one.
 */
export class NaiveFetcher {
  readonly #limits: FetchLimits
  wants: Want[] = []
  requests: Request[] = []
  sources: Source[] = []
  held: { hash: ShareHash; untilMs: number }[] = []
  /** What the chain named last, in its order. */
  named: readonly ShareHash[] = []
  /** Every peer ever asked, in order, to tell who was asked longest ago. */
  history: string[] = []

  constructor(limits: FetchLimits) {
    this.#limits = limits
  }

  inFlight(peer: string): number {
    return this.requests.filter(request => request.peer === peer).length
  }

  asked(hash: ShareHash): Request[] {
    return this.requests.filter(request => request.hash === hash)
  }

  find(hash: ShareHash): Want | undefined {
    return this.wants.find(want => want.hash === hash)
  }

  addSource(peer: string): void {
    if (this.sources.some(source => source.peer === peer)) return
    this.sources.push({ peer, allowance: this.#limits.inFlightPerPeer, tookMs: null })
    for (const want of this.wants) want.notBeforeMs = 0
  }

  removeSource(peer: string): void {
    this.sources = this.sources.filter(source => source.peer !== peer)
    this.requests = this.requests.filter(request => request.peer !== peer)
    this.history = this.history.filter(asked => asked !== peer)
    this.wants = this.wants.map(want => ({
      ...want,
      preferred: want.preferred === peer ? null : want.preferred,
      tellers: want.tellers.filter(teller => teller !== peer),
      tried: want.tried.filter(tried => tried !== peer)
    }))
    this.#forgetHopeless()
  }

  setWanted(hashes: readonly ShareHash[], preferred: string | null, nowMs: number): void {
    this.named = hashes
    this.held = this.held.filter(({ untilMs }) => untilMs > nowMs)
    const news = hashes.filter(hash => !this.held.some(held => held.hash === hash)).slice(0, this.#limits.wanted)
    const before = this.wants
    const missing = before.filter(want => want.kind === 'missing' && !news.includes(want.hash))
    const chain = news.map(hash => {
      const known = before.find(want => want.hash === hash)
      if (known?.kind === 'chain') return known
      return { hash, kind: 'chain' as const, preferred, tellers: [], tried: [], notBeforeMs: 0, rounds: 0 }
    })
    this.wants = [...missing, ...chain]
  }

  wantMissing(hash: ShareHash, teller: string): void {
    const known = this.find(hash)
    if (known?.kind === 'chain' || this.held.some(held => held.hash === hash)) return
    const missing = this.wants.filter(want => want.kind === 'missing')
    if (missing.filter(want => want.tellers.includes(teller)).length >= this.#limits.missingPerPeer) return
    this.addSource(teller)
    if (known !== undefined) {
      if (!known.tellers.includes(teller)) known.tellers.push(teller)
      return
    }
    const chain = this.wants.filter(want => want.kind === 'chain')
    const kept = missing.length >= this.#limits.missing ? missing.slice(1) : missing
    const want = { hash, preferred: null, tellers: [teller], tried: [], notBeforeMs: 0, rounds: 0 }
    this.wants = [...kept, { ...want, kind: 'missing' }, ...chain]
  }

  next(nowMs: number): FetchOrder | null {
    const missing = this.wants.filter(want => want.kind === 'missing')
    // What is held takes up room in the chain, so it counts.
    const window = this.named
      .map(hash => ({ want: this.wants.find(want => want.kind === 'chain' && want.hash === hash), hash }))
      .filter(({ want, hash }) => want !== undefined || this.held.some(held => held.hash === hash))
      .slice(0, this.#limits.ahead)
    const chain = window.flatMap(({ want }) => (want === undefined ? [] : [want]))
    for (const want of [...missing, ...chain]) {
      if (want.notBeforeMs > nowMs) continue
      const asked = this.asked(want.hash)
      const patient = asked.some(request => nowMs - request.sinceMs < HEDGE_MS)
      if (asked.length < MAX_ASKED_PER_SHARE && !patient) {
        const peer = this.#choose(want)
        if (peer !== undefined) return this.#ask(want.hash, peer, nowMs)
      }
      const allTried = this.sources.length > 0 && this.sources.every(source => want.tried.includes(source.peer))
      if (want.kind === 'missing' || asked.length > 0 || !allTried) continue
      want.tried = []
      want.notBeforeMs = nowMs + Math.min(MAX_ROUND_MS, FIRST_ROUND_MS * 2 ** want.rounds)
      want.rounds++
    }
    for (const want of chain) {
      if (want.notBeforeMs > nowMs) continue
      const asked = this.asked(want.hash)
      if (asked.length === 0 || asked.length >= MAX_ASKED_PER_SHARE) continue
      const [quickest] = this.#able(want)
        .filter(({ tookMs }) => tookMs !== null)
        .sort((a, b) => (a.tookMs ?? 0) - (b.tookMs ?? 0))
      const patienceMs = Math.ceil(HEDGE_TIMES * (quickest?.tookMs ?? 0))
      if (quickest !== undefined && asked.every(request => nowMs - request.sinceMs >= patienceMs))
        return this.#ask(want.hash, quickest.peer, nowMs)
    }
    return null
  }

  arrived(hash: ShareHash, state: 'done' | 'waiting', nowMs: number): void {
    this.wants = this.wants.filter(want => want.hash !== hash)
    const known = this.held.find(held => held.hash === hash)
    if (state === 'done') this.held = this.held.filter(held => held !== known)
    else if (this.held.length < this.#limits.held) {
      if (known !== undefined) known.untilMs = nowMs + HELD_MS
      else this.held.push({ hash, untilMs: nowMs + HELD_MS })
    }
  }

  answered(order: FetchOrder, result: FetchResult, nowMs: number): void {
    const source = this.sources.find(({ peer }) => peer === order.peer)
    const request = this.requests.find(({ hash, peer }) => hash === order.hash && peer === order.peer)
    if (source === undefined || request === undefined) return
    this.requests = this.requests.filter(other => other !== request)
    if (result === 'brought') {
      const tookMs = nowMs - request.sinceMs
      source.tookMs = source.tookMs === null ? tookMs : source.tookMs + (tookMs - source.tookMs) / 8
      if (!request.isLate) source.allowance = Math.min(this.#limits.inFlightPerPeer, source.allowance + 1)
    }
    if (result === 'silent' || result === 'absent') halve(source)
    const want = this.find(order.hash)
    if (want === undefined) return
    if (result !== 'brought') want.tried.push(order.peer)
    this.#forgetHopeless()
  }

  #ask(hash: ShareHash, peer: string, nowMs: number): FetchOrder {
    for (const late of this.asked(hash)) {
      late.isLate = true
      for (const source of this.sources) if (source.peer === late.peer) halve(source)
    }
    this.requests.push({ hash, peer, sinceMs: nowMs, isLate: false })
    this.history.push(peer)
    return { hash, peer }
  }

  #able(want: Want): Source[] {
    return this.sources.filter(
      ({ peer, allowance }) =>
        this.inFlight(peer) < allowance &&
        !want.tried.includes(peer) &&
        !this.asked(want.hash).some(request => request.peer === peer) &&
        (want.kind === 'chain' || want.tellers.includes(peer))
    )
  }

  #choose(want: Want): string | undefined {
    const able = this.#able(want)
    if (able.some(({ peer }) => peer === want.preferred)) return want.preferred ?? undefined
    const order = want.kind === 'missing' ? want.tellers : this.sources.map(({ peer }) => peer)
    const ranked = able
      .map(({ peer }) => ({
        peer,
        busy: this.inFlight(peer),
        last: this.history.lastIndexOf(peer),
        at: order.indexOf(peer)
      }))
      .sort((a, b) => a.busy - b.busy || a.last - b.last || a.at - b.at)
    return ranked[0]?.peer
  }

  #forgetHopeless(): void {
    this.wants = this.wants.filter(
      want => want.kind === 'chain' || want.tellers.some(teller => !want.tried.includes(teller))
    )
  }
}

function halve(source: Source): void {
  source.allowance = Math.max(1, Math.floor(source.allowance / 2))
}
