/** A page of documentation made from the sources. */
export interface Page {
  /** From the repository's root. */
  readonly path: string
  readonly text: string
}

/** The sources no longer look as a page expects them to; the message says where to look. */
export class DocsError extends Error {}

export interface Table {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** A Markdown table; bars and line ends in cells are made harmless. */
export function table({ head, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

const cell = (text: string): string => text.replace(/\s*\n\s*/g, ' ').replaceAll('|', '\\|')

/** Text in the typewriter face. */
export const code = (text: string): string => `\`${text}\``

/** A number with commas between thousands. */
export const grouped = (value: number | bigint): string => value.toLocaleString('en-US', { maximumFractionDigits: 6 })

export interface PageParts {
  readonly title: string
  /** What it is made from, for whoever wants to change it. */
  readonly source: string
  readonly parts: readonly string[]
}

/** Title, where the page comes from, and its parts with an empty line between them. */
export function pageText({ title, source, parts }: PageParts): string {
  const origin = `<!-- Made by \`npm run docs\` from ${source}. Edit that, not this page. -->`
  return `${[`# ${title}`, origin, ...parts].join('\n\n')}\n`
}
