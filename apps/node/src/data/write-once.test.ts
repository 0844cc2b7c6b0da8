import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { writeOnce } from './write-once.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'p2poolv2-once-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

it('writes a file with its mode and leaves nothing else behind', () => {
  expect(writeOnce(join(folder, 'a'), { text: 'first\n', mode: 0o600 })).toBe(true)
  expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('first\n')
  expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o600)
  expect(readdirSync(folder)).toEqual(['a'])
})

it('leaves a file that is there as it is', () => {
  writeOnce(join(folder, 'a'), { text: 'first\n', mode: 0o600 })
  expect(writeOnce(join(folder, 'a'), { text: 'second\n', mode: 0o600 })).toBe(false)
  expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('first\n')
  expect(readdirSync(folder)).toEqual(['a'])
})

it('names the file when the system refuses', () => {
  const file = join(folder, 'missing', 'a')
  expect(() => writeOnce(file, { text: 'x', mode: 0o600 })).toThrow(
    expect.objectContaining({ code: 'ENOENT', path: file })
  )
})
