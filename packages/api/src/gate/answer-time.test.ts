import { get, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { steadyMs } from '@p2poolv2/primitives'
import { afterEach, describe, expect, it } from 'vitest'
import { MAX_UNANSWERED } from '../api-server.ts'
import { LiveNode, TOKEN } from '../testing/live-node.ts'
import { VIEW } from '../testing/node-view.ts'
import { REQUESTS } from './address-rates.ts'
import { AnswerTime, MAX_COUNTED_MS, OF_ADDRESS } from './answer-time.ts'

const at = (ms: number) => steadyMs(ms)

describe('the time of answers', () => {
  it('is bounded for an address', () => {
    const time = new AnswerTime()
    let tookMs = 0
    for (let ms = 0; ms < 10_000; ms += 10) {
      if (time.waitSec('192.0.2.1', at(ms)) > 0) continue
      time.spend('192.0.2.1', { fromMs: ms, toMs: ms + 10 }, at(ms))
      tookMs += 10
    }
    expect(tookMs).toBeLessThanOrEqual(OF_ADDRESS.burst + 10 * OF_ADDRESS.perSecond + 10)
    expect(tookMs).toBeGreaterThanOrEqual(OF_ADDRESS.burst + 10 * OF_ADDRESS.perSecond - 20)
  })

  /** Answers one after another, each as long as one may count. */
  function spend(time: AnswerTime, address: string, answers: number): void {
    for (let n = 0; n < answers; n++)
      time.spend(address, { fromMs: n * MAX_COUNTED_MS, toMs: (n + 1) * MAX_COUNTED_MS }, at(0))
  }

  it('counts for the network of an IPv6 host, and for nobody else', () => {
    const time = new AnswerTime()
    spend(time, '2001:db8::1', OF_ADDRESS.burst / MAX_COUNTED_MS)
    expect(time.waitSec('2001:db8::ffff', at(0))).toBe(1)
    expect(time.waitSec('2001:db8:0:1::1', at(0))).toBe(0)
  })

  it('that was waited for bitcoind counts as little', () => {
    const time = new AnswerTime()
    time.spend('192.0.2.1', { fromMs: 0, toMs: 60_000 }, at(0))
    expect(time.waitSec('192.0.2.1', at(0))).toBe(0)
  })

  it('that several answers have in common counts once', () => {
    const time = new AnswerTime()
    for (let n = 0; n < 1_000; n++) time.spend('192.0.2.1', { fromMs: 0, toMs: MAX_COUNTED_MS }, at(0))
    expect(time.waitSec('192.0.2.1', at(0))).toBe(0)
  })

  it('leaves a debt of one burst at most', () => {
    const time = new AnswerTime()
    spend(time, '192.0.2.1', 1_000)
    const paidMs = (OF_ADDRESS.burst / OF_ADDRESS.perSecond) * 1_000
    expect(time.waitSec('192.0.2.1', at(paidMs))).toBe(1)
    expect(time.waitSec('192.0.2.1', at(paidMs + 20))).toBe(0)
  })
})

describe('over the wire', () => {
  let node: LiveNode
  let passedMs = 0
  afterEach(() => node.stop())

  /** A node whose status takes so long to say. */
  async function slow(answerMs: number): Promise<void> {
    node = new LiveNode()
    Object.defineProperty(node, 'status', {
      get: () => {
        passedMs += answerMs
        return VIEW
      }
    })
    await node.start({ stopwatch: () => passedMs })
  }

  /** A front on this computer speaks for others. */
  const STRANGER = { via: '1.1 front' }

  function ask(headers: Record<string, string>, path = '/v1/status'): Promise<IncomingMessage> {
    return new Promise((resolve, reject) =>
      get(node.url(path), { headers }, response => resolve(response.resume())).on('error', reject)
    )
  }

  it('a stranger who asks for much is told when to come back, and the owner is answered all the same', async () => {
    await slow(MAX_COUNTED_MS)
    const codes: (number | undefined)[] = []
    for (let n = 0; n <= OF_ADDRESS.burst / MAX_COUNTED_MS; n++) codes.push((await ask(STRANGER)).statusCode)
    expect(codes.at(-2)).toBe(200)
    expect(codes.at(-1)).toBe(429)
    expect((await ask(STRANGER)).headers['retry-after']).toBe('1')
    expect((await ask({})).statusCode).toBe(200)
    expect((await ask({ ...STRANGER, authorization: `Bearer ${TOKEN}` })).statusCode).toBe(200)
  })

  it('what is open to all takes no time from anybody’s answers', async () => {
    node = new LiveNode()
    node.status = VIEW
    await node.start({ stopwatch: () => (passedMs += MAX_COUNTED_MS) })
    for (let n = 0; n < REQUESTS.burst - 1; n++) await ask(STRANGER, '/livez')
    expect((await ask(STRANGER)).statusCode).toBe(200)
  })

  const HTTP = (path: string, ...headers: string[]): string => [`GET ${path} HTTP/1.1`, ...headers, '', ''].join('\r\n')

  /** What comes back on a connection of its own. */
  async function told(request: string): Promise<string> {
    const socket = connect(node.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(request)
    let text = ''
    for await (const chunk of socket) {
      text += String(chunk)
      if (text.includes('\r\n\r\n')) break
    }
    return text.split('\r\n', 1)[0] ?? ''
  }

  it.each([
    ['a path that is none', HTTP('/%ff%zz', 'Host: localhost', 'Via: x'), 400],
    ['a parameter that is too long', HTTP(`/v1/workers/${'a'.repeat(600)}`, 'Host: localhost', 'Via: x'), 414],
    ['another host’s name', HTTP('/', 'Host: evil.example'), 421],
    [
      'a page of elsewhere in the owner’s browser',
      HTTP('/v1/status', 'Host: localhost', 'Sec-Fetch-Site: cross-site'),
      403
    ],
    ['a page of elsewhere in an older one', HTTP('/v1/status', 'Host: localhost', 'Origin: http://evil.example'), 200]
  ])('%s is counted like any question, and not as the owner’s', async (_what, request, code) => {
    await slow(0)
    for (let n = 0; n < REQUESTS.burst; n++) expect(await told(request)).toContain(`HTTP/1.1 ${code} `)
    expect(await told(request)).toContain('HTTP/1.1 429 ')
    expect((await ask(STRANGER, '/livez')).statusCode).toBe(429)
    for (let n = 0; n < 3; n++) expect((await ask({})).statusCode).toBe(200)
  })

  it('who expects anything but to be told to go on is hung up on', async () => {
    await slow(0)
    expect(await told(HTTP('/livez', 'Host: localhost', 'Expect: x'))).toBe('')
    expect(await told(HTTP('/livez', 'Host: localhost', 'Expect: 100-continue'))).toContain('HTTP/1.1 100 ')
  })

  it('the owner at home may ask as much as he likes', async () => {
    await slow(0)
    for (let n = 0; n <= REQUESTS.burst; n++) expect((await ask({}, '/livez')).statusCode).toBe(200)
  })

  it('who crowds connections is hung up on, and others of that address are not', async () => {
    await slow(0)
    const crowd = HTTP('/livez', 'Host: localhost').repeat(MAX_UNANSWERED + 1)
    for (let n = 0; n < 50; n++) expect(await told(crowd)).not.toContain('429')
    expect((await ask({})).statusCode).toBe(200)
    expect((await ask(STRANGER, '/livez')).statusCode).toBe(200)
  })

  it('who sends many requests without waiting for answers is hung up on, and little is made of them', async () => {
    await slow(0)
    let asked = 0
    Object.defineProperty(node, 'status', {
      get: () => {
        asked += 1
        return VIEW
      }
    })
    const socket = connect(node.port, '127.0.0.1')
    let answers = 0
    socket.on('data', chunk => {
      answers += chunk.toString('latin1').split('HTTP/1.1 200').length - 1
    })
    const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
    socket.on('error', () => {})
    socket.write('GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(1_000))
    await closed
    expect(asked).toBeLessThanOrEqual(MAX_UNANSWERED)
    expect(answers).toBeLessThanOrEqual(MAX_UNANSWERED)
  })

  it('a handful without waiting are answered, in order', async () => {
    await slow(0)
    const socket = connect(node.port, '127.0.0.1')
    const paths = ['/livez', '/nothing', '/livez', '/nothing']
    socket.write(paths.map(path => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`).join(''))
    let text = ''
    for await (const chunk of socket) {
      text += String(chunk)
      if (text.match(/HTTP\/1.1 \d+/g)?.length === paths.length) break
    }
    expect(text.match(/HTTP\/1.1 (\d+)/g)).toEqual(['200', '404', '200', '404'].map(code => `HTTP/1.1 ${code}`))
  })
})
