import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import type { StatusJson } from '@p2poolv2/api/schema'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { MAX_CONNECTIONS } from './api-server.ts'
import { MAX_EVENT_STREAMS } from './events/event-streams.ts'
import { statusJson } from './status-answer.ts'
import { LiveNode } from './testing/live-node.ts'
import { VIEW } from './testing/node-view.ts'

const STATUS = statusJson(VIEW)

/** Linux answers to all of 127.0.0.0/8, so that one computer can be two hosts; other systems do not. */
const HAS_MORE_HOSTS = process.platform === 'linux'

let node: LiveNode
let port: number
beforeEach(async () => {
  node = new LiveNode()
  node.status = VIEW
  await node.start()
  port = node.port
})
afterEach(() => node.stop())

const url = (path: string): string => node.url(path)

function open(path: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => get(url(path), { headers }, resolve).on('error', reject))
}

/** The events of a stream, one by one. */
async function* events(response: IncomingMessage): AsyncGenerator<StatusJson> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      yield JSON.parse(text.slice(0, end).replace(/^event: status\ndata: /, '')) as StatusJson
      text = text.slice(end + 2)
    }
  }
}

it('gives the view of the node as JSON', async () => {
  expect(await (await fetch(url('/v1/status'))).json()).toEqual(STATUS)
})

it('says what is missing where the page was not built', async () => {
  const response = await fetch(url('/'))
  expect(response.status).toBe(503)
  expect(await response.text()).toContain('npm run build')
})

it('serves metrics and health as text', async () => {
  expect(await (await fetch(url('/metrics'))).text()).toBe('p2pool_x 1\n')
  expect(await (await fetch(url('/health'))).text()).toBe('OK')
})

it('tells a viewer what there is now, and again when it changes', async () => {
  const stream = events(await open('/v1/events'))
  expect((await stream.next()).value.windowShares).toBe(0)
  node.status = { ...VIEW, windowShares: 5 }
  expect((await stream.next()).value.windowShares).toBe(5)
})

it('tells a second viewer at once, also while nothing changes', async () => {
  await events(await open('/v1/events')).next()
  expect((await events(await open('/v1/events')).next()).value).toEqual(STATUS)
})

it.skipIf(!HAS_MORE_HOSTS)('turns away one live viewer too many and says when to try again', async () => {
  const viewers = await Promise.all(Array.from({ length: MAX_EVENT_STREAMS }, () => open('/v1/events')))
  const response = await open('/v1/events')
  expect(response.statusCode).toBe(503)
  expect(response.headers['retry-after']).toBe('10')
  const ended = viewers.map(viewer => once(viewer.resume(), 'end'))
  const other = await new Promise<IncomingMessage>(resolve =>
    get(url('/v1/events'), { localAddress: '127.0.0.9' }, resolve)
  )
  expect(other.statusCode).toBe(200)
  await ended[0]
  other.destroy()
  for (const viewer of viewers) viewer.destroy()
})

it.each(['evil.example', 'evil.example:80', '127.0.0.1.evil.example', 'printer.local'])(
  'does not answer a page that reaches it as %s',
  async host => {
    expect((await open('/v1/status', { host })).statusCode).toBe(421)
  }
)

it.each(['localhost:1', '192.168.1.5', '[::1]:46884', 'Node.local'])('answers as %s', async host => {
  expect((await open('/v1/status', { host })).statusCode).toBe(200)
})

it('names what there is to somebody who is lost', async () => {
  const response = await fetch(url('/nothing'))
  expect(response.status).toBe(404)
  expect(((await response.json()) as { error: string }).error).toContain('/v1/status')
})

it.skipIf(!HAS_MORE_HOSTS)(
  'closes connections beyond its cap, so that half requests cannot use up all of the computer',
  async () => {
    const halves = await Promise.all(
      Array.from({ length: MAX_CONNECTIONS }, async () => {
        const socket = connect(port, '127.0.0.1')
        await once(socket, 'connect')
        socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nX: ')
        return socket
      })
    )
    const further = connect(port, '127.0.0.1').resume()
    await once(further, 'close')
    // Somebody else is let in all the same, in place of the first of them.
    const other = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.9' })
    other.write('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n')
    expect(String((await once(other, 'data'))[0])).toContain('200 OK')
    expect(halves.filter(({ closed }) => closed)).toEqual([halves[0]])
    other.destroy()
    for (const socket of halves) socket.destroy()
  }
)
