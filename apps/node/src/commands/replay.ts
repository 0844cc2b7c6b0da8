import { readFileSync } from 'node:fs'
import {
  type Answer,
  answerText,
  parseRecordings,
  RecordingError,
  type ReplayedConnection,
  replay
} from '@p2poolv2/stratum'
import { ConfigError } from '../config.ts'

const MAX_SHOWN_CHARACTERS = 160

/**
 * Says again what the miners of recordings said, and compares what they are answered now.
 * @param show whole conversations, or only what differs
 * @throws ConfigError that names the file, or what the file system says
 */
export function replayFiles(
  files: readonly string[],
  show: 'everything' | 'differences'
): { readonly text: string; readonly differences: number } {
  const lines: string[] = []
  let answers = 0
  let differences = 0
  for (const file of files) {
    for (const recording of recordingsIn(file)) {
      for (const connection of replay(recording)) {
        lines.push(...connectionLines(file, connection, show))
        answers += connection.answers
        differences += connection.differences.length
      }
    }
  }
  const compared = 'kinds of answers, codes of errors, order, and difficulties within a quarter are compared'
  lines.push(`${answers} answers, ${differences} ${differences === 1 ? 'difference' : 'differences'} (${compared})`)
  return { text: lines.join('\n'), differences }
}

function recordingsIn(file: string): ReturnType<typeof parseRecordings> {
  try {
    return parseRecordings(readFileSync(file, 'utf8'))
  } catch (cause) {
    if (!(cause instanceof RecordingError)) throw cause
    throw new ConfigError(`${file}: ${cause.message}`, { cause })
  }
}

function connectionLines(
  file: string,
  { miner, lines, answers, differences }: ReplayedConnection,
  show: 'everything' | 'differences'
): string[] {
  const shown = [`${file}, connection ${miner}: ${answers} answers`]
  if (show === 'everything') {
    for (const { at, who, text } of lines) {
      if (who === 'recorded') continue
      shown.push(`${secondsText(at)} ${who === 'miner' ? 'C>' : 'S>'} ${shortened(text)}`)
    }
  }
  for (const { at, recorded, replayed } of differences) {
    shown.push(`${secondsText(at)} DIFFERS  recorded: ${said(recorded)}  now: ${said(replayed)}`)
  }
  return shown
}

function said(answer: Answer | null): string {
  return answer === null ? 'nothing' : answerText(answer)
}

function secondsText(atMs: number): string {
  return `${(atMs / 1000).toFixed(3).padStart(10)}s`
}

/** What a miner said may hold anything, and goes to a terminal. */
function shortened(text: string): string {
  const printable = text.replace(/[^\x20-\x7e]/g, '?')
  return printable.length <= MAX_SHOWN_CHARACTERS ? printable : `${printable.slice(0, MAX_SHOWN_CHARACTERS)}…`
}
