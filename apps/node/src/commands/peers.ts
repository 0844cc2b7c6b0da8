import { doneSchema, type PeersJson, peersSchema } from '@p2poolv2/api/schema'
import { type NodeAt, noNodeRuns, type RunningNodeClient, runningNode } from './running-node.ts'

/** The peers of the running node, one a line. */
export async function listPeers(at: NodeAt): Promise<string> {
  return peersText(await (await client(at)).get('/v1/peers', peersSchema))
}

/** @param address an invite or a multiaddr */
export async function addPeer(at: NodeAt, address: string): Promise<string> {
  return (await (await client(at)).post('/v1/peers', { address }, doneSchema)).done
}

/** @param who what was added, or the peer id that is there */
export async function removePeer(at: NodeAt, who: string): Promise<string> {
  return (await (await client(at)).post('/v1/peers/remove', { who }, doneSchema)).done
}

/** @param who a peer id or an IP address */
export async function banPeer(at: NodeAt, who: string, seconds: number): Promise<string> {
  return (await (await client(at)).post('/v1/bans', { who, seconds }, doneSchema)).done
}

export async function unbanPeer(at: NodeAt, who: string): Promise<string> {
  return (await (await client(at)).post('/v1/unbans', { who }, doneSchema)).done
}

async function client(at: NodeAt): Promise<RunningNodeClient> {
  const node = await runningNode(at)
  if (node === null) throw noNodeRuns(at.dataDir)
  return node
}

const HEAD = ['peer', 'address', 'way', 'height shown', 'latency', 'in', 'out', 'points', 'since', 'program'] as const

/** A table for a person. */
export function peersText(answer: PeersJson): string {
  const rows = answer.peers.map(peer => [
    peer.peer,
    peer.address,
    peer.direction,
    heightText(peer),
    peer.latencyMs === null ? '–' : `${Math.round(peer.latencyMs)} ms`,
    bytesText(peer.bytesIn),
    bytesText(peer.bytesOut),
    `${peer.penaltyPoints}`,
    spanText(peer.connectedSec),
    `${peer.agent ?? '–'}${peer.rules === null || peer.rules.length === 0 ? '' : ` (other rules: ${peer.rules.join(', ')})`}`
  ])
  const table = [[...HEAD], ...rows]
  const widths = HEAD.map((_, column) => Math.max(...table.map(row => (row[column] ?? '').length)))
  const lines = table.map(row =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  )
  const bans = answer.bans.map(
    ({ who, reason, until }) => `banned until ${new Date(until * 1_000).toISOString()}: ${who} (${reason})`
  )
  const reach = {
    reachable: 'others can dial it',
    'outbound-only': 'others cannot dial it, which is fine as long as it can dial them',
    unknown: 'whether others can dial it is not known yet'
  }[answer.reachability]
  const known = answer.knownAddresses === 1 ? '1 address' : `${answer.knownAddresses} addresses`
  const self = `this node: ${answer.peer}; ${reach}; ${known} of other nodes known`
  return [...lines, ...bans, self].join('\n')
}

/** What it showed; else what it only told. */
function heightText({ shownHeight, height }: PeersJson['peers'][number]): string {
  if (shownHeight !== null) return `${shownHeight}`
  return height === null ? '–' : `(told ${height})`
}

function bytesText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}

function spanText(sec: number): string {
  if (sec < 60) return `${sec} s`
  if (sec < 3_600) return `${Math.floor(sec / 60)} min`
  return sec < 172_800 ? `${Math.floor(sec / 3_600)} h` : `${Math.floor(sec / 86_400)} days`
}
