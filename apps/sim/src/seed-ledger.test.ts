import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { SeedLedger } from './seed-ledger.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'seeds-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

it('remembers which seeds are done, plays broken ones again, and forgives a line that was cut off', () => {
  const file = join(folder, 'below', 'seeds.jsonl')
  const first = new SeedLedger(file)
  first.add({ seed: 2, digest: null, broken: ['no tip'], struck: {} })
  first.add({ seed: 1, digest: 'aa', broken: [], struck: { cut: 2 } })
  appendFileSync(file, '{"seed":3,"dig')
  const again = new SeedLedger(file)
  expect([1, 2, 3].map(seed => again.isDone(seed))).toEqual([true, false, false])
  expect(again.results().map(({ seed }) => seed)).toEqual([1, 2])
  again.add({ seed: 2, digest: 'bb', broken: [], struck: {} })
  expect(again.isDone(2)).toBe(true)
})
