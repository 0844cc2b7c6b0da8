/** Tables as text for spreadsheets. Source: RFC 4180. */

/** A number is written as it is; text is quoted where it must be, and never read as a formula. */
export type Cell = string | number | bigint

/** What makes a spreadsheet take a cell for a formula, also behind a tab or a carriage return. */
const FORMULA_START = /^[=+\-@\t\r]/
const NEEDS_QUOTES = /[",\r\n]/

/**
 * @param columns names, the first line
 * @param rows each with as many cells as there are columns
 * @returns lines that end in CR LF, the last one too
 */
export function csvText(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [columns, ...rows].map(cells => `${cells.map(cellText).join(',')}\r\n`).join('')
}

function cellText(cell: Cell): string {
  if (typeof cell !== 'string') return String(cell)
  const harmless = FORMULA_START.test(cell) ? `'${cell}` : cell
  return NEEDS_QUOTES.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}

const DAY_SEC = 86_400
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const

/**
 * "2026-11-28T23:05:09Z" (ISO 8601, UTC).
 * @param sec unix seconds, a whole number from 0
 */
export function utcText(sec: number): string {
  let days = Math.floor(sec / DAY_SEC)
  let year = 1970
  for (; days >= daysOfYear(year); year++) days -= daysOfYear(year)
  let month = 0
  for (; days >= daysOfMonth(year, month); month++) days -= daysOfMonth(year, month)
  const rest = sec % DAY_SEC
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0')
  return `${year}-${two(month + 1)}-${two(days + 1)}T${two(rest / 3600)}:${two((rest / 60) % 60)}:${two(rest % 60)}Z`
}

function daysOfYear(year: number): number {
  return 337 + daysOfMonth(year, 1)
}

/** @param month 0 is January */
function daysOfMonth(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return month === 1 && isLeap ? 29 : (MONTH_DAYS[month] ?? 31)
}
