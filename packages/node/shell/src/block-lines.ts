import type { NodeFact } from '@p2poolv2/node'
import type { BlockHash } from '@p2poolv2/primitives'
import { type Log, MESSAGES } from '@p2poolv2/runtime'
import { type FactLog, fieldsOf } from './fact-log.ts'

type FactOf<T extends NodeFact['type']> = Extract<NodeFact, { type: T }>

/** Who found a block is seldom the one it pays: the lines say which. */
const FOUND_LINES = {
  finder: 'BLOCK FOUND: it pays the miners of the window, finderSats of it to the one that found it',
  others: 'BLOCK FOUND: it pays the miners of the window, of whom the one that found it is none yet',
  nobody: 'BLOCK FOUND: lostSats of it go to the key of the genesis share, which nobody has'
} as const

/** Not a find of its own: it says nothing of what comes in. */
const ANOTHER_FOUND =
  'another block of ours on the same parent: one of them at most can be in the chain, and further ones are told at level debug'

/** What is said of a block that stayed. */
const GOOD_FATES = {
  'in-chain': "a block of the pool is in bitcoin's chain",
  mature: 'a block of the pool is a hundred blocks deep: what it paid may be spent'
} as const

const NO_MONEY = 'another block was there first, which costs nothing: coins of this chain are worth nothing'
const OF_ANOTHER =
  'a block that another node found came second at our bitcoin node: whether it is in the chain is for its finder to say'

/** Blocks put together here that other nodes had found; their answers come within an hour. At the cap the oldest is taken for one of ours. */
export const MAX_OTHERS_BLOCKS = 128

export interface BlockLinesDeps {
  readonly log: Log
  readonly facts: FactLog
  /** Not on a test network or a development chain, where a lost block is no loss. */
  readonly areCoinsReal: boolean
}

/** The log's lines of bitcoin blocks: whose a block is, and whether there is anything to lose by it. */
export class BlockLines {
  readonly #deps: BlockLinesDeps
  readonly #others = new Set<BlockHash>()

  constructor(deps: BlockLinesDeps) {
    this.#deps = deps
  }

  /** Told once of a parent, and once that there are more. */
  found(fact: FactOf<'blockFound'>): void {
    const { log } = this.#deps
    const { payoutAddress, worker, lostSats, ...rest } = fieldsOf(fact)
    const paid = whoIsPaid(fact)
    // A part of it goes there for as long as the genesis share is in the window, which frightens nobody by another name.
    const genesis = paid === 'nobody' ? { lostSats } : fact.lostSats > 0n ? { toGenesisKeySats: lostSats } : {}
    const fields = { ...this.#coins(), ...rest, ...genesis, foundBy: payoutAddress, foundByWorker: worker }
    if (fact.siblingsBefore === 0) log.info(fields, FOUND_LINES[paid])
    else if (fact.siblingsBefore === 1) log.info(fields, ANOTHER_FOUND)
    else log.debug(fields, ANOTHER_FOUND)
  }

  /** A block of another node was put together here: what our bitcoin nodes answer to it is about that node's block. */
  rebuilt(blockHash: BlockHash): void {
    this.#others.add(blockHash)
    const [oldest] = this.#others
    if (this.#others.size > MAX_OTHERS_BLOCKS && oldest !== undefined) this.#others.delete(oldest)
  }

  answered(fact: FactOf<'blockResult'>): void {
    const { log, facts, areCoinsReal } = this.#deps
    const isOthers = this.#others.has(fact.blockHash)
    const whose = { foundBy: isOthers ? 'another node' : 'this node' }
    if (fact.result === 'superseded')
      facts.info(fact, 'a found block gave way to another one of ours on the same parent')
    else if (fact.result === 'lost-race') {
      if (isOthers) facts.info(fact, OF_ANOTHER, whose)
      else if (!areCoinsReal) facts.info(fact, NO_MONEY, whose)
      else facts.warn(fact, MESSAGES.blockLostRace, whose)
    } else if (fact.result === 'accepted' || fact.result === 'duplicate')
      log.info({ ...whose, ...fieldsOf(fact) }, 'a bitcoin node answered to a found block')
    else log.warn(MESSAGES.blockNotTaken, { ...whose, ...fieldsOf(fact) })
  }

  fate(fact: FactOf<'blockFate'>): void {
    const { facts, areCoinsReal } = this.#deps
    const { fate } = fact
    if (fate === 'in-chain' || fate === 'mature') facts.info(fact, GOOD_FATES[fate])
    else if (!areCoinsReal) facts.info(fact, NO_MONEY)
    else facts.warn(fact, fate === 'orphaned' ? MESSAGES.blockOrphaned : MESSAGES.blockRaceLost)
  }

  #coins(): { readonly coins?: string } {
    return this.#deps.areCoinsReal ? {} : { coins: 'worth nothing' }
  }
}

/** The key of the genesis share is named where it gets most: a little goes to it for as long as that share is in the window. */
function whoIsPaid({ finderSats, lostSats, valueSats }: FactOf<'blockFound'>): keyof typeof FOUND_LINES {
  if (lostSats * 2n > valueSats) return 'nobody'
  return finderSats > 0n ? 'finder' : 'others'
}
