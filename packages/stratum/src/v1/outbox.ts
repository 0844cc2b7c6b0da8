import type { Work } from '@p2poolv2/bitcoin'
import type { CloseReason, SessionEffect } from '../contract.ts'

type SolutionEffect<W extends Work> = Extract<SessionEffect<W>, { readonly type: 'solution' }>
type Fact<W extends Work> = Extract<SessionEffect<W>, { readonly type: 'authorised' | 'accepted' | 'rejected' }>

const NOTHING: readonly never[] = Object.freeze([])

/** The effects of one event, in the order that `SessionEffect` promises; all text of an event is one write. */
export class Outbox<W extends Work> {
  #solutions: SessionEffect<W>[] = []
  #text = ''
  #facts: Fact<W>[] = []
  #wantsWork = false
  #close: CloseReason | null = null

  solution(solution: SolutionEffect<W>): void {
    this.#solutions.push(solution)
  }

  /** @param lines complete, with LF */
  send(lines: string): void {
    this.#text += lines
  }

  fact(fact: Fact<W>): void {
    this.#facts.push(fact)
  }

  wantWork(): void {
    this.#wantsWork = true
  }

  /** The first reason counts. */
  close(reason: CloseReason): void {
    this.#close ??= reason
  }

  /** Hands out what was gathered and starts anew. */
  take(): readonly SessionEffect<W>[] {
    const isEmpty = this.#text === '' && !this.#wantsWork && this.#close === null
    if (isEmpty && this.#solutions.length === 0 && this.#facts.length === 0) return NOTHING
    const effects = this.#solutions
    if (this.#text !== '') effects.push({ type: 'send', text: this.#text })
    effects.push(...this.#facts)
    if (this.#wantsWork) effects.push({ type: 'wantWork' })
    if (this.#close !== null) effects.push({ type: 'close', reason: this.#close })
    this.#solutions = []
    this.#text = ''
    this.#facts = []
    this.#wantsWork = false
    this.#close = null
    return effects
  }
}
