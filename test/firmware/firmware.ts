/** One request as a make of firmware writes it. */
export interface Request {
  readonly what: 'configure' | 'subscribe' | 'authorize' | 'suggest' | 'extranonce' | 'other'
  readonly id: number | string
  /** The whole line without its end. */
  readonly line: (device: Login) => string
  /** Default true. */
  readonly isAnswered?: boolean
}

/** What a device puts into its login. */
export interface Login {
  readonly user: string
  readonly password: string
  /** Session of its last connection, or null. */
  readonly session: string | null
  /** What it says in `minimum-difficulty.value`, if it says one: it holds whatever anybody can mine. */
  readonly minimumDifficulty: number
}

/** A make of firmware, as far as a server can tell: what it says, how it reads, and how long it waits. Source: stratum §1.5 to §8. */
export interface Firmware {
  readonly name: string
  /** Writes, one after the other; before the next one all answers of the one before are awaited. */
  readonly login: readonly (readonly Request[])[]
  /** Said once when the login is done. */
  readonly afterLogin?: readonly Request[]
  /**
   * Whose answer it takes a line for. `by-id`: the line's id says it. `by-place`: while it waits, the next line is the answer to the oldest
   * question, whatever it is. `loop`: so for configure and subscribe; while it authorises it also bears what it knows.
   */
  readonly reads: 'by-id' | 'by-place' | 'loop'
  /** `whole`: reads a difficulty as an unsigned integer of 32 bits. */
  readonly difficulties: 'whole' | 'floating'
  /** When a new difficulty counts. `at-once`: also for the work it has. */
  readonly counts: 'next-job' | 'at-once'
  /** Longest line it can read, and largest coinbase it can hold; null for none that is known. */
  readonly maxLineBytes: number | null
  readonly maxCoinbaseBytes: number | null
  readonly submit: {
    /** Version bits to roll, as sent; null where it sends five parameters. */
    readonly versionBits: string | null
    /** Whether a nonce is padded to eight digits. */
    readonly padsNonce: boolean
    /** `counts`: every submit has a new id. */
    readonly id: 'counts' | number
    /** As it writes a line. */
    readonly keys: 'id-first' | 'params-first' | 'id-last'
    readonly name: 'as-authorised' | 'address-alone'
    /** Always the same, or counted up. */
    readonly extranonce2: 'counts' | string
  }
  /** An answer to nothing counts as a share. */
  readonly countsStrayAnswers: boolean
  /** Silence after which it takes the pool for dead; null where it waits for ever. */
  readonly deadAfterMs: number | null
  /** A request that it repeats, and how often. */
  readonly repeats?: { readonly everyMs: number; readonly request: Request }
  /** How long it waits before it connects again. */
  readonly retryMs: number
  /** `obeys`: hangs up and connects again. `ignores`: knows no such thing. */
  readonly reconnect: 'obeys' | 'ignores'
  /** The second door, for those that want a high difficulty. */
  readonly door?: 1
  /** First difficulty on a real network. */
  readonly firstDifficulty: number
  /** Below this it is of no use. */
  readonly leastDifficulty: number
}

const json = (id: number | string, method: string, params: unknown): string => JSON.stringify({ id, method, params })

export const subscribe = (id: number, params: (login: Login) => readonly unknown[]): Request => ({
  what: 'subscribe',
  id,
  line: login => json(id, 'mining.subscribe', params(login))
})

export const authorize = (id: number | string): Request => ({
  what: 'authorize',
  id,
  line: ({ user, password }) => json(id, 'mining.authorize', [user, password])
})

export const configure = (
  id: number,
  extensions: readonly string[],
  values: (login: Login) => Readonly<Record<string, unknown>>
): Request => ({
  what: 'configure',
  id,
  line: login => json(id, 'mining.configure', [extensions, values(login)])
})

export const suggest = (id: number, difficulty: unknown): Request => ({
  what: 'suggest',
  id,
  line: () => json(id, 'mining.suggest_difficulty', difficulty),
  isAnswered: false
})

export const subscribeExtranonce = (id: number): Request => ({
  what: 'extranonce',
  id,
  line: () => json(id, 'mining.extranonce.subscribe', [])
})

/** As it stands. */
export const silent = (id: number, method: string, params: readonly unknown[]): Request => ({
  what: 'other',
  id,
  line: () => json(id, method, params),
  isAnswered: false
})

/** The same request with its members in another order, as cgminer and NerdMiner print it. */
export const paramsFirst = ({ line, ...request }: Request): Request => ({
  ...request,
  line: login => {
    const { id, method, params } = JSON.parse(line(login)) as { id: unknown; method: unknown; params: unknown }
    return JSON.stringify({ params, id, method })
  }
})

/** With the session of the last connection, if there was one. */
export const withSession =
  (agent: string) =>
  ({ session }: Login): readonly unknown[] =>
    session === null ? [agent] : [agent, session]
