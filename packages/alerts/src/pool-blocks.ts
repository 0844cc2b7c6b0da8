import type { BlockSight, Sight } from './sight.ts'

/** Confirmations from which the next block may spend a coinbase (COINBASE_MATURITY). */
const MATURE_CONFIRMATIONS = 100
/** Blocks followed; the node shows a hundred. At the cap the one that was first is let go. */
const MAX_FOLLOWED = 1_000

type Known = 'growing' | 'mature' | 'lost'

/** What is new about the pool's blocks. */
export interface BlockNews {
  readonly type: 'found' | 'lost' | 'matured'
  readonly block: BlockSight
}

/**
 * The pool's blocks from their find to maturity. What was there at the first look is nobody's news, but what becomes of it is; and of those
 * that were followed before this start what has become of them meanwhile.
 */
export class PoolBlocks {
  readonly #known = new Map<string, Known>()
  #isFirst = true
  /** Heights of which a find was told: of several blocks at one height one at most stays. */
  readonly #foundAt = new Set<number>()

  /** @param growing hashes of those that were followed before this start */
  constructor(growing: readonly string[] = []) {
    for (const hash of growing) this.#known.set(hash, 'growing')
  }

  /** Hashes of those that are neither lost nor a hundred blocks deep yet. */
  get growing(): readonly string[] {
    return [...this.#known].flatMap(([hash, known]) => (known === 'growing' ? [hash] : []))
  }

  look({ blocks, bitcoinHeight }: Pick<Sight, 'blocks' | 'bitcoinHeight'>): readonly BlockNews[] {
    const news: BlockNews[] = []
    for (const block of [...blocks].sort((a, b) => a.bitcoinHeight - b.bitcoinHeight)) {
      const before = this.#known.get(block.hash)
      const now = before === 'mature' ? 'mature' : stateOf(block, bitcoinHeight)
      if (before === now) continue
      // Until the bitcoin node has told its height nothing is known of what is mature at the start.
      if (this.#isFirst && bitcoinHeight === null) return []
      this.#known.set(block.hash, now)
      if (this.#known.size > MAX_FOLLOWED) this.#known.delete(this.#known.keys().next().value as string)
      if (this.#isFirst && before === undefined) continue
      if (before === undefined && now !== 'lost') {
        if (!this.#foundAt.has(block.bitcoinHeight)) news.push({ type: 'found', block })
        this.#foundAt.add(block.bitcoinHeight)
        if (this.#foundAt.size > MAX_FOLLOWED) this.#foundAt.delete(this.#foundAt.keys().next().value as number)
      } else if (now === 'lost') {
        this.#foundAt.delete(block.bitcoinHeight)
        news.push({ type: 'lost', block })
      } else if (now === 'mature') news.push({ type: 'matured', block })
      // Otherwise it was lost and is back in the best chain: found once more.
      else news.push({ type: 'found', block })
    }
    this.#isFirst = false
    return news
  }
}

function stateOf({ state, bitcoinHeight }: BlockSight, tipHeight: number | null): Known {
  if (state === 'lost') return 'lost'
  return tipHeight !== null && tipHeight - bitcoinHeight + 1 >= MATURE_CONFIRMATIONS ? 'mature' : 'growing'
}
