import type { BitcoindState } from '../config.ts'
import { getChainInfo, getTemplate, type NodeChainInfo } from '../rpc/node-answers.ts'
import type { CallOptions, RpcClient } from '../rpc/rpc-client.ts'
import { NODE_CODE, RpcError } from '../rpc/rpc-error.ts'
import { zmqProblem } from './zmq-finding.ts'
import { loadZmq } from './zmq-hashblock.ts'

export interface PreflightExpectations {
  /** Accepted values of `getblockchaininfo`'s `chain`. */
  readonly chains: readonly string[]
  /** Where new blocks should be heard; nothing is checked when absent. */
  readonly zmqHashblock?: string | undefined
}

/**
 * | code | severity | meaning |
 * | --- | --- | --- |
 * | `node-unusable` | `fatal`, or `wait` while it may come up by itself | no call succeeds |
 * | `wrong-network` | `fatal` | the node is on another chain |
 * | `node-syncing` | `wait` | it has not caught up, or has no peers yet |
 * | `template-refused` | `fatal` | `getblocktemplate` fails |
 * | `zmq-not-configured` | `warning` | new blocks will be noticed later than they could be |
 * | `zmq-not-available` | `warning` | this computer has no ZeroMQ |
 */
export type FindingCode =
  | 'node-unusable'
  | 'wrong-network'
  | 'node-syncing'
  | 'template-refused'
  | 'zmq-not-configured'
  | 'zmq-not-available'

export interface Finding {
  readonly code: FindingCode
  /** `fatal`: the operator has to change something. `wait`: it may pass. `warning`: it works, but less well. */
  readonly severity: 'fatal' | 'wait' | 'warning'
  /** For the operator: what was seen and what to change. */
  readonly message: string
}

/**
 * Asks one node everything that mining with it needs.
 * @returns the findings, worst first; none if all is well. Never rejects, except for a bug.
 */
export async function preflight(
  client: RpcClient,
  expectations: PreflightExpectations,
  options: CallOptions = {}
): Promise<readonly Finding[]> {
  let info: NodeChainInfo
  try {
    info = await getChainInfo(client, options)
  } catch (error) {
    return [unusable(error)]
  }
  const findings: Finding[] = []
  const network = wrongNetwork(client, info, expectations.chains)
  if (network !== null) findings.push({ code: 'wrong-network', severity: 'fatal', message: network })
  const syncing = behind(client, info)
  if (syncing !== null) findings.push({ code: 'node-syncing', severity: 'wait', message: syncing })
  try {
    await getTemplate(client, { ...options, chain: info.chain })
  } catch (error) {
    const finding = templateFinding(error)
    if (!findings.some(({ code }) => code === finding.code)) findings.push(finding)
  }
  if (expectations.zmqHashblock !== undefined) {
    findings.push(...(await zmqFindings(client, expectations.zmqHashblock, options)))
  }
  return findings
}

/** The sentence for a node on another chain than ours, or null. */
export function wrongNetwork(client: RpcClient, info: NodeChainInfo, chains: readonly string[]): string | null {
  if (chains.includes(info.chain)) return null
  return `${client.url} is on the bitcoin network '${info.chain}', not on '${chains.join("' or '")}': correct chain, or [bitcoind] url`
}

/** A node may be so many blocks short of its headers while it connects those that have just come. */
const BLOCKS_IN_FLIGHT = 2

/**
 * The sentence for a node that has not caught up, by what it says of itself and of its headers, or null. On test chains bitcoind
 * gives templates all the same, on a tip that nobody else has.
 */
export function behind(client: RpcClient, info: NodeChainInfo): string | null {
  const { blocks, headers, chain, initialBlockDownload } = info
  if (headers > blocks && (initialBlockDownload || headers - blocks > BLOCKS_IN_FLIGHT))
    return `${client.url} is still catching up: it has ${blocks} of ${headers} blocks`
  if (!initialBlockDownload) return null
  const own =
    chain === 'main' ? '' : `; on a chain of your own make one: bitcoin-cli -${chain} generatetoaddress 1 ADDRESS`
  return `${client.url} has not caught up: its newest block, at height ${blocks}, is a day old or more, and it knows of no newer one. Let it find peers${own}`
}

/** What a failed call says about a node's state. */
export function stateOfError(error: RpcError): BitcoindState {
  switch (error.code) {
    case 'unreachable':
    case 'timed-out':
    case 'cookie-missing':
    case 'aborted':
      return 'unreachable'
    case 'starting':
    case 'busy':
      return 'starting'
    case 'refused':
      return error.nodeCode === NODE_CODE.notConnected || error.nodeCode === NODE_CODE.initialDownload
        ? 'syncing'
        : 'misconfigured'
    case 'bad-url':
    case 'cookie-unreadable':
    case 'unauthorised':
    case 'forbidden':
    case 'not-a-node':
    case 'oversize':
    case 'bad-answer':
      return 'misconfigured'
    default:
      return error.code satisfies never
  }
}

function unusable(error: unknown): Finding {
  if (!(error instanceof RpcError)) throw error
  const severity = stateOfError(error) === 'misconfigured' ? 'fatal' : 'wait'
  return { code: 'node-unusable', severity, message: error.message }
}

function templateFinding(error: unknown): Finding {
  if (!(error instanceof RpcError)) throw error
  const state = stateOfError(error)
  if (state === 'syncing') return { code: 'node-syncing', severity: 'wait', message: error.message }
  if (state !== 'misconfigured') return { code: 'node-unusable', severity: 'wait', message: error.message }
  return { code: 'template-refused', severity: 'fatal', message: error.message }
}

async function zmqFindings(client: RpcClient, address: string, options: CallOptions): Promise<Finding[]> {
  const findings: Finding[] = []
  const loaded = await loadZmq()
  if (!loaded.ok) findings.push({ code: 'zmq-not-available', severity: 'warning', message: loaded.message })
  try {
    const message = await zmqProblem(client, address, options)
    if (message !== null) findings.push({ code: 'zmq-not-configured', severity: 'warning', message })
  } catch (error) {
    findings.push(unusable(error))
  }
  return findings
}
