import { peersSchema } from '@p2poolv2/api/schema'
import type { Command } from 'commander'
import { ask } from '../../commands/ask.ts'
import { addPeer, banPeer, removePeer, unbanPeer } from '../../commands/peers.ts'
import { nodeAt, type RunningFlags, withRunningNode } from '../../flags.ts'
import { WrongUsage } from '../outcome.ts'
import type { Terminal } from '../terminal.ts'
import { peersView } from '../views/peers-view.ts'

/** Other nodes, and what to do about them. */
export function peerCommands(program: Command, terminal: Terminal): void {
  const peers = program
    .command('peers')
    .helpGroup('Ask the running node:')
    .summary('the peers of the running node, and what to do about them')
    .description('The peers of the running node, and what to do about them.')
  withRunningNode(peers.command('list', { isDefault: true }))
    .description('One line for each peer (`/v1/peers`).')
    .option('--json', "the API's own answer, for a program")
    .action(async (flags: RunningFlags & { readonly json?: boolean }) => {
      const question = { path: '/v1/peers', schema: peersSchema, view: peersView }
      await ask(nodeAt(flags), question, { form: flags.json === true ? 'json' : 'human', terminal })
    })

  const changing = (usage: string, description: string, change: (flags: ChangeFlags, who: string) => Promise<string>) =>
    withRunningNode(peers.command(usage).description(description))
      .option('--json', 'for a program')
      .action(async (who: string, flags: ChangeFlags) => {
        const done = await change(flags, who)
        terminal.say(flags.json === true ? JSON.stringify({ done }) : done)
      })
  changing(
    'add <address>',
    'Stay connected to a node: its invite, or an address like 192.0.2.1:6884.',
    (flags, address) => addPeer(nodeAt(flags), address)
  )
  changing('remove <who>', 'No longer stay connected to a node: what was added, or its peer id.', (flags, who) =>
    removePeer(nodeAt(flags), who)
  )
  changing('ban <who>', 'Refuse a peer id or an IP address.', (flags, who) =>
    banPeer(nodeAt(flags), who, wholeSeconds(flags.seconds ?? '86400'))
  ).option('--seconds <n>', 'how long (default: 86400, a day)')
  changing('unban <who>', 'End a ban.', (flags, who) => unbanPeer(nodeAt(flags), who))
}

interface ChangeFlags extends RunningFlags {
  readonly json?: boolean
  readonly seconds?: string
}

function wholeSeconds(text: string): number {
  if (!/^[1-9]\d{0,7}$/.test(text)) throw new WrongUsage(`--seconds is "${text}": give a whole number from 1`)
  return Number(text)
}
