/** How every text of pushed work begins; no reply begins so. */
const PUSHED = '{"id":null,"method":"mining.'
const SET_DIFFICULTY = '{"id":null,"method":"mining.set_difficulty"'
const NOT_CLEAN = ',false]}\n'
const CLEAN = ',true]}\n'

/** Whether a session's text is work and nothing else: a notify, with or without a set_difficulty before it. */
export function isWorkText(text: string): boolean {
  return text.startsWith(PUSHED)
}

/**
 * One work in place of two that were not written yet: the newer job, with the last difficulty said, and clean if either
 * of them was. For sockets that drain too slowly.
 * @param older, newer each an `isWorkText`, as a session sends it
 */
export function newestWork(older: string, newer: string): string {
  const difficulty = newer.startsWith(SET_DIFFICULTY) ? '' : difficultyLineOf(older)
  const isCleanLost = older.endsWith(CLEAN) && newer.endsWith(NOT_CLEAN)
  return difficulty + (isCleanLost ? newer.slice(0, -NOT_CLEAN.length) + CLEAN : newer)
}

function difficultyLineOf(text: string): string {
  return text.startsWith(SET_DIFFICULTY) ? text.slice(0, text.indexOf('\n') + 1) : ''
}
