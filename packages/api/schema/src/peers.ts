import { z } from 'zod'
import { count } from './values.ts'

const peer = z.object({
  peer: z.string().describe('Peer id, as in /p2p/… of an address.'),
  address: z.string().describe('Where the connection comes from or goes to.'),
  direction: z.enum(['inbound', 'outbound']).describe('outbound: this node dialled.'),
  agent: z.string().nullable().describe('What its program calls itself, unchecked; null until it has told.'),
  dialect: z
    .enum(['ours', 'reference'])
    .nullable()
    .describe('ours: topics and templates too; reference: the protocol alone; null until it has told.'),
  height: count.nullable().describe('Share height it told of itself, unchecked; null before its handshake.'),
  shownHeight: count
    .nullable()
    .describe('Height of the newest share it showed: announced, brought or had among its headers; null before any.'),
  latencyMs: z.number().nullable().describe('Round trip of the last ping in milliseconds; null before the first.'),
  bytesIn: count.describe('Bytes received on this connection.'),
  bytesOut: count.describe('Bytes sent on this connection.'),
  penaltyPoints: z.number().describe('Held against it for what no honest peer does; at 100 it is dropped.'),
  connectedSec: count.describe('Seconds since it connected.'),
  rules: z
    .array(z.string())
    .nullable()
    .describe('Consensus values in which it differs from this node; empty when all are the same, null when not known.')
})

const ban = z.object({
  who: z.string().describe('peer:<id> or ip:<address>.'),
  reason: z.string().describe('Why.'),
  until: count.describe('When it ends, unix seconds.')
})

/** The answer of `GET /v1/peers`. */
export const peersSchema = z.object({
  peer: z.string().describe('Peer id of this node.'),
  listening: z.array(z.string()).describe('Addresses this node listens on.'),
  reachability: z
    .enum(['reachable', 'outbound-only', 'unknown'])
    .describe('Whether a peer could dial back; unknown until one has tried.'),
  peers: z.array(peer).describe('Connected peers, the oldest connection first.'),
  bans: z.array(ban).describe('Who is refused for the time being.'),
  knownAddresses: count.describe('Addresses of nodes this node could dial.')
})

export type PeersJson = z.infer<typeof peersSchema>

/** The answer of `GET /v1/invite`. */
export const inviteSchema = z.object({
  invite: z.string().describe('One string with which another node joins this one: ./p2poolv2 start --join <invite>')
})

/** The body of `POST /v1/peers`. */
export const addPeerSchema = z.strictObject({
  address: z
    .string()
    .min(1)
    .max(4_096)
    .describe('An invite, or an address like 192.0.2.1:6884 or /ip4/192.0.2.1/tcp/6884')
})

/** The body of `POST /v1/peers/remove`. */
export const removePeerSchema = z.strictObject({
  who: z.string().min(1).max(4_096).describe('What was added: an address, a peer id or an invite.')
})

/** The body of `POST /v1/bans`. */
export const banSchema = z.strictObject({
  who: z.string().min(1).max(128).describe('A peer id or an IP address.'),
  seconds: z.int().min(1).max(31_536_000).default(86_400).describe('How long; default a day.')
})

/** The body of `POST /v1/unbans`. */
export const unbanSchema = z.strictObject({ who: z.string().min(1).max(128).describe('A peer id or an IP address.') })

/** The answer of what was told to do something. */
export const doneSchema = z.object({ done: z.string().describe('What was done, for a person.') })
