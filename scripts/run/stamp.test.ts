import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { hashContents, hashListing, listFiles, readStamp, removeStamp, writeStamp } from './stamp.mjs'

let root = ''

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'p2poolv2-stamp-'))
  mkdirSync(join(root, 'src', 'deep'), { recursive: true })
  writeFileSync(join(root, 'src', 'a.ts'), 'one')
  writeFileSync(join(root, 'src', 'deep', 'b.ts'), 'two')
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

const paths = ['src/a.ts', 'src/deep/b.ts']

it('files are listed sorted and at any depth, and what is installed or built is left out', () => {
  for (const skipped of ['node_modules', 'dist']) {
    mkdirSync(join(root, 'src', skipped))
    writeFileSync(join(root, 'src', skipped, 'c.ts'), '')
  }
  writeFileSync(join(root, 'src', 'notes.md'), '')
  expect(listFiles(root, 'src', name => name.endsWith('.ts'))).toEqual(paths)
})

it('the hash of contents follows contents, paths and facts, and nothing else', () => {
  const hash = (facts: string[], listed = paths): string => hashContents(root, { paths: listed, facts })
  const before = hash(['115'])
  utimesSync(join(root, 'src', 'a.ts'), 1, 1)
  expect(hash(['115'])).toBe(before)
  expect(hash(['127'])).not.toBe(before)
  expect(hash(['115'], ['src/a.ts'])).not.toBe(before)
  writeFileSync(join(root, 'src', 'a.ts'), 'eno')
  expect(hash(['115'])).not.toBe(before)
})

it('the hash of a listing follows the time of the last change and the size', () => {
  const hash = (): string => hashListing(root, { paths, facts: [] })
  utimesSync(join(root, 'src', 'a.ts'), 1, 1)
  const before = hash()
  expect(hash()).toBe(before)
  utimesSync(join(root, 'src', 'a.ts'), 1, 2)
  const touched = hash()
  expect(touched).not.toBe(before)
  writeFileSync(join(root, 'src', 'a.ts'), 'longer')
  utimesSync(join(root, 'src', 'a.ts'), 1, 2)
  expect(hash()).not.toBe(touched)
})

it('a stamp is read as written, and is null before and after', () => {
  const path = join(root, 'cache', 'stamp')
  expect(readStamp(path)).toBeNull()
  writeStamp(path, 'abc')
  expect(readStamp(path)).toBe('abc')
  removeStamp(path)
  expect(readStamp(path)).toBeNull()
})
