import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { bundleFile } from './bundle-file.ts'

const NOW = new Date('2026-01-02T03:04:05Z')
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bundle-file-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

it('is named by the time where nobody names one', () => {
  expect(bundleFile(undefined, NOW)).toMatch(/\/p2poolv2-support-20260102T030405\.tar\.gz$/)
  expect(bundleFile(join(folder, 'x.tgz'), NOW)).toBe(join(folder, 'x.tgz'))
})

it('that cannot be is refused with what to name instead', () => {
  writeFileSync(join(folder, 'x.tar.gz'), '')
  for (const [file, fix] of [
    [folder, `name a file in it: --out ${folder}/p2poolv2-support-20260102T030405.tar.gz`],
    [join(folder, 'x.tar.gz'), 'name another with --out'],
    [join(folder, 'none', 'x.tar.gz'), `there is no folder ${join(folder, 'none')}; make it`],
    [join(folder, 'x.zip'), `say --out ${join(folder, 'x.zip')}.tar.gz`]
  ] as const)
    expect(() => bundleFile(file, NOW)).toThrow(fix)
})
