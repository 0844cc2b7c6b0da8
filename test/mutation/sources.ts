import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type Mutant, switched } from './mutants.ts'

export interface SwitchedFile {
  readonly path: string
  /** Of its text: what was found out is about this text. */
  readonly digest: string
  readonly text: string
  readonly mutants: readonly Mutant[]
}

/** Files with all their mutants, numbered in one row: the same whoever asks. */
export function switchedFiles(paths: readonly string[]): SwitchedFile[] {
  let first = 0
  return paths.map(path => {
    const source = readFileSync(path, 'utf8')
    const { text, mutants } = switched(source, path, first)
    first += mutants.length
    return { path, digest: createHash('sha256').update(source).digest('hex').slice(0, 16), text, mutants }
  })
}
