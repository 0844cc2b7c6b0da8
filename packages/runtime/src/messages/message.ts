declare const listed: unique symbol

/**
 * Something the log says that its reader should act on or know the price of. There is one table of them: nothing else can be
 * logged as a warning or an error.
 */
export interface Message<L extends 'warn' | 'error' = 'warn' | 'error'> {
  /** `P2P-` and four digits, the first two of its group. Never given to another message, also when this one is gone. */
  readonly id: string
  readonly level: L
  /** The sentence of the log line; what varies is in the line's fields. */
  readonly says: string
  /** What brings it about. */
  readonly cause: string
  /** What it costs whoever mines here. */
  readonly cost: string
  /** What to do. */
  readonly fix: string
  readonly [listed]: true
}

type Words = Pick<Message, 'id' | 'says' | 'cause' | 'cost' | 'fix'>

/** A row of the table: the node goes on. */
export function warning(words: Words): Message<'warn'> {
  return { level: 'warn', ...words } as Message<'warn'>
}

/** A row of the table: something is lost, or the node ends. */
export function failure(words: Words): Message<'error'> {
  return { level: 'error', ...words } as Message<'error'>
}
