#!/usr/bin/env node
import '@p2poolv2/runtime/with-resolvers'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { address } from './commands/address.ts'
import { init } from './commands/init.ts'
import { invite, qrText } from './commands/invite.ts'
import { addPeer, banPeer, listPeers, removePeer, unbanPeer } from './commands/peers.ts'
import { replayFiles } from './commands/replay.ts'
import { runningNode } from './commands/running-node.ts'
import { start } from './commands/start.ts'
import { unknownCommand } from './commands/unknown.ts'
import { CONFIG_FILE_NAME, ConfigError } from './config.ts'
import { fileTrouble } from './data/data-dir.ts'
import { type CommonFlags, nodeAt, type RunningFlags, sourcesOf, withConfigFlags, withRunningNode } from './flags.ts'
import { CHAINS, type Config, DEFAULTS } from './settings.ts'
import { VERSION } from './version.ts'

const program = new Command('p2poolv2')
  .description('A peer-to-peer bitcoin mining node: P2Poolv2 in TypeScript.')
  .version(VERSION)

withConfigFlags(program.command('start', { isDefault: true }))
  .description('run the node; without a configuration it runs a development chain with two built-in miners')
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
  .action((flags: CommonFlags & { readonly join?: string }) => start(sourcesOf(flags), flags.join ?? null))

program
  .command('init')
  .description('write a commented configuration file')
  .option(
    '--config <file>',
    `file to write (default: ${CONFIG_FILE_NAME} in the data directory, where start looks for it)`
  )
  .option('--data-dir <folder>', `the data directory (default: ${DEFAULTS.data_dir})`)
  .addOption(new Option('--chain <chain>', 'the chain to join').choices(CHAINS).default('signet'))
  .action((flags: { config?: string; dataDir?: string; chain: Config['chain'] }) => {
    const place = join(flags.dataDir ?? DEFAULTS.data_dir, CONFIG_FILE_NAME)
    const file = init(flags.config ?? place, flags.chain)
    const isFound = flags.config === undefined && flags.dataDir === undefined
    process.stdout.write(`Wrote ${file}. Edit it, then run: npm start${isFound ? '' : ` -- --config ${file}`}\n`)
  })

withConfigFlags(program.command('address'))
  .description("show the node's own share-chain address (the wallet key is made if there is none)")
  .action((flags: CommonFlags) => {
    process.stdout.write(`${address(sourcesOf(flags))}\n`)
  })

/** There the port is where to ask, not where to listen. */
function withoutApiPort({ apiPort: _, ...flags }: CommonFlags): CommonFlags {
  return flags
}

const say = (text: string): void => void process.stdout.write(`${text}\n`)

withConfigFlags(program.command('invite'))
  .description('print one string with which another node joins this one')
  .option('--api-port <port>', "the running node's page, instead of what its data directory says")
  .option('--qr', 'also as a QR code')
  .action(async (flags: CommonFlags & { readonly qr?: boolean }) => {
    const { invite: text, isRunning } = await invite(nodeAt(flags), sourcesOf(withoutApiPort(flags)))
    if (!isRunning)
      process.stderr.write(
        'p2poolv2: no node runs here: the invite is good once it does, and while it does (npm start)\n'
      )
    say(flags.qr === true ? `${text}\n\n${qrText(text)}` : text)
  })

withConfigFlags(program.command('join <invite>'))
  .description('make the running node join another; without one that runs, start one that does')
  .option('--api-port <port>', "the running node's page, instead of what its data directory says")
  .action(async (text: string, flags: CommonFlags) => {
    const at = nodeAt(flags)
    if ((await runningNode(at)) === null) await start(sourcesOf(withoutApiPort(flags)), text)
    else say(await addPeer(at, text))
  })

const peers = program.command('peers').description('the peers of the running node, and what to do about them')
withRunningNode(peers.command('list', { isDefault: true }))
  .description('one line for each')
  .action(async (flags: RunningFlags) => say(await listPeers(nodeAt(flags))))
withRunningNode(peers.command('add <address>'))
  .description('stay connected to a node: its invite, or an address like 192.0.2.1:6884')
  .action(async (address: string, flags: RunningFlags) => say(await addPeer(nodeAt(flags), address)))
withRunningNode(peers.command('remove <who>'))
  .description('no longer stay connected to a node: what was added, or its peer id')
  .action(async (who: string, flags: RunningFlags) => say(await removePeer(nodeAt(flags), who)))
withRunningNode(peers.command('ban <who>'))
  .description('refuse a peer id or an IP address')
  .option('--seconds <n>', 'how long', '86400')
  .action(async (who: string, flags: RunningFlags & { readonly seconds: string }) =>
    say(await banPeer(nodeAt(flags), who, Number(flags.seconds)))
  )
withRunningNode(peers.command('unban <who>'))
  .description('end a ban')
  .action(async (who: string, flags: RunningFlags) => say(await unbanPeer(nodeAt(flags), who)))

program
  .command('replay <files...>')
  .description('say again what miners said in recordings ([stratum] record), and compare what they are answered now')
  .option('--differences', 'show what differs and nothing else')
  .action((files: readonly string[], flags: { readonly differences?: boolean }) => {
    const { text, differences } = replayFiles(files, flags.differences === true ? 'differences' : 'everything')
    say(text)
    if (differences > 0) process.exitCode = 1
  })

/** What to say of an error that a person can act on: its message says how, and a stack would only hide it. */
function adviceOf(error: unknown): string | null {
  const isOurs =
    error instanceof Error && 'code' in error && typeof error.code === 'string' && /^[a-z]+(-[a-z]+)+$/.test(error.code)
  return isOurs ? error.message : fileTrouble(error)
}

const args = process.argv.slice(2)
try {
  const unknown = unknownCommand(program, args)
  if (unknown !== null) throw new ConfigError(unknown)
  await program.parseAsync()
} catch (error) {
  const advice = adviceOf(error)
  if (advice === null) throw error
  process.stderr.write(`p2poolv2: ${advice}\n`)
  process.exit(1)
}
