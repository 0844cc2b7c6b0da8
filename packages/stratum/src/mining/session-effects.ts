import { concatBytes } from '@p2poolv2/primitives'
import type { CloseReason, SessionEffect } from '../contract.ts'

type EffectOf<T extends SessionEffect['type']> = Extract<SessionEffect, { readonly type: T }>
type Fact = EffectOf<'joined' | 'accepted' | 'rejected' | 'difficultyConflict'>

const NOTHING: readonly never[] = Object.freeze([])

/** The effects of one event, in the order that `SessionEffect` promises; all lines or frames of an event are one write. */
export class SessionEffects {
  #solutions: SessionEffect[] = []
  #text = ''
  #frames: Uint8Array[] = []
  #facts: SessionEffect[] = []
  #questions: SessionEffect[] = []
  #wantsWork = false
  #close: CloseReason | null = null

  solution(solution: EffectOf<'solution'>): void {
    this.#solutions.push(solution)
  }

  /** @param lines complete, with LF */
  send(lines: string): void {
    this.#text += lines
  }

  sendFrame(frame: Uint8Array): void {
    this.#frames.push(frame)
  }

  fact(fact: Fact): void {
    this.#facts.push(fact)
  }

  authorise(question: EffectOf<'authorise'>): void {
    this.#questions.push(question)
  }

  wantWork(): void {
    this.#wantsWork = true
  }

  /** The first reason counts. */
  close(reason: CloseReason): void {
    this.#close ??= reason
  }

  /** Hands out what was gathered and starts anew. */
  take(): readonly SessionEffect[] {
    const isEmpty = this.#text === '' && this.#frames.length === 0 && !this.#wantsWork && this.#close === null
    if (isEmpty && this.#solutions.length + this.#facts.length + this.#questions.length === 0) return NOTHING
    const effects = this.#solutions
    if (this.#text !== '') effects.push({ type: 'send', output: this.#text })
    if (this.#frames.length > 0) effects.push({ type: 'send', output: concatBytes(...this.#frames) })
    effects.push(...this.#facts, ...this.#questions)
    if (this.#wantsWork) effects.push({ type: 'wantWork' })
    if (this.#close !== null) effects.push({ type: 'close', reason: this.#close })
    this.#solutions = []
    this.#text = ''
    if (this.#frames.length > 0) this.#frames = []
    this.#facts = []
    this.#questions = []
    this.#wantsWork = false
    this.#close = null
    return effects
  }
}
