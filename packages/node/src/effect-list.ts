import type { NodeEffect, NodeFact } from './contract.ts'
import { EFFECT_RANK } from './contract.ts'

const NOTHING: readonly NodeEffect[] = Object.freeze([])

/**
 * The effects of one event, gathered in any order and handed out by rank: bitcoin first, then peers, miners, disk,
 * reports. Effects of one rank keep the order in which they were added.
 */
export class EffectList {
  #effects: NodeEffect[] = []
  #inOrder = true
  #highestRank = 0

  add(effect: NodeEffect): void {
    const rank = EFFECT_RANK[effect.type]
    if (rank < this.#highestRank) this.#inOrder = false
    else this.#highestRank = rank
    this.#effects.push(effect)
  }

  report(fact: NodeFact): void {
    this.add({ type: 'report', fact })
  }

  /** Hands out what was gathered and starts anew. */
  take(): readonly NodeEffect[] {
    if (this.#effects.length === 0) return NOTHING
    const effects = this.#effects
    // Array sort is stable, so equal ranks keep their order.
    if (!this.#inOrder) effects.sort((a, b) => EFFECT_RANK[a.type] - EFFECT_RANK[b.type])
    this.#effects = []
    this.#inOrder = true
    this.#highestRank = 0
    return effects
  }
}
