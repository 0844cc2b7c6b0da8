/** Kinds of what says whose computer it is, each with what it looks like in a text. */
const TRACES: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ['invite', /\bp2join[a-z0-9]*1[02-9ac-hj-np-z]{30,}\b/gi],
  ['address', /\b(?:bc|tb|bcrt|p2pool|tp2pool|sp2pool|rp2pool)1[02-9ac-hj-np-z]{25,90}\b/gi],
  // Base58: an address has 26 to 35 characters.
  ['address', /\b[13mn2][1-9A-HJ-NP-Za-km-z]{25,34}\b/g],
  ['host', /(?<=\/dns(?:4|6|addr)?\/)[^/\s"]+/gi],
  // A name of a computer in a URL; addresses are found below.
  ['host', /(?<=\b(?:https?|tcp):\/\/(?:[^\s/@"]*@)?)(?!localhost\b)[a-z0-9-]*[a-z][a-z0-9.-]*(?=[:/\s"\\]|$)/gi],
  ['onion', /\b[a-z2-7]{56}(?:\.onion)?\b/gi],
  ['peer', /\b(?:12D3KooW|16Uiu2HA)[1-9A-HJ-NP-Za-km-z]{30,60}\b/g],
  ['ip', /\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b/g],
  [
    'ip',
    /\b(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{0,4}(?:::?[0-9a-f]{1,4})*\b|\b(?:[0-9a-f]{1,4}:)+:(?:[0-9a-f]{1,4}:)*[0-9a-f]{1,4}\b/gi
  ]
]

/** Addresses of no computer in particular. */
const ANYBODY = /^(?:127\.|0\.0\.0\.0$|255\.|::1?$)/
/** Different ones told apart; beyond it all others are one. */
const MAX_NAMES = 10_000
/** Names given that are looked for, the longest first; those of one or two characters say nothing of anybody, and stand in every word. */
const MAX_GIVEN = 1_000
const SHORTEST_GIVEN = 3
/** What the program itself is called by. */
const OURS = /^(?:built-in-\d+|localhost|p2poolv2)$/i

/**
 * Replaces what identifies people by names that stay the same throughout: whoever reads it sees which address is which, and not
 * whose. Bitcoin and share-chain addresses, IP addresses, onion services, peer ids, invites, names of hosts, the name of this computer and of
 * its user, and names that are given: of machines and those whom their owners call them by.
 */
export class Redaction {
  readonly #names = new Map<string, string>()
  readonly #counts = new Map<string, number>()
  readonly #own: readonly (readonly [text: string, name: string])[]

  readonly #given: RegExp | null

  /**
   * @param own texts that say whose computer this is, the longest first, and what stands in their place
   * @param given names of machines, in any order; replaced where they stand as words
   */
  constructor(own: readonly (readonly [text: string, name: string])[], given: readonly string[] = []) {
    this.#own = own.filter(([text]) => text.length > 2)
    this.#given = wordsOf(given)
  }

  apply(text: string): string {
    const withoutOwn = this.#own.reduce((rest, [own, name]) => rest.replaceAll(own, name), text)
    const withoutTraces = TRACES.reduce(
      (rest, [kind, pattern]) =>
        rest.replace(pattern, found => (ANYBODY.test(found) ? found : this.#name(kind, found))),
      withoutOwn
    )
    return this.#given === null ? withoutTraces : withoutTraces.replace(this.#given, found => this.#name('name', found))
  }

  /** How many of each kind were replaced. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts
  }

  #name(kind: string, found: string): string {
    const known = this.#names.get(found)
    if (known !== undefined) return known
    if (this.#names.size >= MAX_NAMES) return `${kind}-other`
    const number = (this.#counts.get(kind) ?? 0) + 1
    this.#counts.set(kind, number)
    const name = `${kind}-${number}`
    this.#names.set(found, name)
    return name
  }
}

/** Not where they are the key of a value: a machine may be called as one is. */
function wordsOf(names: readonly string[]): RegExp | null {
  const wanted = [...new Set(names)].filter(name => name.trim().length >= SHORTEST_GIVEN && !OURS.test(name))
  const longestFirst = wanted.toSorted((a, b) => b.length - a.length).slice(0, MAX_GIVEN)
  if (longestFirst.length === 0) return null
  const either = longestFirst.map(name => name.replace(/[^A-Za-z0-9_]/g, '\\$&')).join('|')
  return new RegExp(`(?<![A-Za-z0-9])(?:${either})(?![A-Za-z0-9]|\\\\?":)`, 'g')
}
