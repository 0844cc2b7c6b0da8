import type { TemplateTransaction } from '@p2poolv2/bitcoin'
import { bytesToHex } from '@p2poolv2/primitives'
import type { BookLimits } from '../templates/book.ts'

export interface NaiveTemplate {
  readonly key: string
  readonly owner: string
  readonly bitcoinHeight: number
  readonly transactions: readonly TemplateTransaction[]
}

/** The template book as one list, with everything counted anew each time. The owner of our own is `own`. */
export class NaiveBook {
  readonly #limits: BookLimits
  templates: NaiveTemplate[] = []
  newestOwn: string | null = null

  constructor(limits: BookLimits) {
    this.#limits = limits
  }

  get bytes(): number {
    const sizes = new Map<string, number>()
    for (const { transactions } of this.templates) {
      for (const { wtxidWire, dataHex } of transactions) sizes.set(bytesToHex(wtxidWire), dataHex.length / 2)
    }
    return [...sizes.values()].reduce((sum, size) => sum + size, 0)
  }

  add(template: NaiveTemplate): void {
    const { key, owner } = template
    if (owner !== 'own' && this.templates.some(other => other.key === key)) return
    this.templates = [...this.templates.filter(other => other.key !== key), template]
    if (owner === 'own') this.newestOwn = key
    const cap = owner === 'own' ? this.#limits.maxOwn : this.#limits.maxPerPeer
    while (this.templates.filter(other => other.owner === owner).length > cap) {
      this.#drop(this.templates.find(other => other.owner === owner)?.key)
    }
    while (this.#isTooMuch()) {
      const oldest = this.templates.find(other => other.key !== this.newestOwn)
      if (oldest === undefined) return
      this.#drop(oldest.key)
    }
  }

  dropBelow(bitcoinHeight: number): void {
    this.templates = this.templates.filter(
      template => template.bitcoinHeight >= bitcoinHeight || template.key === this.newestOwn
    )
  }

  has(wtxid: string): boolean {
    return this.templates.some(({ transactions }) => transactions.some(t => bytesToHex(t.wtxidWire) === wtxid))
  }

  #isTooMuch(): boolean {
    return this.templates.length > this.#limits.maxTemplates || this.bytes > this.#limits.maxBytes
  }

  #drop(key: string | undefined): void {
    this.templates = this.templates.filter(template => template.key !== key)
  }
}
