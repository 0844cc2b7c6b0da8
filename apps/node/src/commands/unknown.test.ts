import { Command } from 'commander'
import { expect, it } from 'vitest'
import { unknownCommand } from './unknown.ts'

const program = new Command('p2poolv2')
program.command('start', { isDefault: true })
program.command('invite')
const peers = program.command('peers')
peers.command('list', { isDefault: true })
peers.command('add <address>')

it.each([
  [['invte'], 'there is no command "invte"; did you mean "invite"? There are: start, invite, peers'],
  [['peers', 'ad', 'x'], 'there is no command "ad"; did you mean "add"? There are: list, add'],
  [['unrelated'], 'there is no command "unrelated". There are: start, invite, peers'],
  [[], null],
  [['--data-dir', 'x'], null],
  [['invite', 'x'], null],
  [['peers'], null],
  [['peers', '--api-port', '1'], null],
  [['help'], null]
])('says what %j may have meant', (args, said) => {
  expect(unknownCommand(program, args)).toBe(said)
})
