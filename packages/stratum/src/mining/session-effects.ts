import { concatBytes } from '@p2poolv2/primitives'
import type { CloseReason, SessionEffect } from '../contract.ts'

type EffectOf<T extends SessionEffect['type']> = Extract<SessionEffect, { readonly type: T }>
type Fact = EffectOf<'joined' | 'accepted' | 'rejected' | 'difficultyConflict'>

/**
 * The effects of one event, in the order that `SessionEffect` promises; all lines or frames of an event are one write. Between events it
 * holds nothing: with thousands of sessions a new list a share in each would outlive the garbage that it is made with.
 */
export class SessionEffects {
  #solutions: SessionEffect[] | null = null
  #text = ''
  #frames: Uint8Array[] | null = null
  #facts: SessionEffect[] | null = null
  #questions: SessionEffect[] | null = null
  #wantsWork = false
  #close: CloseReason | null = null

  solution(solution: EffectOf<'solution'>): void {
    this.#solutions = appended(this.#solutions, solution)
  }

  /** @param lines complete, with LF */
  send(lines: string): void {
    this.#text += lines
  }

  sendFrame(frame: Uint8Array): void {
    this.#frames = appended(this.#frames, frame)
  }

  fact(fact: Fact): void {
    this.#facts = appended(this.#facts, fact)
  }

  authorise(question: EffectOf<'authorise'>): void {
    this.#questions = appended(this.#questions, question)
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
    const effects = this.#solutions ?? []
    if (this.#text !== '') effects.push({ type: 'send', output: this.#text })
    if (this.#frames !== null) effects.push({ type: 'send', output: concatBytes(...this.#frames) })
    if (this.#facts !== null) effects.push(...this.#facts)
    if (this.#questions !== null) effects.push(...this.#questions)
    if (this.#wantsWork) effects.push({ type: 'wantWork' })
    if (this.#close !== null) effects.push({ type: 'close', reason: this.#close })
    this.#solutions = null
    this.#text = ''
    this.#frames = null
    this.#facts = null
    this.#questions = null
    this.#wantsWork = false
    this.#close = null
    return effects
  }
}

function appended<T>(list: T[] | null, item: T): T[] {
  if (list === null) return [item]
  list.push(item)
  return list
}
