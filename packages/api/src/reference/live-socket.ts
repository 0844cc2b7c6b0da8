import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ShareReads } from '@p2poolv2/node'
import type { ShareHash } from '@p2poolv2/primitives'
import { type WebSocket, WebSocketServer } from 'ws'
import type { JournalListener } from '../events/journal.ts'
import { Places } from '../gate/places.ts'
import { shareInfo } from './share-shapes.ts'

/** Sockets at once; a further one takes the place of one of the host that has most, or is refused. */
export const MAX_SOCKETS = 32
/** Unsent bytes after which a client that does not read is disconnected: with holes in what it hears it would be wrong unnoticed. */
const MAX_UNSENT_BYTES = 1_048_576
/** What a client says is one short line. */
const MAX_FRAME_BYTES = 1_024
/** A client that answers no ping from one to the next is gone. */
const PING_MS = 30_000

const TOPICS = ['shares', 'peers'] as const
type Topic = (typeof TOPICS)[number]

/** The reference's WebSocket: nothing until something is subscribed to, no answer to that, malformed frames ignored. */
export class LiveSocket implements JournalListener {
  readonly #shares: ShareReads
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
    clientTracking: false
  })
  readonly #clients = new Map<
    WebSocket,
    { readonly topics: Set<Topic>; isAlive: boolean; readonly leave: () => void }
  >()
  readonly #places = new Places<WebSocket>(MAX_SOCKETS)
  #timer: NodeJS.Timeout | null = null

  constructor(shares: ShareReads) {
    this.#shares = shares
  }

  /** @param refusal of a request for the socket: an HTTP status, or null to let it in */
  attach(server: Server, refusal: (request: IncomingMessage) => number | null): void {
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => socket.destroy())
      // Whatever a stranger wrote there: most of it is no URL.
      const [path] = (request.url ?? '').split('?', 1)
      const status = path === '/ws' ? refusal(request) : 404
      const { remoteAddress = '' } = request.socket
      const code = status ?? (this.#hasRoom(remoteAddress) ? null : 503)
      if (code !== null) socket.end(`HTTP/1.1 ${code} Refused\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
      else this.#server.handleUpgrade(request, socket, head, client => this.#welcome(client, remoteAddress))
    })
    this.#timer = setInterval(() => this.#ping(), PING_MS)
    this.#timer.unref()
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    for (const client of this.#clients.keys()) client.terminate()
    this.#clients.clear()
  }

  confirmed(hash: ShareHash): void {
    this.#tell('shares', () => {
      const facts = this.#shares.facts(hash)
      return facts === undefined ? null : { topic: 'Share', data: shareInfo(this.#shares, facts) }
    })
  }

  peer(peerId: string, status: 'Connected' | 'Disconnected'): void {
    this.#tell('peers', () => ({ topic: 'Peer', data: { peer_id: peerId, status } }))
  }

  #hasRoom(address: string): boolean {
    const room = this.#places.room(address)
    if (typeof room === 'string') return room === 'free'
    // Its end is told later, and its place is needed now.
    this.#clients.get(room.inTheWay)?.leave()
    room.inTheWay.terminate()
    return true
  }

  #welcome(client: WebSocket, address: string): void {
    const leave = (): void => {
      this.#clients.delete(client)
      this.#places.leave(client, address)
    }
    const state = { topics: new Set<Topic>(), isAlive: true, leave }
    this.#clients.set(client, state)
    this.#places.take(client, address)
    client.on('error', () => client.terminate())
    client.on('close', leave)
    client.on('pong', () => {
      state.isAlive = true
    })
    client.on('message', (data, isBinary) => {
      const wish = isBinary ? null : wishOf(String(data))
      if (wish?.action === 'subscribe') state.topics.add(wish.topic)
      if (wish?.action === 'unsubscribe') state.topics.delete(wish.topic)
    })
  }

  #tell(topic: Topic, message: () => object | null): void {
    let text: string | null = null
    for (const [client, { topics }] of this.#clients) {
      if (!topics.has(topic)) continue
      if (text === null) {
        const made = message()
        if (made === null) return
        text = JSON.stringify(made)
      }
      if (client.bufferedAmount > MAX_UNSENT_BYTES) client.terminate()
      else client.send(text)
    }
  }

  #ping(): void {
    for (const [client, state] of this.#clients) {
      if (!state.isAlive) {
        client.terminate()
        continue
      }
      state.isAlive = false
      client.ping()
    }
  }
}

function wishOf(text: string): { readonly action: 'subscribe' | 'unsubscribe'; readonly topic: Topic } | null {
  let said: unknown
  try {
    said = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof said !== 'object' || said === null) return null
  const { action, topic } = said as { action?: unknown; topic?: unknown }
  const known = TOPICS.find(name => name === topic)
  return (action === 'subscribe' || action === 'unsubscribe') && known !== undefined ? { action, topic: known } : null
}
