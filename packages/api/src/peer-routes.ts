import { createHash, timingSafeEqual } from 'node:crypto'
import {
  addPeerSchema,
  banSchema,
  type DoneJson,
  type ErrorJson,
  inviteSchema,
  type PeersJson,
  peersSchema,
  unbanSchema
} from '@p2poolv2/api/schema'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'

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

/**
 * What is read is open to whoever reaches the port; what changes the node needs the token that the node writes into its
 * data directory, so that no page in a browser and no other user of the computer can.
 */
export function peerRoutes(
  server: FastifyInstance,
  options: { readonly sources: PeerSources; readonly token: string }
): void {
  const { sources, token } = options
  server.get('/v1/peers', async () => peersSchema.encode(sources.peers()))
  server.get('/v1/invite', async () => inviteSchema.encode({ invite: sources.invite() }))

  const command = <T>(path: string, schema: z.ZodType<T>, run: (body: T) => string): void => {
    server.post(path, async (request: FastifyRequest, reply: FastifyReply): Promise<DoneJson | ErrorJson> => {
      if (!isAuthorised(request.headers.authorization, token)) {
        void reply.code(401)
        return {
          error: 'this changes the node: send the token of running.json in its data directory as a Bearer token'
        }
      }
      const body = schema.safeParse(request.body)
      if (!body.success) {
        void reply.code(400)
        return { error: z.prettifyError(body.error) }
      }
      try {
        return { done: run(body.data) }
      } catch (error) {
        if (!(error instanceof CommandRefused)) throw error
        void reply.code(409)
        return { error: error.message }
      }
    })
  }
  command('/v1/peers', addPeerSchema, ({ address }) => sources.add(address))
  command('/v1/bans', banSchema, ({ who, seconds }) => sources.ban(who, seconds))
  command('/v1/unbans', unbanSchema, ({ who }) => sources.unban(who))
}

function isAuthorised(header: string | undefined, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(header ?? ''), digest(`Bearer ${token}`))
}
