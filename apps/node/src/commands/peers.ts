import { doneSchema } from '@p2poolv2/api/schema'
import { type NodeAt, theRunningNode } from './running-node.ts'

/** @param address an invite or a multiaddr @returns what was done */
export async function addPeer(at: NodeAt, address: string): Promise<string> {
  return done(at, '/v1/peers', { address })
}

/** @param who what was added, or the peer id that is there */
export async function removePeer(at: NodeAt, who: string): Promise<string> {
  return done(at, '/v1/peers/remove', { who })
}

/** @param who a peer id or an IP address */
export async function banPeer(at: NodeAt, who: string, seconds: number): Promise<string> {
  return done(at, '/v1/bans', { who, seconds })
}

export async function unbanPeer(at: NodeAt, who: string): Promise<string> {
  return done(at, '/v1/unbans', { who })
}

async function done(at: NodeAt, path: string, body: unknown): Promise<string> {
  return (await (await theRunningNode(at)).post(path, body, doneSchema)).done
}
