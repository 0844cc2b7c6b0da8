import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Alert } from '@p2poolv2/alerts'
import { createLog, systemClock } from '@p2poolv2/runtime'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AlertSender, type AlertSenderDeps, MAX_WAITING } from './alert-sender.ts'
import type { Destination } from './destination.ts'

interface Heard {
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

const SECRET = 'topic-nobody-may-know'
const ALERT: Alert = {
  rule: 'worker-silent',
  state: 'raised',
  title: 'Miner silent',
  text: 'attic 🏠 has had nothing accepted for 10 minutes.',
  atSec: 1_700_000_000
}
const TIMINGS = { timeoutMs: 5_000, retryMinMs: 1, retryMaxMs: 4, giveUpMs: 3_600_000 }

let server: Server
let base: string
let heard: Heard[]
let logged: string[]
let answer: (response: ServerResponse, count: number) => void
let sender: AlertSender
let waiters: (() => void)[]

beforeEach(async () => {
  heard = []
  logged = []
  waiters = []
  answer = response => response.writeHead(204).end()
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    heard.push({ url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() })
    answer(response, heard.length)
    for (const wake of waiters.splice(0)) wake()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  await sender.stop()
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

function senderTo(
  destinations: readonly Destination[],
  timings: Partial<AlertSenderDeps['timings']> = {}
): AlertSender {
  const log = createLog({ level: 'debug', format: 'json', sink: { write: line => void logged.push(line) } })
  const about = { chain: 'signet', version: '1.2.3' }
  sender = new AlertSender(destinations, {
    clock: systemClock(),
    log,
    sender: about,
    timings: { ...TIMINGS, ...timings }
  })
  return sender
}

/** Until the server has been asked so often. */
async function requests(count: number): Promise<void> {
  while (heard.length < count) await new Promise<void>(resolve => waiters.push(resolve))
}

/** Until what the sender says of its only destination holds; it changes with an answer, which the loop has to come round to. */
async function state(holds: (state: AlertSender['state'][number]) => boolean): Promise<AlertSender['state'][number]> {
  for (;;) {
    const [now] = sender.state
    if (now !== undefined && holds(now)) return now
    await new Promise(resolve => setImmediate(resolve))
  }
}

describe('an alert', () => {
  it('reaches a webhook as JSON that chat programs show', async () => {
    senderTo([{ type: 'webhook', url: `${base}/${SECRET}` }]).send(ALERT)
    await requests(1)
    expect(heard[0]?.url).toBe(`/${SECRET}`)
    expect(heard[0]?.headers['content-type']).toBe('application/json')
    const sentence = `${ALERT.title}: ${ALERT.text}`
    expect(JSON.parse(heard[0]?.body ?? '')).toEqual({
      rule: 'worker-silent',
      state: 'raised',
      title: ALERT.title,
      message: ALERT.text,
      time: ALERT.atSec,
      chain: 'signet',
      version: '1.2.3',
      text: sentence,
      content: sentence,
      allowed_mentions: { parse: [] }
    })
  })

  it('reaches an ntfy topic with its title, priority, tags and token', async () => {
    senderTo([{ type: 'ntfy', url: `${base}/${SECRET}`, token: 'tk_1' }]).send(ALERT)
    await requests(1)
    expect(heard[0]?.headers).toMatchObject({
      title: 'Miner silent (signet)',
      priority: 'high',
      tags: 'warning',
      authorization: 'Bearer tk_1'
    })
    expect(heard[0]?.body).toBe(ALERT.text)
  })

  it('is tried again while the other side is in trouble, and those behind it keep their order', async () => {
    answer = (response, count) => response.writeHead(count <= 3 ? 503 : 200).end()
    senderTo([{ type: 'webhook', url: base }])
    for (const title of ['A', 'B']) sender.send({ ...ALERT, title })
    await requests(5)
    expect(heard.map(({ body }) => JSON.parse(body).title)).toEqual(['A', 'A', 'A', 'A', 'B'])
    const now = await state(({ sent }) => sent === 2)
    expect(now).toMatchObject({ waiting: 0, lost: 0, trouble: null })
  })

  it.each([
    [404, 'knows no such address'],
    [401, 'is the address or the token right'],
    [400, 'status 400']
  ])('that is refused with %d is not tried again, and its address is in no log', async (status, words) => {
    answer = response => response.writeHead(status).end()
    senderTo([{ type: 'ntfy', url: `${base}/${SECRET}`, token: 'tk_secret' }]).send(ALERT)
    const now = await state(({ lost }) => lost === 1)
    expect(now).toMatchObject({ host: new URL(base).host, waiting: 0, sent: 0 })
    expect(now.trouble).toContain(words)
    expect(heard).toHaveLength(1)
    expect(logged.join('')).toContain('could not be delivered')
    expect(logged.join('')).not.toContain(SECRET)
    expect(logged.join('')).not.toContain('tk_secret')
  })

  it('does not follow a redirect', async () => {
    answer = response => response.writeHead(302, { location: `${base}/elsewhere` }).end()
    senderTo([{ type: 'webhook', url: `${base}/${SECRET}` }]).send(ALERT)
    const now = await state(({ lost }) => lost === 1)
    expect(now.trouble).toContain('sends on to another address')
    expect(heard.map(({ url }) => url)).toEqual([`/${SECRET}`])
  })

  it('is given up when it has become old', async () => {
    answer = response => response.writeHead(500).end()
    senderTo([{ type: 'webhook', url: base }], { giveUpMs: 0 }).send(ALERT)
    expect(await state(({ lost }) => lost === 1)).toMatchObject({ waiting: 0 })
  })

  it('waits with a bounded number of others, of which the oldest goes', async () => {
    const held: ServerResponse[] = []
    answer = response => void held.push(response)
    senderTo([{ type: 'webhook', url: base }], { timeoutMs: 600_000 })
    for (let count = 0; count < MAX_WAITING + 5; count++) sender.send({ ...ALERT, title: `N${count}` })
    await requests(1)
    expect(sender.state[0]).toMatchObject({ waiting: MAX_WAITING, lost: 5 })
    answer = response => response.writeHead(200).end()
    held[0]?.writeHead(200).end()
    // The first was under way when it had to make room; the next ones that are left follow.
    await requests(2)
    expect(JSON.parse(heard[1]?.body ?? '').title).toBe('N5')
  })
})

describe('a test', () => {
  it('says of each destination how it went, at once', async () => {
    answer = response => response.writeHead(response.req.url === '/good' ? 200 : 404).end()
    const dead = 'http://127.0.0.1:1/x'
    const urls = [`${base}/good`, `${base}/bad`, dead]
    const results = await senderTo(urls.map(url => ({ type: 'webhook', url }))).test(ALERT)
    expect(results.map(({ result }) => result)).toEqual([
      { ok: true },
      { ok: false, retry: false, message: 'it knows no such address (status 404)' },
      { ok: false, retry: true, message: expect.stringContaining('cannot be reached') }
    ])
  })

  it('is one at a time, whoever asks for it however often', async () => {
    const held: ServerResponse[] = []
    answer = response => void held.push(response)
    const testing = senderTo([{ type: 'webhook', url: base }])
    const asked = Array.from({ length: 500 }, () => testing.test(ALERT))
    await requests(1)
    for (const response of held) response.writeHead(204).end()
    expect((await Promise.all(asked)).every(([tried]) => tried?.result.ok === true)).toBe(true)
    expect(heard).toHaveLength(1)
    const next = testing.test(ALERT)
    await requests(2)
    held[1]?.writeHead(404).end()
    expect((await next)[0]?.result.ok).toBe(false)
  })

  it('does not wait for one that never answers', async () => {
    answer = () => undefined
    const [tried] = await senderTo([{ type: 'webhook', url: base }], { timeoutMs: 50 }).test(ALERT)
    expect(tried?.result).toMatchObject({ ok: false, retry: true, message: 'it did not answer in time' })
  })
})

it('stops at once, whatever is under way', async () => {
  answer = () => undefined
  senderTo([{ type: 'webhook', url: base }], { timeoutMs: 600_000 }).send(ALERT)
  await requests(1)
  await sender.stop()
  sender.send(ALERT)
  expect(heard).toHaveLength(1)
})
