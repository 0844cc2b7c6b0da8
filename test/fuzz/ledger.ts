import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { corpusText, parseCorpus } from './engine/corpus-text.ts'
import type { Target } from './engine/target.ts'

/** What is known of a target from all runs; breaks are those of the last one. */
export interface Ledger {
  readonly runs: number
  readonly ms: number
  readonly inputs: number
  readonly edges: number
  readonly slowestMs: number
  readonly slowestBytes: number
  readonly memoryPart: number
  readonly breaks: readonly { readonly what: string; readonly input: string }[]
  readonly corpus: readonly Uint8Array[]
}

const EMPTY: Ledger = {
  runs: 0,
  ms: 0,
  inputs: 0,
  edges: 0,
  slowestMs: 0,
  slowestBytes: 0,
  memoryPart: 0,
  breaks: [],
  corpus: []
}

/** Two files a target: figures as JSON, and the inputs that came by something new. */
export function readLedger(folder: string, name: string): Ledger {
  try {
    const figures = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Omit<Ledger, 'corpus'>
    const corpus = parseCorpus(readFileSync(join(folder, `${name}.txt`), 'utf8'))
    return { ...figures, corpus: corpus.map(({ bytes }) => bytes) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return EMPTY
    throw error
  }
}

export function writeLedger(folder: string, name: string, { corpus, ...figures }: Ledger): void {
  writeFileSync(join(folder, `${name}.txt`), corpusText(corpus.map(bytes => ({ bytes, isFound: false }))))
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(figures, null, 2)}\n`)
}

/** A line of the table. */
export function rowOf({ name, door }: Target, ledger: Ledger): string {
  const perSecond = ledger.ms === 0 ? 0 : (ledger.inputs / ledger.ms) * 1_000
  const cells = [
    door,
    ledger.inputs.toLocaleString('en'),
    perSecond.toFixed(0),
    String(ledger.edges),
    String(ledger.corpus.length),
    `${ledger.slowestMs.toFixed(1)} ms`,
    `${(100 * ledger.memoryPart).toFixed(0)} %`,
    String(ledger.breaks.length)
  ]
  return [name.padEnd(24), ...cells.map(cell => cell.padStart(9))].join(' ')
}
