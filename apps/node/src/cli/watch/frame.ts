import type { EarningsJson, FiguresJson, StatusJson, TimelineJson } from '@p2poolv2/api/schema'
import { hashrateText } from '@p2poolv2/earnings/words'
import { counted, grouped, scaled, utc } from '../amounts.ts'
import { type Sheet, shown } from '../style.ts'
import { textList, textTable, wrapped } from '../text-table.ts'
import { stateLook, statusView } from '../views/status-view.ts'

/** What has been heard of the node so far. */
export interface Watched {
  readonly url: string
  /** Null while the node is away; then why. */
  readonly problem: string | null
  readonly status: StatusJson | null
  readonly figures: FiguresJson | null
  readonly earnings: EarningsJson | null
  /** The newest first, at most so many as a screen has lines. */
  readonly timeline: TimelineJson['entries']
}

export interface Screen extends Sheet {
  readonly columns: number
  readonly rows: number
}

/** Miners shown; the others are counted. */
const MAX_MINERS = 8

/** One screen: exactly as many lines as it has rows, none wider than it. What there is no room for is left out from below. */
export function watchFrame(watched: Watched, screen: Screen): string[] {
  const { style, rows, nowSec } = screen
  const { status, problem, url } = watched
  const head = `${style.bold('p2poolv2')} ${style.dim(`${url}  ${utc(nowSec)} UTC`)}`
  const foot = style.dim('q ends it')
  const body =
    status === null
      ? ['', style.warn(shown(problem ?? 'asking the node…'))]
      : [
          ...(problem === null ? [] : [style.bad(shown(problem))]),
          '',
          ...statusView(status, screen),
          '',
          ...minerLines(status, screen),
          ...earningsLines(watched, screen),
          ...timelineLines(watched, screen)
        ]
  const room = Math.max(0, rows - 2)
  const filled = [...body.slice(0, room), ...Array.from({ length: Math.max(0, room - body.length) }, () => '')]
  return [head, ...filled, foot].slice(0, rows).map(line => clipped(line, screen.columns))
}

function minerLines({ miners }: StatusJson, screen: Screen): string[] {
  if (miners.length === 0) return []
  const { style } = screen
  const heaviest = miners.toSorted((a, b) => b.hashrate - a.hashrate).slice(0, MAX_MINERS)
  const table = textTable(
    [
      { title: 'miner', cut: 'end' },
      { title: 'rate', align: 'right' },
      { title: 'difficulty', align: 'right' },
      { title: 'accepted', align: 'right' },
      { title: 'rejected', align: 'right' },
      { title: 'firmware', cut: 'end' }
    ],
    heaviest.map(miner => [
      miner.worker === '' ? '(no name)' : miner.worker,
      hashrateText(miner.hashrate),
      scaled(miner.difficulty),
      grouped(miner.accepted),
      { text: grouped(miner.rejected), look: miner.rejected > miner.accepted / 50 ? style.warn : text => text },
      miner.userAgent
    ]),
    screen
  )
  const others = miners.length - heaviest.length
  return [...table, ...(others > 0 ? [style.dim(`and ${counted(others, 'more')}`)] : []), '']
}

function earningsLines({ earnings, figures }: Watched, screen: Screen): string[] {
  const pool = figures?.poolHashrate ?? null
  const entries: (readonly [string, string])[] = pool === null ? [] : [['Pool', hashrateText(pool)]]
  if (earnings === null) return entries.length === 0 ? [] : [...textList(entries, screen), '']
  if (earnings.earnings === null)
    return [...textList(entries.length === 0 ? [['Earnings', shown(earnings.message ?? '')]] : entries, screen), '']
  const { now, nextShare, nextPayout } = earnings.earnings.sentences
  const sentences = [now, nextShare, nextPayout].flatMap(text => wrapped(shown(text), screen.columns))
  return [...(entries.length === 0 ? [] : textList(entries, screen)), ...sentences, '']
}

const LEVELS = { info: 'info', good: 'ok', warn: 'warn', error: 'fail' } as const

function timelineLines({ timeline }: Watched, { style }: Screen): string[] {
  return timeline.map(({ time, level, text }) => {
    const look = level === 'info' ? (line: string) => line : stateLook(LEVELS[level], style)
    return `${style.dim(utc(time).slice(11))} ${look(shown(text))}`
  })
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the looks of style.ts
const LOOK = /\u001b\[\d+m/g

/** Cut to so many characters, looks not counted; one that is cut ends with its looks undone. */
export function clipped(line: string, columns: number): string {
  if ([...line.replace(LOOK, '')].length <= columns) return line
  let text = ''
  let width = 0
  for (let at = 0; at < line.length && width < columns - 1; ) {
    LOOK.lastIndex = at
    const look = LOOK.exec(line)
    if (look !== null && look.index === at) {
      text += look[0]
      at += look[0].length
      continue
    }
    const character = String.fromCodePoint(line.codePointAt(at) ?? 0x20)
    text += character
    at += character.length
    width += 1
  }
  return line.includes('\u001b') ? `${text}…\u001b[0m` : `${text}…`
}
