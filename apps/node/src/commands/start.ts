import { networkInterfaces } from 'node:os'
import { type Invite, InviteError, parseDialTarget } from '@p2poolv2/gossip'
import { createLog, LogTail, MESSAGES, StartError, withoutCredentials } from '@p2poolv2/runtime'
import { ConfigError, type ConfigSources, loadConfig, namedPlaces } from '../config.ts'
import { openDataDir, refuseMovedFolder } from '../data/data-dir.ts'
import { ownerLink, readRunningFile } from '../data/running-file.ts'
import { statusLine } from '../status-line.ts'
import { VERSION } from '../version.ts'
import { type RunningNode, startNode } from '../wire/start-node.ts'

const STATUS_MS = 10_000

/** Why a node has ended: with an exit code, or to be started again on the configuration that the page has written. */
type End = { readonly exitCode: number } | 'restart'

/**
 * Runs the node until a signal or until it ends by itself. Sets the exit code: 0 after a signal, 1 otherwise.
 * @param join the invite of a node to join
 */
export async function start(sources: ConfigSources, join: string | null): Promise<void> {
  let end: (how: End) => void = () => {}
  const told = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // A terminal sends the same signal to the whole group, npm passes its own on: more of them mean the same.
    process.on(signal, () => {
      told.abort()
      end({ exitCode: 0 })
    })
  }
  for (let invite = join; ; invite = null) {
    const ended = new Promise<End>(resolve => {
      end = resolve
    })
    const how = await run({ sources, join: invite, signal: told.signal, ended, end: how => end(how) })
    if (how !== 'restart') process.exit(how.exitCode)
  }
}

interface Run {
  readonly sources: ConfigSources
  readonly join: string | null
  /** Aborted when the program was told to end. */
  readonly signal: AbortSignal
  readonly ended: Promise<End>
  readonly end: (how: End) => void
}

/** One node from its configuration to its end. */
async function run({ sources, join, signal, ended, end }: Run): Promise<End> {
  const { config, file } = loadConfig(sources)
  const tail = new LogTail()
  const log = createLog({ level: config.logging.level, format: config.logging.format, tail })
  log.info(
    { version: VERSION, node: process.version, config: file ?? 'built-in default', dataDir: config.data_dir },
    'P2Poolv2 starts'
  )
  let node: RunningNode
  try {
    if (file !== null && namedPlaces(sources).dataDir === null) refuseMovedFolder(file, config.data_dir)
    openDataDir(config.data_dir)
    node = await startNode(config, join === null ? null : invitation(join), {
      log,
      signal,
      logLines: () => tail.lines,
      configFile: file,
      setup: { sources, restart: () => end('restart') },
      onStopped: reason => {
        if (reason.code === 'shutdown') return
        log.error(MESSAGES.nodeStops, { reason: reason.code, detail: withoutCredentials(reason.message) })
        end({ exitCode: 1 })
      }
    })
  } catch (error) {
    if (signal.aborted && error === signal.reason) {
      log.info({}, 'stopped before it had started')
      return { exitCode: 0 }
    }
    throw error instanceof StartError && error.cause instanceof Error ? error.cause : error
  }
  // From here on there is something to stop in order; until now an error ends the program by itself.
  const onBug = (error: Error): void => {
    log.error(MESSAGES.crash, { err: error })
    end({ exitCode: 1 })
  }
  process.on('uncaughtException', onBug)

  try {
    for (const line of welcome(node, config.stratum.hostname, config.api.hostname)) log.info({}, line)
    if (file === null) sayOwnerLink(config.data_dir)
  } catch (error) {
    await node.stop()
    throw error
  }
  const timer = setInterval(() => log.info({}, statusLine(node.status())), STATUS_MS)
  const how = await ended
  clearInterval(timer)
  log.info({}, how === 'restart' ? 'stopping, to start again with the configuration that was written' : 'stopping')
  await node.stop()
  process.off('uncaughtException', onBug)
  log.info({}, 'stopped')
  return how
}

/** For who sits at the terminal: it is a secret, and no log keeps it. Set off from the lines that follow it at once. */
function sayOwnerLink(dataDir: string): void {
  const running = readRunningFile(dataDir)
  if (process.stdout.isTTY && running !== null)
    process.stdout.write(
      `\nto take this node to a real chain on its page, open (./p2poolv2 link prints it again):\n\n    ${ownerLink(running)}\n\n`
    )
}

/** @throws ConfigError for text that is no invite */
function invitation(text: string): Invite {
  try {
    const target = parseDialTarget(text)
    if (target.type === 'invite') return target.invite
  } catch (cause) {
    if (!(cause instanceof InviteError)) throw cause
    throw new ConfigError(`--join: ${cause.message}`, { cause })
  }
  throw new ConfigError(
    '--join takes an invite, which ./p2poolv2 invite prints; set an address as p2p.dial_peers instead'
  )
}

function welcome(node: RunningNode, stratumHost: string, apiHost: string): string[] {
  const lines = [
    `page: http://${urlHost(apiHost)}:${node.apiPort}`,
    ...minerHosts(stratumHost).map(
      address => `miners: stratum+tcp://${urlHost(address)}:${node.stratumPort}  user: your bitcoin address`
    ),
    ...(node.stratumV2 === null ? [] : v2Lines(node.stratumV2, stratumHost)),
    `share-chain address of this node: ${node.shareAddress}`
  ]
  const invite = node.invite()
  lines.push(
    invite === null
      ? 'this node stands alone: it has no peers and makes no shares of the share chain'
      : `to join this node, start another with: --join ${invite}`
  )
  if (node.embeddedChain)
    lines.push(
      'this is a development chain: its coins are worth nothing; ./p2poolv2 init --chain main writes a configuration for a real one, or the page does, opened by what ./p2poolv2 link prints'
    )
  return lines
}

function v2Lines({ port, authorityText }: NonNullable<RunningNode['stratumV2']>, stratumHost: string): string[] {
  return minerHosts(stratumHost).map(
    address => `miners of Stratum V2: stratum2+tcp://${urlHost(address)}:${port}/${authorityText}`
  )
}

/** Addresses under which miners reach us: those of the LAN when listening on all, else the one configured. */
function minerHosts(hostname: string): string[] {
  if (hostname !== '0.0.0.0' && hostname !== '::') return [hostname]
  const lan = Object.values(networkInterfaces()).flatMap(entries =>
    (entries ?? []).filter(entry => !entry.internal && entry.family === 'IPv4').map(entry => entry.address)
  )
  return lan.length === 0 ? ['127.0.0.1'] : lan
}

function urlHost(hostname: string): string {
  if (hostname === '0.0.0.0') return '127.0.0.1'
  return hostname.includes(':') ? `[${hostname}]` : hostname
}
