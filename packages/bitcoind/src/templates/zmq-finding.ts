import type { CallOptions, RpcClient } from '../rpc/rpc-client.ts'
import { RpcError } from '../rpc/rpc-error.ts'

/** More publishers than any node has; the rest is not looked at. */
const MAX_NOTIFICATIONS = 100

/**
 * Asks the node whether it publishes `hashblock` at `address`.
 * @returns null if it does, else what to do, with the exact bitcoin.conf line
 * @throws RpcError when the node cannot be asked
 */
export async function zmqProblem(
  client: RpcClient,
  address: string,
  options: CallOptions = {}
): Promise<string | null> {
  const wanted = endpoint(address)
  if (wanted === null) {
    return `${address} is not a ZeroMQ address such as tcp://127.0.0.1:28332: correct [bitcoind] zmq_hashblock`
  }
  let answer: unknown
  try {
    answer = await client.call('getzmqnotifications', [], options)
  } catch (error) {
    // A node built without ZeroMQ does not know the call.
    if (!(error instanceof RpcError) || error.code !== 'refused') throw error
    return `${client.url} was built without ZeroMQ: remove [bitcoind] zmq_hashblock; new blocks are noticed by long poll`
  }
  const published = publishedAddresses(answer)
  if (published.some(theirs => matches(theirs, wanted))) return null
  const line = `zmqpubhashblock=tcp://${isLoopback(wanted.host) ? '127.0.0.1' : '0.0.0.0'}:${wanted.port}`
  const elsewhere = published.length === 0 ? 'nowhere' : `at ${published.slice(0, 3).join(', ')}`
  return `${client.url} publishes hashblock ${elsewhere}: add the line ${line} to its bitcoin.conf and restart it, or correct [bitcoind] zmq_hashblock (now ${address}); new blocks are noticed by long poll meanwhile`
}

interface Endpoint {
  readonly host: string
  readonly port: string
}

function publishedAddresses(answer: unknown): string[] {
  if (!Array.isArray(answer)) return []
  const addresses: string[] = []
  for (const item of answer.slice(0, MAX_NOTIFICATIONS)) {
    if (typeof item !== 'object' || item === null) continue
    const { type, address } = item as { type?: unknown; address?: unknown }
    if (type === 'pubhashblock' && typeof address === 'string' && endpoint(address) !== null) addresses.push(address)
  }
  return addresses
}

function endpoint(address: string): Endpoint | null {
  const found = /^tcp:\/\/(\[[0-9a-f:.]+\]|[a-z0-9_.*-]+):(\d{1,5})$/i.exec(address)
  const [, host, port] = found ?? []
  return host === undefined || port === undefined ? null : { host: host.toLowerCase(), port }
}

/** Whether a publisher bound to `theirs` is heard at `wanted`, as far as one can tell from the two texts. */
function matches(theirs: string, wanted: Endpoint): boolean {
  const bound = endpoint(theirs)
  if (bound === null || bound.port !== wanted.port) return false
  if (['0.0.0.0', '[::]', '*'].includes(bound.host) || bound.host === wanted.host) return true
  return isLoopback(bound.host) && isLoopback(wanted.host)
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\./.test(host)
}
