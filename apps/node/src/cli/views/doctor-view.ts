import type { DoctorJson } from '@p2poolv2/api/schema'
import { counted } from '../amounts.ts'
import { type Sheet, type Style, shown } from '../style.ts'
import { terminalWords } from '../terminal-words.ts'
import { sentenceWidth, wrapped } from '../text-table.ts'

type Check = DoctorJson['checks'][number]

const SIGNS: Readonly<Record<Check['state'], string>> = { ok: '✓', info: 'i', warn: '!', fail: '✗', unknown: '?' }

/** One line for what is well; what is not says its fix and its price below. */
export function doctorView({ checks }: DoctorJson, sheet: Sheet): string[] {
  const { style } = sheet
  const width = sentenceWidth(sheet)
  const titles = Math.max(...checks.map(({ title }) => title.length))
  const indent = ' '.repeat(titles + 4)
  const lines = checks.flatMap(({ state, title, message, fix, cost }) => {
    const look = lookOf(state, style)
    const [first = '', ...more] = wrapped(shown(terminalWords(message)), width - indent.length)
    return [
      `${look(SIGNS[state])} ${style.bold(title.padEnd(titles))}  ${state === 'ok' ? first : look(first)}`,
      ...more.map(line => indent + line),
      ...(state === 'ok' || state === 'info' ? [] : detail('fix', fix, { width, indent, style })),
      ...(state === 'ok' || state === 'info' ? [] : detail('cost', cost, { width, indent, style }))
    ]
  })
  const count = (state: Check['state']): number => checks.filter(check => check.state === state).length
  const sum = `${counted(checks.length, 'check')}: ${count('fail')} failed, ${count('warn')} to look at, ${count('unknown')} could not be told`
  return [...lines, '', (count('fail') > 0 ? style.bad : count('warn') > 0 ? style.warn : style.good)(sum)]
}

function detail(
  name: string,
  text: string | null,
  { width, indent, style }: { readonly width: number; readonly indent: string; readonly style: Style }
): string[] {
  if (text === null) return []
  const [first = '', ...more] = wrapped(shown(terminalWords(text)), width - indent.length - 6)
  return [`${indent}${style.dim(`${name}:`.padEnd(6))}${first}`, ...more.map(line => `${indent}      ${line}`)]
}

function lookOf(state: Check['state'], style: Style): (text: string) => string {
  if (state === 'fail') return style.bad
  if (state === 'warn') return style.warn
  return state === 'ok' ? style.good : style.dim
}
