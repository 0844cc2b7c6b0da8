import { type Sheet, shown } from './style.ts'

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** May be cut where the terminal is narrow; the widest goes first. */
  readonly cut?: 'end' | 'middle'
}

/** Text, or text with a look. */
export type Cell = string | { readonly text: string; readonly look: (text: string) => string }

const GAP = '  '
/** A column is not cut below it. */
const LEAST_WIDTH = 8

/** Rows under titles, aligned; no wider than the terminal as far as columns may be cut. Control characters do not get through. */
export function textTable(columns: readonly Column[], rows: readonly (readonly Cell[])[], sheet: Sheet): string[] {
  const texts = rows.map(row => columns.map((_, i) => shown(textOf(row[i] ?? ''))))
  const widths = columns.map(({ title }, i) => Math.max(lengthOf(title), ...texts.map(row => lengthOf(row[i] ?? ''))))
  narrow(columns, widths, sheet.columns)
  const line = (cells: readonly string[], look: (text: string, column: number) => string): string =>
    cells
      .map((text, i) => {
        const width = widths[i] ?? 0
        const fitting = cutTo(text, width, columns[i]?.cut)
        const space = ' '.repeat(width - lengthOf(fitting))
        const looked = look(fitting, i)
        return columns[i]?.align === 'right' ? space + looked : looked + space
      })
      .join(GAP)
      .trimEnd()
  const head = line(
    columns.map(({ title }) => title),
    text => (text.trim() === '' ? text : sheet.style.bold(text))
  )
  return [head, ...texts.map((row, at) => line(row, (text, i) => lookOf(rows[at]?.[i] ?? '')(text)))]
}

/** Names and values, the values in one column. */
export function textList(entries: readonly (readonly [name: string, value: string])[], { style }: Sheet): string[] {
  const width = Math.max(...entries.map(([name]) => lengthOf(name)))
  return entries.map(([name, value]) => `${style.bold(name)}${' '.repeat(width - lengthOf(name))}  ${value}`)
}

/** How wide sentences run: not beyond what is easy to read, and unbroken where no person sees them. */
export function sentenceWidth({ columns }: Sheet): number {
  return columns === null ? Number.POSITIVE_INFINITY : Math.min(columns, 110)
}

/** Words broken between lines of at most so many characters. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && lengthOf(line) + 1 + lengthOf(word) > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

const textOf = (cell: Cell): string => (typeof cell === 'string' ? cell : cell.text)
const lookOf = (cell: Cell): ((text: string) => string) => (typeof cell === 'string' ? text => text : cell.look)
const lengthOf = (text: string): number => [...text].length

function narrow(columns: readonly Column[], widths: number[], room: number | null): void {
  if (room === null) return
  let over = widths.reduce((sum, width) => sum + width, 0) + GAP.length * (widths.length - 1) - room
  while (over > 0) {
    const [widest] = columns
      .flatMap(({ cut }, i) => (cut !== undefined && (widths[i] ?? 0) > LEAST_WIDTH ? [i] : []))
      .sort((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0))
    if (widest === undefined) return
    widths[widest] = (widths[widest] ?? 0) - 1
    over -= 1
  }
}

function cutTo(text: string, width: number, cut: Column['cut']): string {
  const characters = [...text]
  if (characters.length <= width) return text
  if (cut === 'middle') {
    const tail = Math.floor((width - 1) / 2)
    return `${characters.slice(0, width - 1 - tail).join('')}…${characters.slice(characters.length - tail).join('')}`
  }
  return `${characters.slice(0, width - 1).join('')}…`
}
