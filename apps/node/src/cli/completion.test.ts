import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { completionScript } from './completion.ts'
import { cliProgram } from './program.ts'
import { PLAIN } from './style.ts'

const program = cliProgram({
  say: () => {},
  remark: () => {},
  sheet: () => ({ style: PLAIN, columns: null, nowSec: 0 })
})

/** What bash offers behind these words. */
function offered(...words: string[]): string[] {
  const script = `${completionScript('bash', program)}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _p2poolv2; printf '%s\\n' "\${COMPREPLY[@]}"`
  return execFileSync('bash', ['--norc', '-c', script, 'bash', 'p2poolv2', ...words], { encoding: 'utf8' })
    .split('\n')
    .filter(word => word !== '')
}

describe.runIf(existsSync('/bin/bash') || existsSync('/usr/bin/bash'))('bash', () => {
  it.each([
    [['sta'], ['start', 'status']],
    [['peers', 'b'], ['ban']],
    [['peers', 'unb'], ['unban']],
    [['status', '--w'], ['--watch']],
    [['status', '--watch', '--j'], ['--json']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish', '--help']
    ],
    [['config', 'sh'], ['show']],
    [['config', 'show', '--js'], ['--json']],
    [['audit', '--api-port', ''], []]
  ])('%j offers %j', (words, expected) => {
    expect(offered(...words)).toEqual(expected)
  })

  it('offers files where a file is wanted', () => {
    expect(offered('start', '--config', '/etc/passw')).toContain('/etc/passwd')
  })
})

it('knows every command in every shell', () => {
  const names = program.commands.map(command => command.name())
  for (const shell of ['bash', 'zsh', 'fish'] as const) {
    const script = completionScript(shell, program)
    for (const name of names) expect(script).toMatch(new RegExp(`['| ]${name}['| ]`))
  }
})

it('offers fish a subcommand behind its command alone', () => {
  const lines = completionScript('fish', program).split('\n')
  expect(lines.filter(line => line.includes("-a 'unban'"))).toEqual([
    expect.stringContaining(
      '__fish_seen_subcommand_from peers; and not __fish_seen_subcommand_from list add remove ban unban'
    )
  ])
})
