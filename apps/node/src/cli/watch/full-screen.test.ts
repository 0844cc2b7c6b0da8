import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const CRASH = fileURLToPath(new URL('../../testing/crash-on-screen.ts', import.meta.url))

it.runIf(existsSync('/usr/bin/script'))('a crash leaves the screen as it was, and its reason on it', () => {
  const command = `'${process.execPath}' --conditions=p2pool-source --import=tsx '${CRASH}'`
  const { stdout } = spawnSync('script', ['-qec', command, '/dev/null'], { encoding: 'utf8', timeout: 120_000 })
  expect(stdout).toContain('\u001b[?1049h')
  expect(stdout).toContain('drawn')
  expect(stdout).toContain('broken on purpose')
  expect(stdout).toContain('\u001b[?25h\u001b[?1049l')
})
