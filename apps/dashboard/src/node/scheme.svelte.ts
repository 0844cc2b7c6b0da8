/** What the reader chose; `auto` follows the system. */
export type Scheme = 'auto' | 'light' | 'dark'

const KEY = 'p2poolv2-scheme'
const NEXT: Readonly<Record<Scheme, Scheme>> = { auto: 'light', light: 'dark', dark: 'auto' }

class PageScheme {
  chosen = $state<Scheme>('auto')
  #systemDark = $state(false)

  get shown(): 'light' | 'dark' {
    return this.chosen === 'auto' ? (this.#systemDark ? 'dark' : 'light') : this.chosen
  }

  /** @returns how to stop following the system */
  start(): () => void {
    const system = matchMedia('(prefers-color-scheme: dark)')
    const follow = (): void => {
      this.#systemDark = system.matches
    }
    follow()
    system.addEventListener('change', follow)
    const kept = readKept()
    if (kept === 'light' || kept === 'dark') this.#choose(kept)
    return () => system.removeEventListener('change', follow)
  }

  next(): void {
    this.#choose(NEXT[this.chosen])
  }

  #choose(scheme: Scheme): void {
    this.chosen = scheme
    document.documentElement.dataset['scheme'] = scheme
    keep(scheme)
  }
}

/** A browser may forbid storage: then the choice lasts as long as the page. */
function readKept(): string | null {
  try {
    return localStorage.getItem(KEY)
  } catch {
    return null
  }
}

function keep(scheme: Scheme): void {
  try {
    localStorage.setItem(KEY, scheme)
  } catch {
    // See above.
  }
}

export const pageScheme = new PageScheme()
