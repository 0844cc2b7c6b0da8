import { readOrder } from './order.ts'

/** Times that mutants are asked for, beyond those without one, until what one does counts as endless. */
const MORE_ASKED = 50_000
/** In one test, for a mutant that is on from the first line on. */
const MOST_ASKED = 500_000_000

/** Which mutant is on, for the switched sources of this process. */
export class MutantSwitch {
  readonly #asked = new Map<number, number>()
  #on = -1
  #left = 0

  /** Makes itself known to the sources that are loaded from now on. */
  install(): this {
    const isMutant = (id: number): boolean => {
      if (this.#on < 0) {
        this.#asked.set(id, (this.#asked.get(id) ?? 0) + 1)
        return false
      }
      // A loop without an end asks for all that is in it, whichever made it so.
      if (--this.#left < 0) throw new Error('a mutant goes on without an end')
      return id === this.#on
    }
    Object.assign(globalThis, { __isMutant: isMutant, __mutantSwitch: this })
    return this
  }

  /** @param left how often any may be asked for until it is off */
  on(id: number, left: number = MOST_ASKED): void {
    this.#on = id
    this.#left = left
  }

  off(): void {
    this.#on = -1
  }

  /** Begins to count what is come by. */
  begin(): void {
    this.off()
    this.#asked.clear()
  }

  /** What was come by since `begin`, and how often any may be asked for while one of them is on. */
  asked(): { readonly ids: readonly number[]; readonly most: number } {
    const times = [...this.#asked.values()].reduce((sum, each) => sum + each, 0)
    return { ids: [...this.#asked.keys()], most: 20 * times + MORE_ASKED }
  }
}

/** The one of this process; setup files are run for each file of tests, and what was loaded stays. */
export function mutantSwitch(): MutantSwitch {
  const known = (globalThis as { __mutantSwitch?: MutantSwitch }).__mutantSwitch
  if (known !== undefined) return known
  const made = new MutantSwitch().install()
  const order = readOrder()
  if (order.how === 'alone' && order.mutant !== null) made.on(order.mutant)
  return made
}
