import { readFileSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { RpcClient, RpcError } from '@p2poolv2/bitcoind'
import type { Config } from '../settings.ts'
import type { BitcoindFacts } from './bitcoind-probes.ts'

const ANSWER_WITHIN_MS = 5_000
/** A longer bitcoin.conf is not read. */
const MAX_CONF_BYTES = 1_000_000

type Entry = Config['bitcoind'][number]

/** Asks one bitcoin node what a doctor wants to know. Never rejects. */
export async function bitcoindFacts(entry: Entry): Promise<BitcoindFacts> {
  const { url, cookie_file: cookieFile, user, password, zmq_hashblock: zmqHashblock } = entry
  const client = new RpcClient({ url, cookieFile, user, password, timeoutMs: ANSWER_WITHIN_MS })
  /** Null where it refuses: it may allow its callers a few methods only. */
  const ask = async (method: string): Promise<Record<string, unknown> | null> => {
    try {
      return asRecord(await client.call(method))
    } catch (error) {
      if (error instanceof RpcError && error.code === 'refused') return null
      throw error
    }
  }
  const unasked = {
    url: client.url,
    zmq: null,
    conf: null,
    hashblockAddresses: null,
    warnings: [],
    relays: true,
    pruned: false
  }
  const nothing = {
    chain: null,
    blocks: null,
    headers: null,
    initialBlockDownload: false,
    peers: null,
    version: null,
    name: null
  }
  try {
    const chain = await ask('getblockchaininfo')
    const network = await ask('getnetworkinfo')
    const notifications = await ask('getzmqnotifications')
    return {
      ...unasked,
      problem: null,
      chain: text(chain?.['chain']),
      blocks: number(chain?.['blocks']),
      headers: number(chain?.['headers']),
      initialBlockDownload: chain?.['initialblockdownload'] === true,
      pruned: chain?.['pruned'] === true,
      peers: number(network?.['connections']),
      version: number(network?.['version']),
      name: text(network?.['subversion'])?.replaceAll('/', '') ?? null,
      relays: network?.['localrelay'] !== false,
      warnings: texts(network?.['warnings']),
      hashblockAddresses: notifications === null ? null : hashblocks(Object.values(notifications)),
      zmq: zmqHashblock === undefined ? null : { address: zmqHashblock, answers: await answers(zmqHashblock) },
      conf: cookieFile === undefined ? null : confBeside(cookieFile)
    }
  } catch (error) {
    if (!(error instanceof RpcError)) throw error
    return { ...unasked, ...nothing, problem: error.message }
  } finally {
    client.close()
  }
}

/** A list is taken as a record of its places. */
function asRecord(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null ? { ...value } : null
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value.slice(0, 100) : null)
const number = (value: unknown): number | null => (typeof value === 'number' ? value : null)

/** Of old versions one text, of new ones a list. */
function texts(value: unknown): string[] {
  const list = Array.isArray(value) ? value : [value]
  return list.filter((one): one is string => typeof one === 'string' && one !== '').slice(0, 10)
}

function hashblocks(entries: readonly unknown[]): string[] {
  return entries.flatMap(entry => {
    const { type, address } = asRecord(entry) ?? {}
    return type === 'pubhashblock' && typeof address === 'string' ? [address] : []
  })
}

/** Whether somebody takes a connection there. */
function answers(address: string): Promise<boolean> {
  const [, host, port] = /^tcp:\/\/\[?([^\]]+?)\]?:(\d+)$/.exec(address) ?? []
  const path = /^ipc:\/\/(.+)$/.exec(address)?.[1]
  if (path === undefined && (host === undefined || port === undefined)) return Promise.resolve(false)
  return new Promise(resolve => {
    const socket =
      path === undefined
        ? connect({ host: host ?? '', port: Number(port), timeout: ANSWER_WITHIN_MS })
        : connect({ path, timeout: ANSWER_WITHIN_MS })
    const end = (isThere: boolean): void => {
      socket.destroy()
      resolve(isThere)
    }
    socket.once('connect', () => end(true))
    socket.once('timeout', () => end(false))
    socket.once('error', () => end(false))
  })
}

/** The cookie lies in the folder of its chain, bitcoin.conf in that folder or the one above. */
function confBeside(cookieFile: string): BitcoindFacts['conf'] {
  for (const folder of [dirname(cookieFile), dirname(dirname(cookieFile))]) {
    const file = join(folder, 'bitcoin.conf')
    try {
      if (statSync(file).size > MAX_CONF_BYTES) return null
      return { file, values: confValues(readFileSync(file, 'utf8')) }
    } catch {
      // Not there, or not for this user.
    }
  }
  return null
}

/** The last line of a name counts, whatever its section: a doctor looks at what may be meant. */
export function confValues(content: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const line of content.split('\n')) {
    const [, name, value] = /^\s*([a-z]+)\s*=\s*([^#]*?)\s*(?:#.*)?$/.exec(line) ?? []
    if (name !== undefined && value !== undefined) values.set(name, value)
  }
  return values
}
