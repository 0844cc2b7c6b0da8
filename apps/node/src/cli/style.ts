/** How words look on a terminal. Each takes text and gives it back as it is written. */
export interface Style {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly good: (text: string) => string
  readonly warn: (text: string) => string
  readonly bad: (text: string) => string
}

const asIs = (text: string): string => text
const sgr = (on: number, off: number) => (text: string) => `\u001b[${on}m${text}\u001b[${off}m`

/** Without colour. */
export const PLAIN: Style = { bold: asIs, dim: asIs, good: asIs, warn: asIs, bad: asIs }

/** ECMA-48 attributes that every terminal knows, so that its owner's palette decides. */
export const COLOURED: Style = {
  bold: sgr(1, 22),
  dim: sgr(2, 22),
  good: sgr(32, 39),
  warn: sgr(33, 39),
  bad: sgr(31, 39)
}

/** Colour on a terminal alone, and not where its owner says NO_COLOR (https://no-color.org). */
export function styleFor(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): Style {
  const isUnwanted = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb'
  return isTerminal && !isUnwanted ? COLOURED : PLAIN
}

// C0, DEL, C1 and the line and bidirectional controls.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** Text from a miner or a peer: none of it may move the cursor or forge a line. */
export function shown(text: string): string {
  return text.replace(UNPRINTABLE, '?')
}

/** What a view is drawn with. */
export interface Sheet {
  readonly style: Style
  /** Of the terminal; null where text is not cut: into a file or another program. */
  readonly columns: number | null
  readonly nowSec: number
}
