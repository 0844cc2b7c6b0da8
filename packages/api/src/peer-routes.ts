import { inviteSchema, type PeersJson, peersSchema } from '@p2poolv2/api/schema'
import type { FastifyInstance } from 'fastify'
import { answering, NoAnswer } from './answering.ts'

/** What cannot be done as it was asked; the message says why and what to do. */
export class CommandRefused extends Error {
  readonly code = 'command-refused'
}

/** The peers of this node, and what can be done about them. */
export interface PeerSources {
  readonly peers: () => PeersJson
  readonly invite: () => string
  /** Each says what was done. @throws CommandRefused */
  readonly add: (address: string) => string
  readonly ban: (who: string, seconds: number) => string
  readonly unban: (who: string) => string
}

/** What changes the node needs a login or the token of its data directory: see the gate. */
export function peerRoutes(server: FastifyInstance, sources: PeerSources): void {
  answering(server, 'peers', () => peersSchema.encode(sources.peers()))
  answering(server, 'invite', () => inviteSchema.encode({ invite: sources.invite() }))
  answering(server, 'addPeer', ({ body }) => doing(() => sources.add(body.address)))
  answering(server, 'ban', ({ body }) => doing(() => sources.ban(body.who, body.seconds)))
  answering(server, 'unban', ({ body }) => doing(() => sources.unban(body.who)))
}

function doing(command: () => string): { readonly done: string } {
  try {
    return { done: command() }
  } catch (error) {
    if (!(error instanceof CommandRefused)) throw error
    throw new NoAnswer(409, error.message)
  }
}
