import { isIP } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { NoAnswer } from '../answering.ts'
import { CommandRefused, type PeerSources } from '../peer-routes.ts'
import { asked, MAX_LISTED, wholeNumber } from './asked.ts'

/** As long as a ban may last. */
const FOR_GOOD_SEC = 31_536_000

const ipBody = z.object({ ip: z.string().max(64) })
/** RFC 3339; what comes unescaped has a space where its plus sign was. */
const time = z
  .string()
  .max(64)
  .transform(text => text.replace(/ (?=\d\d:\d\d$)/, '+'))
  .pipe(z.iso.datetime({ offset: true }))
  .optional()
const windowQuery = z.object({
  limit: wholeNumber.min(1).max(MAX_LISTED).default(MAX_LISTED),
  start_time: time,
  end_time: time
})

/** The reference's routes about peers, and the one that only its other mode fills. */
export function referencePeerRoutes(server: FastifyInstance, sources: PeerSources): void {
  server.get('/peers', async () =>
    sources.peers().peers.map(({ peer, address, direction, connectedSec }) => ({
      peer_id: peer,
      ip: /^\/ip[46]\/([^/]+)/.exec(address)?.[1] ?? null,
      address,
      direction: direction === 'inbound' ? 'Inbound' : 'Outbound',
      connected_secs: connectedSec
    }))
  )
  server.get('/blocked_ips', async () =>
    sources.peers().bans.flatMap(({ who }) => (who.startsWith('ip:') ? [who.slice('ip:'.length)] : []))
  )
  const config = { access: 'command' } as const
  server.post('/blocked_ips', { config }, async request => {
    const ip = askedIp(request.body)
    told(() => sources.ban(ip, FOR_GOOD_SEC))
    return { blocked: ip }
  })
  server.delete('/blocked_ips', { config }, async request => {
    const ip = askedIp(request.body)
    told(() => sources.unban(ip))
    return { unblocked: ip }
  })
  server.get('/pplns_shares', async request => {
    const { start_time, end_time } = asked(windowQuery, request.query)
    if (start_time !== undefined && end_time !== undefined && Date.parse(end_time) < Date.parse(start_time))
      throw new NoAnswer(400, 'end_time is before start_time')
    return []
  })
}

function askedIp(body: unknown): string {
  const { ip } = asked(ipBody, body)
  if (isIP(ip) === 0) throw new NoAnswer(400, `Invalid IP address: ${ip}`)
  return ip
}

function told(command: () => string): void {
  try {
    command()
  } catch (error) {
    if (!(error instanceof CommandRefused)) throw error
    throw new NoAnswer(404, error.message)
  }
}
