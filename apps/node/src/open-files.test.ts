import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { openFilesComplaint } from './open-files.ts'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))
const limits = (soft: string): string =>
  `Limit  Soft Limit  Hard Limit  Units\nMax open files            ${soft}   4096   files\n`

it('complains of a limit that is too low, and of no other', () => {
  expect(openFilesComplaint(limits('255'))).toContain('open 255 files')
  expect(openFilesComplaint(limits('256'))).toBeNull()
  expect(openFilesComplaint(limits('unlimited'))).toBeNull()
  expect(openFilesComplaint('')).toBeNull()
  expect(openFilesComplaint(null)).toBeNull()
})

it.runIf(process.platform === 'linux')(
  'a program that cannot open its own files says so in one line, with the fix',
  () => {
    const words = `ulimit -n 200 && exec '${process.execPath}' --conditions=p2pool-source --import=tsx '${MAIN}' --version`
    const { status, stderr, stdout } = spawnSync('sh', ['-c', words], { encoding: 'utf8' })
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(stderr).toMatch(/open 200 files.*ulimit -n/)
  }
)
