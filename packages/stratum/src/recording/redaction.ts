import { parseMessage } from '../v1/messages.ts'

/** Passwords say these of difficulty; they are kept, since what the node answers depends on them. */
const KEPT_PASSWORD_KEYS = /^(d|diff|md|th)=[\d.e+-]*$/i
/** What an address may look like, of bitcoin or of the share chain: nothing else of this length is in a miner's line. */
const ADDRESS = /[0-9a-zA-Z]{26,110}/g
/** Names kept apart; beyond it all further ones are replaced by the same. */
const MAX_NAMES = 1_024

/**
 * Takes out of one connection's lines what its owner may not want to show: passwords, addresses, what NiceHash signs. What is put in
 * their place has the same length and begins alike, and the same address always becomes the same, so a session reads the line as it
 * read the true one.
 *
 * The coinbases of jobs stay, since submits are judged by them: they have the scripts of all that a block would pay.
 */
export class Redaction {
  readonly #names = new Map<string, string>()

  /** A line of the miner, as text of one character a byte. */
  ofMiner(line: string): string {
    const message = parseMessage(Uint8Array.from(line, character => character.charCodeAt(0)))
    if (message.kind === 'not-json') return this.#withoutAddresses(withoutWords(line))
    if (message.kind !== 'request' || !Array.isArray(message.params)) return this.#withoutAddresses(line)
    const params = message.params as readonly unknown[]
    let shown = line
    if (message.method === 'mining.authorize') shown = this.#withoutPassword(line, params[1])
    if (message.method === 'mining.subscribe') {
      for (const param of params.slice(2)) shown = this.#hide(shown, param)
      // A session of ours has 16 digits and lives ten minutes; whatever is longer is somebody's key.
      if (typeof params[1] === 'string' && params[1].length > 16) shown = this.#hide(shown, params[1])
    }
    return this.#withoutAddresses(shown)
  }

  /** A line of the node's: it says again what the miner said. */
  ofNode(line: string): string {
    let shown = line
    for (const [name, stands] of this.#names) if (shown.includes(name)) shown = shown.replaceAll(name, stands)
    return shown
  }

  #withoutPassword(line: string, password: unknown): string {
    if (typeof password !== 'string') return line
    const shown = password
      .split(/([,; \t\r\n]+)/)
      .map(token => (token === 'x' || /^[,; \t\r\n]*$/.test(token) ? token : this.#passwordToken(token)))
      .join('')
    return inPlaceOf(line, password, shown)
  }

  #passwordToken(token: string): string {
    if (KEPT_PASSWORD_KEYS.test(token)) return token
    const equals = token.indexOf('=')
    if (token.slice(0, equals).toLowerCase() === 'p2p') return `p2p=${this.#withoutAddresses(token.slice(equals + 1))}`
    return 'x'.repeat(token.length)
  }

  #hide(line: string, value: unknown): string {
    return typeof value === 'string' && value.length > 8 ? inPlaceOf(line, value, '*'.repeat(value.length)) : line
  }

  #withoutAddresses(line: string): string {
    return line.replace(ADDRESS, name => {
      const known = this.#names.get(name)
      if (known !== undefined) return known
      const stands = standIn(name, Math.min(this.#names.size, MAX_NAMES))
      if (this.#names.size < MAX_NAMES) this.#names.set(name, stands)
      return stands
    })
  }
}

/** Of the same length, with the same four characters first: they say of which kind an address is. */
function standIn(name: string, number: number): string {
  const tail = number.toString(36)
  return name.slice(0, 4) + 'q'.repeat(name.length - 4 - tail.length) + tail
}

/** What is not JSON is answered alike whatever its words are. */
function withoutWords(line: string): string {
  return line.replace(/[0-9a-zA-Z\u0080-\u00ff]{5,}/g, word => 'x'.repeat(word.length))
}

/** Replaces a string within JSON text, whichever way its characters are written. */
function inPlaceOf(line: string, value: string, stands: string): string {
  const quoted = JSON.stringify(value)
  if (line.includes(quoted)) return line.replace(quoted, () => JSON.stringify(stands))
  // Written with escapes of the miner's choice: said again in ours.
  const replaced = (part: unknown): unknown => (part === value ? stands : part)
  const json = JSON.parse(line) as { readonly params?: unknown }
  const params = (Array.isArray(json.params) ? json.params : []).map(replaced)
  return JSON.stringify({ ...json, params })
}
