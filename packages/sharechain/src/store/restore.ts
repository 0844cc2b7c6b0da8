import { isRuleCode, RULES_VERSION, type RuleCode } from '@p2poolv2/consensus'
import type { Height, ShareHash } from '@p2poolv2/primitives'
import { CodecError } from '@p2poolv2/primitives'
import type { Intake } from '../admission/intake.ts'
import type { Validator } from '../admission/validator.ts'
import type { Organiser } from '../chains/organise.ts'
import { type HeaderIndex, NO_SLOT, type Slot } from '../tree/header-index.ts'
import { KEY_PREFIX, parseIndexKey } from './keys.ts'
import { decodeIndexRow, decodeState, type IndexRow, type StateRow } from './records.ts'
import { unsealed } from './seal.ts'
import type { StoredRow } from './share-store.ts'

/** The stored chain contradicts itself. The message says what is broken and what to do. */
export class StoreCorrupt extends Error {
  readonly code = 'store-corrupt'

  constructor(what: string) {
    super(
      `The stored share chain is damaged: ${what}. Move the store's directory away and start again: ` +
        'the node fetches the share chain from its peers. Found blocks are on the bitcoin chain and are not lost.'
    )
    this.name = 'StoreCorrupt'
  }
}

/** Fills an index from stored rows: the state first, then shares by rising height. */
export class Restorer {
  readonly #index: HeaderIndex
  readonly #organiser: Organiser
  readonly #validator: Validator
  readonly #intake: Intake
  #state: StateRow | null = null
  #rows = 0
  #lastHeight: Height = 0

  constructor(parts: { index: HeaderIndex; organiser: Organiser; validator: Validator; intake: Intake }) {
    this.#intake = parts.intake
    this.#index = parts.index
    this.#organiser = parts.organiser
    this.#validator = parts.validator
  }

  /** @throws StoreCorrupt */
  row(row: StoredRow): void {
    try {
      if (row.key[0] === KEY_PREFIX.state) this.#state = decodeState(unsealed(row))
      else this.#share(row)
    } catch (error) {
      if (error instanceof CodecError) throw new StoreCorrupt(`a row cannot be read (${error.message})`)
      throw error
    }
  }

  /**
   * Takes over the two chains.
   * @returns the state the store was left in, or null when there were no rows at all
   * @throws StoreCorrupt
   */
  finish(): StateRow | null {
    const state = this.#state
    if (state === null) {
      if (this.#rows > 0) throw new StoreCorrupt('there are shares but no record of the chain’s tips')
      return null
    }
    if (this.#rows === 0) throw new StoreCorrupt('there is a record of the chain’s tips but no share')
    const confirmed = this.#tip(state.confirmedTip)
    const candidate = this.#tip(state.candidateTip)
    if (this.#index.work(candidate) < this.#index.work(confirmed)) {
      throw new StoreCorrupt('the candidate chain is lighter than the confirmed one')
    }
    this.#organiser.restore({ confirmed, candidate, uncleCount: state.uncleCount })
    return state
  }

  #share(stored: StoredRow): void {
    const at = parseIndexKey(stored.key)
    if (at === null) throw new StoreCorrupt('a key has no known form')
    const { height, hash } = at
    const row = decodeIndexRow(unsealed(stored))
    this.#rows++
    if (height < this.#lastHeight) throw new StoreCorrupt('shares do not come by rising height')
    this.#lastHeight = height
    if (height === 0) {
      if (hash !== this.#index.hash(0)) throw new StoreCorrupt(`it begins with ${hash}, another genesis`)
      return
    }
    const slot = this.#insert(hash, height, row)
    if (this.#index.height(slot) !== height) throw new StoreCorrupt(`share ${hash} is at the wrong height`)
    if (this.#index.work(slot) !== row.chainWork) throw new StoreCorrupt(`the work of share ${hash} does not add up`)
    const verdict = this.#verdict(slot, row)
    if (verdict !== null) this.#index.condemn(slot, verdict)
    else this.#index.setValidity(slot, row.validity === 'blockValid' ? 'blockValid' : 'headerValid')
    if (verdict === 'share-time-future') this.#intake.restoreHeld(slot)
    if (row.contextSkipped) this.#index.setContextSkipped(slot, 'skipped')
    if (row.scriptsUnchecked) this.#index.setScriptsUnchecked(slot)
    this.#index.setPadding(slot, row.padding)
    if (!row.hasBody) {
      this.#intake.restoreBodyless(slot)
      return
    }
    this.#index.setBody(slot, row.bodyBytes)
    if (this.#index.validity(slot) === 'headerValid') this.#validator.restoreUnjudged(slot)
  }

  /**
   * Why a stored share is invalid, or null. What other rules refused is open again, with what they refused because of it: its
   * body is judged anew, or fetched if it was never here.
   */
  #verdict(slot: Slot, row: IndexRow): RuleCode | null {
    if (row.validity !== 'invalid') return null
    const parent = this.#index.prevSlot(slot)
    const isOurs = row.rulesVersion === RULES_VERSION && isRuleCode(row.verdict)
    // Whether its parent was invalid nobody can say any more.
    if (parent === NO_SLOT) return isOurs ? row.verdict : 'share-parent-invalid'
    const isLost = this.#index.validity(parent) === 'invalid'
    if (isOurs && (isLost || row.verdict !== 'share-parent-invalid')) return row.verdict
    return isLost ? 'share-parent-invalid' : null
  }

  #insert(hash: ShareHash, height: Height, row: IndexRow): number {
    const index = this.#index
    if (index.has(hash)) throw new StoreCorrupt(`share ${hash} is stored twice`)
    const entry = { hash, ...row }
    if (index.has(row.prevHash)) return index.insert(entry)
    // Only the lowest shares kept may have lost their parent.
    const isLowest = height > 1 && (index.size === 1 || height === index.lowestHeight)
    if (!isLowest) throw new StoreCorrupt(`the parent of share ${hash} at height ${height} is missing`)
    return index.insertRoot(entry, height, row.chainWork)
  }

  #tip(hash: ShareHash): number {
    const slot = this.#index.slotOf(hash)
    if (slot === NO_SLOT) throw new StoreCorrupt(`the tip ${hash} is not among the shares`)
    if (this.#index.validity(slot) === 'invalid') throw new StoreCorrupt(`the tip ${hash} is marked invalid`)
    return slot
  }
}
