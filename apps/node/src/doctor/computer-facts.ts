import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { open, rm, statfs } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { freemem, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { withoutCredentials } from '@p2poolv2/runtime'
import { storeFolder, WALLET_FILE_NAME } from '../data/data-dir.ts'
import { fileReason } from '../data/file-trouble.ts'
import type { Config } from '../settings.ts'
import { configAnswer } from '../wire/api-answers.ts'
import { descriptorLimit } from '../wire/miners/connection-cap.ts'
import type { ComputerFacts, PortFacts } from './computer-probes.ts'

/** For each thing that is asked of the system or a socket. */
const ANSWER_WITHIN_MS = 2_000

/** Ports of a node that runs, where they differ from the configured ones. */
export interface RunningPorts {
  readonly stratum: number
  readonly api: number
  readonly p2p: number | null
}

/** Looks at this computer as a node with this configuration finds it. Changes nothing, but for a file of a few bytes that is gone at once. */
export async function computerFacts(
  config: Config,
  file: string | null,
  running: RunningPorts | null
): Promise<ComputerFacts> {
  const wallet = join(config.data_dir, WALLET_FILE_NAME)
  const port = (host: string, wanted: number, own: number | null): Promise<PortFacts> =>
    running === null ? wantedPort(host, wanted) : ownPort(host, own ?? wanted)
  const { stratum, api, p2p } = config
  return {
    nodeVersion: process.version,
    disk: await freeSpace(config.data_dir),
    dataDir: await writing(config.data_dir),
    openSecrets: [wallet, ...(file !== null && hasPassword(config) ? [file] : [])].filter(isReadByOthers),
    wallet: existsSync(wallet) ? 'there' : existsSync(storeFolder(config.data_dir, config.chain)) ? 'lost' : 'none',
    storeLayout: await storeLayout(storeFolder(config.data_dir, config.chain)),
    openFiles: descriptorLimit(),
    maxConnections: stratum.max_connections,
    memory: { totalBytes: totalmem(), freeBytes: process.availableMemory?.() ?? freemem() },
    clockSynchronised: await clockSynchronised(),
    stratum: await port(stratum.hostname, stratum.port, running?.stratum ?? null),
    api: await port(api.hostname, api.port, running?.api ?? null),
    p2p: config.mode === 'sharechain' ? await port(p2p.hostname, p2p.port, running?.p2p ?? null) : null
  }
}

/** Read beside the store, which a node that runs has open. */
async function storeLayout(folder: string): Promise<number | null> {
  const { readOwner } = await import('@p2poolv2/sharechain/level')
  return (await readOwner(folder))?.schemaVersion ?? null
}

/** Whether a key is set whose value nobody else should see. */
function hasPassword(config: Config): boolean {
  const isHidden = configAnswer(config, null).settings.some(({ value }) => value === '***')
  return isHidden || config.bitcoind.some(({ url }) => withoutCredentials(url) !== url)
}

function isReadByOthers(file: string): boolean {
  if (process.platform === 'win32') return false
  const mode = statSync(file, { throwIfNoEntry: false })?.mode
  return mode !== undefined && (mode & 0o077) !== 0
}

async function freeSpace(folder: string): Promise<ComputerFacts['disk']> {
  try {
    const { bavail, bsize } = await statfs(firstThatIs(folder))
    return { freeBytes: bavail * bsize, path: folder }
  } catch {
    return null
  }
}

function firstThatIs(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : firstThatIs(dirname(folder))
}

async function writing(path: string): Promise<ComputerFacts['dataDir']> {
  if (!existsSync(path)) return { path, syncMs: null, problem: problemOfMaking(path) }
  const file = join(path, `doctor-${randomBytes(6).toString('hex')}.tmp`)
  const beganMs = performance.now()
  try {
    const handle = await open(file, 'wx', 0o600)
    try {
      await handle.writeFile('x')
      await handle.sync()
    } finally {
      await handle.close()
    }
    return { path, syncMs: performance.now() - beganMs, problem: null }
  } catch (error) {
    return { path, syncMs: null, problem: fileReason(error as Error) }
  } finally {
    await rm(file, { force: true }).catch(() => undefined)
  }
}

/** Why a folder could not be made, as far as can be told without making it. */
function problemOfMaking(path: string): string | null {
  try {
    accessSync(firstThatIs(path), constants.W_OK | constants.X_OK)
    return null
  } catch (error) {
    return fileReason(error as Error)
  }
}

async function clockSynchronised(): Promise<boolean | null> {
  try {
    const { stdout } = await promisify(execFile)('timedatectl', ['show', '--property=NTPSynchronized', '--value'], {
      timeout: ANSWER_WITHIN_MS
    })
    return stdout.trim() === 'yes' ? true : stdout.trim() === 'no' ? false : null
  } catch {
    return null
  }
}

const LISTEN_STATES: Readonly<Record<string, PortFacts['state']>> = {
  EADDRINUSE: 'taken',
  EACCES: 'forbidden',
  EADDRNOTAVAIL: 'no-such-address',
  ENOTFOUND: 'no-such-address'
}

/** Whether a node could listen there. */
function wantedPort(host: string, port: number): Promise<PortFacts> {
  return new Promise(resolve => {
    const server = createServer()
    const end = (state: PortFacts['state']): void => resolve({ host, port, state })
    server.once('error', (error: NodeJS.ErrnoException) => end(LISTEN_STATES[error.code ?? ''] ?? 'no-such-address'))
    server.listen({ host, port }, () => server.close(() => end('free')))
  })
}

/** Whether the running node answers there. */
function ownPort(host: string, port: number): Promise<PortFacts> {
  return new Promise(resolve => {
    const any = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
    const socket = connect({ host: any, port, timeout: ANSWER_WITHIN_MS })
    const end = (state: PortFacts['state']): void => {
      socket.destroy()
      resolve({ host, port, state })
    }
    socket.once('connect', () => end('ours'))
    socket.once('timeout', () => end('silent'))
    socket.once('error', () => end('silent'))
  })
}
