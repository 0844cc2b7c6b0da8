import { type BlockTemplate, foldBranch, type TemplateTransaction } from '@p2poolv2/bitcoin'
import { bytesToHex, concatBytes, invariant, type Sha256d, sha256d } from '@p2poolv2/primitives'
import type { PeerId } from '../network-port.ts'
import { templateId } from '../wire/template-messages.ts'

/** Templates kept; at the cap the oldest goes, our newest last. */
export const MAX_TEMPLATES = 64
/** Of our own: as many as miners may still have jobs of. */
export const MAX_OWN_TEMPLATES = 8
/** Of one peer; at the cap its oldest goes, so that no peer can fill the book. */
export const MAX_TEMPLATES_PER_PEER = 4
/** Bytes of transactions in all, each counted once; at the cap the oldest templates go. Four full blocks and more. */
export const MAX_BOOK_BYTES = 24 * 1_048_576

/** A template all of whose transactions are here. */
export interface BookTemplate {
  /** Hex of `branchKey`, the key of the book. */
  readonly key: string
  /** 32 bytes: what ties a share to this template, see `branchKeyOf`. */
  readonly branchKey: Uint8Array
  /** 32 bytes: the name of the list, see `templateId`. */
  readonly id: Uint8Array
  readonly bitcoinHeight: number
  /** 32 bytes each, wire order, concatenated. */
  readonly wtxids: Uint8Array
  readonly transactions: readonly TemplateTransaction[]
  readonly owner: 'own' | { readonly peer: PeerId }
}

export interface BookLimits {
  readonly maxTemplates: number
  readonly maxOwn: number
  readonly maxPerPeer: number
  readonly maxBytes: number
}

const DEFAULT_LIMITS: BookLimits = {
  maxTemplates: MAX_TEMPLATES,
  maxOwn: MAX_OWN_TEMPLATES,
  maxPerPeer: MAX_TEMPLATES_PER_PEER,
  maxBytes: MAX_BOOK_BYTES
}

/** Names a merkle branch: its fold over 32 zero bytes. Every share carries its branch, so this ties it to a template. */
export function branchKeyOf(merkleBranch: Uint8Array): Uint8Array {
  return foldBranch(new Uint8Array(32), merkleBranch)
}

interface Counted {
  readonly transaction: TemplateTransaction
  templates: number
}

/** Templates of ours and of peers with all their transactions, each transaction kept once however many templates have it. */
export class TemplateBook {
  readonly #limits: BookLimits
  readonly #sha256d: Sha256d
  /** Oldest first. */
  readonly #templates = new Map<string, BookTemplate>()
  readonly #transactions = new Map<string, Counted>()
  #bytes = 0
  #newestOwn: BookTemplate | null = null

  constructor(options: { readonly limits?: BookLimits; readonly sha256d?: Sha256d } = {}) {
    this.#limits = options.limits ?? DEFAULT_LIMITS
    this.#sha256d = options.sha256d ?? sha256d
  }

  get size(): number {
    return this.#templates.size
  }

  /** Of transactions, each counted once. */
  get bytes(): number {
    return this.#bytes
  }

  get newestOwn(): BookTemplate | null {
    return this.#newestOwn
  }

  find(key: string): BookTemplate | undefined {
    return this.#templates.get(key)
  }

  /** The template whose list has this name. */
  withId(id: Uint8Array): BookTemplate | undefined {
    const text = bytesToHex(id)
    for (const template of this.#templates.values()) if (bytesToHex(template.id) === text) return template
    return undefined
  }

  /** The newest template this peer gave. */
  newestOf(peer: PeerId): BookTemplate | undefined {
    return this.#ofPeer(peer).at(-1)
  }

  /** @param wtxid hex, wire order */
  transaction(wtxid: string): TemplateTransaction | undefined {
    return this.#transactions.get(wtxid)?.transaction
  }

  addOwn(template: BlockTemplate): BookTemplate {
    const added = this.#add({
      branchKey: branchKeyOf(template.merkleBranch),
      bitcoinHeight: template.bitcoinHeight,
      transactions: template.transactions,
      owner: 'own'
    })
    this.#newestOwn = added
    this.#trim()
    return added
  }

  /** A peer's template, complete and checked. One that is here already stays as it is. */
  addPeers(peer: PeerId, template: Pick<BookTemplate, 'branchKey' | 'bitcoinHeight' | 'transactions'>): void {
    if (this.#templates.has(bytesToHex(template.branchKey))) return
    this.#add({ ...template, owner: { peer } })
    this.#trim()
  }

  /** Drops templates of blocks that are history. */
  dropBelow(bitcoinHeight: number): void {
    for (const template of this.#templates.values()) {
      if (template.bitcoinHeight < bitcoinHeight && template !== this.#newestOwn) this.#remove(template)
    }
  }

  checkInvariants(): void {
    const counts = new Map<string, number>()
    for (const [key, template] of this.#templates) {
      invariant(bytesToHex(template.branchKey) === key && template.key === key, 'a template is listed under its key')
      for (const transaction of template.transactions) {
        const wtxid = bytesToHex(transaction.wtxidWire)
        counts.set(wtxid, (counts.get(wtxid) ?? 0) + 1)
      }
    }
    let bytes = 0
    for (const [wtxid, { transaction, templates }] of this.#transactions) {
      invariant(counts.get(wtxid) === templates, 'the templates of a transaction are counted')
      bytes += bytesOf(transaction)
    }
    invariant(counts.size === this.#transactions.size && bytes === this.#bytes, 'every transaction is counted once')
    const alone = this.#templates.size === 1
    invariant(alone || bytes <= this.#limits.maxBytes, 'the book is within its bytes')
    invariant(this.#templates.size <= this.#limits.maxTemplates, 'the book is within its templates')
    invariant(this.#own().length <= this.#limits.maxOwn, 'own templates are within their cap')
    invariant(
      this.#newestOwn === null || this.#templates.get(this.#newestOwn.key) === this.#newestOwn,
      'our newest template is kept'
    )
  }

  #add(given: Pick<BookTemplate, 'branchKey' | 'bitcoinHeight' | 'transactions' | 'owner'>): BookTemplate {
    const key = bytesToHex(given.branchKey)
    const known = this.#templates.get(key)
    const wtxids = concatBytes(...given.transactions.map(transaction => transaction.wtxidWire))
    const transactions = given.transactions.map(transaction => this.#count(transaction))
    const template = { ...given, key, id: templateId(wtxids, this.#sha256d), wtxids, transactions }
    // The transactions of the one it replaces are given back only now, so that those they share stay.
    if (known !== undefined) this.#remove(known)
    this.#templates.set(key, template)
    return template
  }

  #count(transaction: TemplateTransaction): TemplateTransaction {
    const wtxid = bytesToHex(transaction.wtxidWire)
    const known = this.#transactions.get(wtxid)
    if (known !== undefined) {
      known.templates++
      return known.transaction
    }
    this.#transactions.set(wtxid, { transaction, templates: 1 })
    this.#bytes += bytesOf(transaction)
    return transaction
  }

  #trim(): void {
    const newest = [...this.#templates.values()].at(-1)
    if (newest !== undefined) {
      const { owner } = newest
      const same = owner === 'own' ? this.#own() : this.#ofPeer(owner.peer)
      const surplus = same.length - (owner === 'own' ? this.#limits.maxOwn : this.#limits.maxPerPeer)
      for (const template of same.slice(0, Math.max(0, surplus))) this.#remove(template)
    }
    for (const template of this.#templates.values()) {
      if (this.#templates.size <= this.#limits.maxTemplates && this.#bytes <= this.#limits.maxBytes) return
      if (template !== this.#newestOwn) this.#remove(template)
    }
  }

  #remove(template: BookTemplate): void {
    this.#templates.delete(template.key)
    for (const { wtxidWire } of template.transactions) {
      const wtxid = bytesToHex(wtxidWire)
      const counted = this.#transactions.get(wtxid)
      invariant(counted !== undefined, 'a template’s transactions are here')
      counted.templates--
      if (counted.templates > 0) continue
      this.#transactions.delete(wtxid)
      this.#bytes -= bytesOf(counted.transaction)
    }
  }

  /** Oldest first. */
  #own(): BookTemplate[] {
    return [...this.#templates.values()].filter(({ owner }) => owner === 'own')
  }

  /** Oldest first. */
  #ofPeer(peer: PeerId): BookTemplate[] {
    return [...this.#templates.values()].filter(({ owner }) => owner !== 'own' && owner.peer === peer)
  }
}

function bytesOf(transaction: TemplateTransaction): number {
  return transaction.dataHex.length / 2
}
