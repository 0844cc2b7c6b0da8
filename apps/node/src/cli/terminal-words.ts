/** Paths of the API that a command asks, as a sentence of a node names them. */
const ASKED_BY_COMMANDS = /\/v1\/(blocks|connect|earnings|peers|shares|status|window|workers)\b(?!\/)/g

/** What a node says to whoever asks it, for a reader at a terminal: with the command where it names a path of its API. */
export function terminalWords(text: string): string {
  return text.replace(ASKED_BY_COMMANDS, './p2poolv2 $1')
}
