import { Command } from 'commander'
import { VERSION } from '../version.ts'
import { askingCommands } from './commands/asking.ts'
import { nodeCommands } from './commands/node.ts'
import { offlineCommands } from './commands/offline.ts'
import { peerCommands } from './commands/peers.ts'
import { EXIT_MEANINGS } from './outcome.ts'
import type { Terminal } from './terminal.ts'

/**
 * Every command with its arguments and options, once: the command line is read by it, and help, completion and docs/cli.md are made
 * from it. What a command does is loaded when it runs.
 */
export function cliProgram(terminal: Terminal): Command {
  const program = new Command('p2poolv2')
    .description('A peer-to-peer bitcoin mining node: P2Poolv2 in TypeScript.')
    .version(VERSION)
    .addHelpText(
      'after',
      `\nExit codes:\n${EXIT_MEANINGS.map(([code, meaning]) => `  ${code}  ${meaning}`).join('\n')}`
    )
  nodeCommands(program, terminal)
  askingCommands(program, terminal)
  peerCommands(program, terminal)
  offlineCommands(program, terminal)
  return program
}
