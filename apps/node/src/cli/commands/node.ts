import { join } from 'node:path'
import type { Command } from 'commander'
import { chainList, init, namedChain } from '../../commands/init.ts'
import { runningNode } from '../../commands/running-node.ts'
import { CONFIG_FILE_NAME, namedPlaces } from '../../config.ts'
import { ownerLink, readRunningFile } from '../../data/running-file.ts'
import { type CommonFlags, nodeAt, sourcesOf, withConfigFlags } from '../../flags.ts'
import { CHAINS, DEFAULTS } from '../../settings.ts'
import { NoNodeRuns } from '../outcome.ts'
import type { Terminal } from '../terminal.ts'

const GROUP = 'Run a node:'
const API_PORT = "the running node's page, instead of what its data directory says"

/** Commands that begin something. */
export function nodeCommands(program: Command, terminal: Terminal): void {
  withConfigFlags(program.command('start', { isDefault: true }).helpGroup(GROUP))
    .summary('run the node; without a configuration a development chain with two built-in miners')
    .description(
      'Runs the node until a signal ends it. Without a configuration it runs a development chain with two built-in miners, whose coins are worth nothing. This is what `npm start` does, and what is done when no command is named.'
    )
    .option('--stratum-port <port>', `port for miners (default: ${DEFAULTS.stratum.port})`)
    .option('--stratum-host <address>', `address for miners (default: ${DEFAULTS.stratum.hostname})`)
    .option('--api-port <port>', `port of the page and the API (default: ${DEFAULTS.api.port})`)
    .option('--api-host <address>', `address of the page and the API (default: ${DEFAULTS.api.hostname})`)
    .option('--p2p-port <port>', `port for other nodes, 0 for any free one (default: ${DEFAULTS.p2p.port})`)
    .option('--p2p-host <address>', `address for other nodes (default: ${DEFAULTS.p2p.hostname})`)
    .option('--miners <n>', `built-in CPU miners on devnet (default: ${DEFAULTS.devnet.miners})`)
    .option('--join <invite>', 'join the node whose invite this is (./p2poolv2 invite); remembered from then on')
    .option('--i-know-this-is-a-private-fork', 'mine although every peer follows other rules')
    .option('--log-level <level>', 'error, warn, info or debug')
    .action(async (flags: CommonFlags & { readonly join?: string }) => {
      const { start } = await import('../../commands/start.ts')
      await start(sourcesOf(flags), flags.join ?? null)
    })

  program
    .command('init')
    .helpGroup(GROUP)
    .summary('write a commented configuration file')
    .description(
      `Writes a configuration file with every key explained. The chain has to be named:\n${chainList().join('\n')}`
    )
    .option('--chain <chain>', CHAINS.join(', '))
    .option(
      '--config <file>',
      `file to write (default: ${CONFIG_FILE_NAME} in the data directory, where start looks for it)`
    )
    .option('--data-dir <folder>', `the data directory (default: ${DEFAULTS.data_dir})`)
    .action((flags: { readonly config?: string; readonly dataDir?: string; readonly chain?: string }) => {
      const chain = namedChain(flags.chain)
      const { config, dataDir: dataDirFlag } = flags
      const sources = sourcesOf({
        ...(config === undefined ? {} : { config }),
        ...(dataDirFlag === undefined ? {} : { dataDir: dataDirFlag })
      })
      const { file: path, dataDir } = namedPlaces(sources)
      const file = init(path ?? join(dataDir ?? DEFAULTS.data_dir, CONFIG_FILE_NAME), chain, dataDir)
      // The environment names it for the next command as well.
      const isFound = config === undefined && (dataDirFlag === undefined || path !== null)
      const named = isFound ? '' : ` --config ${file}`
      terminal.say([
        `Wrote ${file} for ${chain}.`,
        `Edit it, see that all is well with: ./p2poolv2 doctor${named}`,
        `Then run: npm start${isFound ? '' : ` --${named}`}`
      ])
    })

  withConfigFlags(program.command('join <invite>').helpGroup(GROUP))
    .summary('make the running node join another; without one that runs, start one that does')
    .description('Makes the running node join another; without one that runs, starts one that does.')
    .option('--api-port <port>', API_PORT)
    .action(async (text: string, flags: CommonFlags) => {
      const at = nodeAt(flags)
      if ((await runningNode(at)) === null) {
        const { start } = await import('../../commands/start.ts')
        return start(sourcesOf(withoutApiPort(flags)), text)
      }
      const { addPeer } = await import('../../commands/peers.ts')
      terminal.say(await addPeer(at, text))
    })

  withConfigFlags(program.command('link').helpGroup(GROUP))
    .summary(
      'print the address of the page for its owner: to set the node up there, and later to open it without the login'
    )
    .description(
      'Prints the address of the page as its owner opens it, who may write the configuration there. Whoever has it may do so too, until the node starts anew.'
    )
    .option('--json', 'for a program')
    .action((flags: CommonFlags & { readonly json?: boolean }) => {
      const at = nodeAt(flags)
      const running = readRunningFile(at.dataDir)
      if (running === null) throw new NoNodeRuns(at, 'directory')
      const link = ownerLink(running)
      terminal.say(flags.json === true ? JSON.stringify({ link }) : link)
    })

  withConfigFlags(program.command('invite').helpGroup(GROUP))
    .summary('print one string with which another node joins this one')
    .description('Prints one string with which another node joins this one.')
    .option('--api-port <port>', API_PORT)
    .option('--qr', 'also as a QR code')
    .option('--json', 'for a program')
    .action(async (flags: CommonFlags & { readonly qr?: boolean; readonly json?: boolean }) => {
      const { invite, qrText } = await import('../../commands/invite.ts')
      const { invite: text, isRunning } = await invite(nodeAt(flags), sourcesOf(withoutApiPort(flags)))
      if (!isRunning)
        terminal.remark('no node runs here: the invite is good once it does, and while it does (npm start)')
      terminal.say(
        flags.json === true ? JSON.stringify({ invite: text }) : flags.qr === true ? `${text}\n\n${qrText(text)}` : text
      )
    })
}

/** There the port is where to ask, not where to listen. */
export function withoutApiPort({ apiPort: _, ...flags }: CommonFlags): CommonFlags {
  return flags
}
