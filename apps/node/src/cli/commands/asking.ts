import {
  blocksSchema,
  connectSchema,
  earningsSchema,
  sharesSchema,
  statusSchema,
  windowSchema,
  workersSchema
} from '@p2poolv2/api/schema'
import { Argument, type Command } from 'commander'
import type { z } from 'zod'
import { ask, pathWith, type Question } from '../../commands/ask.ts'
import {
  type CommonFlags,
  nodeAt,
  nodeAtDespiteConfig,
  type RunningFlags,
  sourcesOf,
  withConfigFlags,
  withRunningNode
} from '../../flags.ts'
import { EXIT, WrongUsage } from '../outcome.ts'
import type { Terminal } from '../terminal.ts'
import { blocksView } from '../views/blocks-view.ts'
import { connectView } from '../views/connect-view.ts'
import { earningsView } from '../views/earnings-view.ts'
import { shareDetails, sharesView, shareView } from '../views/shares-view.ts'
import { statusView } from '../views/status-view.ts'
import { windowView } from '../views/window-view.ts'
import { allWorkersView, workersView } from '../views/workers-view.ts'
import { withoutApiPort } from './node.ts'

const GROUP = 'Ask the running node:'
const JSON_TEXT = "the API's own answer, for a program"

interface AskingFlags extends RunningFlags {
  readonly json?: boolean
}

/** Commands that ask the running node and change nothing. */
export function askingCommands(program: Command, terminal: Terminal): void {
  const asking = (usage: string, summary: string, description: string): Command =>
    withRunningNode(program.command(usage).helpGroup(GROUP).summary(summary).description(description)).option(
      '--json',
      JSON_TEXT
    )
  const answer = async <S extends z.ZodType>(flags: AskingFlags, question: Question<S>): Promise<void> => {
    await ask(nodeAt(flags), question, { form: flags.json === true ? 'json' : 'human', terminal })
  }

  asking(
    'status',
    'the node at a glance',
    'The node at a glance: bitcoin node, share chain, peers, miners, blocks, and what needs a hand (`/v1/status`).'
  )
    .option('--watch', 'on a full screen, live, until q')
    .action(async (flags: AskingFlags & { readonly watch?: boolean }) => {
      if (flags.watch !== true) return answer(flags, { path: '/v1/status', schema: statusSchema, view: statusView })
      const { watch } = await import('../../commands/watch.ts')
      await watch(nodeAt(flags))
    })
  asking(
    'connect',
    'what to enter in a miner',
    'What to enter in a miner: pool addresses of Stratum V1 and V2, user and password (`/v1/connect`).'
  ).action((flags: AskingFlags) => answer(flags, { path: '/v1/connect', schema: connectSchema, view: connectView }))
  asking(
    'workers',
    'every miner, connected or not',
    'Every miner, connected or not: rates, difficulty, accepted and rejected submits, best hash, firmware (`/v1/workers`). Those gone for more than a day are counted.'
  )
    .option('--all', 'list those gone for more than a day as well')
    .action((flags: AskingFlags & { readonly all?: boolean }) => {
      const view = flags.all === true ? allWorkersView : workersView
      return answer(flags, { path: '/v1/workers', schema: workersSchema, view })
    })
  asking(
    'shares',
    'the newest shares of the share chain',
    'The newest shares of the share chain with uncles and side branches (`/v1/shares`).'
  )
    .option('--to <height>', 'highest height (default: the newest)')
    .option('--heights <n>', 'how many heights, at most 200 (default: 20)')
    .action((flags: AskingFlags & { readonly to?: string; readonly heights?: string }) =>
      answer(flags, {
        path: pathWith('/v1/shares', { to: flags.to, heights: flags.heights ?? '20' }),
        schema: sharesSchema,
        view: sharesView
      })
    )
  asking('share', 'one share, by hash or height', 'One share, by its hash, or those of a height (`/share`).')
    .addArgument(new Argument('<hash-or-height>', 'hash of a share, or a height of the share chain'))
    .action((which: string, flags: AskingFlags) =>
      answer(flags, {
        path: pathWith('/share', whichShare(which)),
        schema: shareDetails,
        view: shareView
      })
    )
  asking(
    'window',
    'the payout window and who is in it',
    'The payout window, who is in it, and what a block found now would pay each (`/v1/window`).'
  ).action((flags: AskingFlags) => answer(flags, { path: '/v1/window', schema: windowSchema, view: windowView }))
  asking(
    'earnings',
    'am I getting paid? waits, chances, the long run',
    'Am I getting paid? What a block now pays, when the next payout comes, how sure that is, and the long run (`/v1/earnings`).'
  )
    .option(
      '--address <addresses>',
      'of these payout addresses, separated by commas (default: all this node mines for)'
    )
    .option('--hashrate <hashes>', 'what if ours were so many hashes a second, as 1.2e12')
    .action((flags: AskingFlags & { readonly address?: string; readonly hashrate?: string }) =>
      answer(flags, {
        path: pathWith('/v1/earnings', { address: flags.address, hashrate: flags.hashrate }),
        schema: earningsSchema,
        view: earningsView
      })
    )
  asking(
    'blocks',
    'bitcoin blocks of the pool and what became of them',
    'Bitcoin blocks of the pool, what became of each and what it paid you (`/v1/blocks`).'
  )
    .option('--limit <n>', 'at most so many (default: 20)')
    .option('--before <height>', 'only those below this bitcoin height')
    .action((flags: AskingFlags & { readonly limit?: string; readonly before?: string }) =>
      answer(flags, {
        path: pathWith('/v1/blocks', { limit: flags.limit ?? '20', before: flags.before }),
        schema: blocksSchema,
        view: blocksView
      })
    )

  withConfigFlags(program.command('audit').helpGroup(GROUP))
    .summary('prove a payout: work it out once more from stored shares')
    .description(
      'Works the payout of a bitcoin block, a share or the present job out once more from stored shares alone, prints the proof and holds it against the coinbase (`/v1/audit/{id}`). Without a running node it reads the store itself. Exits with 4 if anything differs.'
    )
    .addArgument(
      new Argument('<block-or-job>', 'bitcoin height or hash of a block of the pool, hash of a share, or: job')
    )
    .option('--api-port <port>', "the running node's page, instead of what its data directory says")
    .option('--json', JSON_TEXT)
    .action(async (id: string, flags: CommonFlags & { readonly json?: boolean }) => {
      const { audit } = await import('../../commands/audit.ts')
      const form = flags.json === true ? 'json' : 'human'
      const verdict = await audit(nodeAt(flags), sourcesOf(withoutApiPort(flags)), { id, form, terminal })
      if (verdict !== 'matches') process.exitCode = verdict === 'differs' ? EXIT.wrong : EXIT.failed
    })
  withConfigFlags(program.command('doctor').helpGroup(GROUP))
    .summary('check everything that can go wrong, each with its fix')
    .description(
      'Checks everything that can go wrong, and says how to mend what does (`/v1/doctor`). Without a running node, or where the one that runs has another configuration than the one named, it checks what can be seen without one: configuration, computer, ports, bitcoin nodes. Exits with 4 if a check failed.'
    )
    .option('--api-port <port>', "the running node's page, instead of what its data directory says")
    .option('--json', JSON_TEXT)
    .action(async (flags: CommonFlags & { readonly json?: boolean }) => {
      const { doctor } = await import('../../commands/doctor.ts')
      const form = flags.json === true ? 'json' : 'human'
      const { state } = await doctor(nodeAtDespiteConfig(flags), sourcesOf(withoutApiPort(flags)), { form, terminal })
      if (state === 'fail') process.exitCode = EXIT.wrong
    })
}

/** @throws WrongUsage if it is neither a hash nor a height */
function whichShare(text: string): { readonly hash: string } | { readonly height: string } {
  if (/^\d{1,10}$/.test(text)) return { height: text }
  if (/^[0-9a-f]{64}$/i.test(text)) return { hash: text }
  throw new WrongUsage(
    `${JSON.stringify(text)} is no share: give its height, or its whole hash of 64 hex digits; ./p2poolv2 shares lists them`
  )
}
