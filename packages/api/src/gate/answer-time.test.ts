import { get, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { steadyMs } from '@p2poolv2/primitives'
import { afterEach, describe, expect, it } from 'vitest'
import { MAX_UNANSWERED } from '../api-server.ts'
import { LiveNode, TOKEN } from '../testing/live-node.ts'
import { VIEW } from '../testing/node-view.ts'
import { AnswerTime, MAX_COUNTED_MS, OF_ADDRESS, OF_ALL } from './answer-time.ts'

const at = (ms: number) => steadyMs(ms)

/** How much of ten seconds answers take, of which each takes so long and is asked for as soon as it may be. */
function askedFor10s(time: AnswerTime, addresses: readonly string[], answerMs: number): number {
  let tookMs = 0
  for (let ms = 0; ms < 10_000; ms += answerMs)
    for (const address of addresses) {
      if (time.wait(address, at(ms)) !== null) continue
      time.spend(address, answerMs, at(ms))
      tookMs += answerMs
    }
  return tookMs
}

describe('the time of answers', () => {
  it('is bounded for an address', () => {
    const tookMs = askedFor10s(new AnswerTime(at(0)), ['192.0.2.1'], 10)
    expect(tookMs).toBeLessThanOrEqual(OF_ADDRESS.burst + 10 * OF_ADDRESS.perSecond + 10)
    expect(tookMs).toBeGreaterThanOrEqual(OF_ADDRESS.burst + 10 * OF_ADDRESS.perSecond - 20)
  })

  it('is bounded for all together, however many they are', () => {
    const many = Array.from({ length: 500 }, (_, n) => `10.0.${n >> 8}.${n & 255}`)
    expect(askedFor10s(new AnswerTime(at(0)), many, 5)).toBeLessThanOrEqual(OF_ALL.burst + 10 * OF_ALL.perSecond + 5)
  })

  it('counts the network of an IPv6 host, and says whose time is spent', () => {
    const time = new AnswerTime(at(0))
    for (let n = 0; n < 20; n++) time.spend(`2001:db8::${n}`, MAX_COUNTED_MS, at(0))
    expect(time.wait('2001:db8::ffff', at(0))).toEqual({ whose: 'address', waitSec: 1 })
    expect(time.wait('2001:db8:0:1::1', at(0))).toBeNull()
    for (let n = 0; n < 20; n++) time.spend(`10.0.0.${n}`, MAX_COUNTED_MS, at(0))
    expect(time.wait('2001:db8:0:1::1', at(0))).toEqual({ whose: 'all', waitSec: 1 })
    expect(time.wait('2001:db8:0:1::1', at(1_000))).toBeNull()
  })

  it('that was waited for a disk counts as little', () => {
    const time = new AnswerTime(at(0))
    time.spend('192.0.2.1', 60_000, at(0))
    expect(time.wait('192.0.2.1', at(0))).toBeNull()
  })

  it('hangs up on who is far in debt, until he is not', () => {
    const time = new AnswerTime(at(0))
    while (time.wait('192.0.2.1', at(0)) === null) time.spend('192.0.2.1', MAX_COUNTED_MS, at(0))
    expect(time.isDeafTo('192.0.2.1', at(0))).toBe(false)
    for (let n = 0; n < 20; n++) time.spend('192.0.2.1', MAX_COUNTED_MS, at(0))
    expect(time.isDeafTo('192.0.2.1', at(0))).toBe(true)
    expect(time.isDeafTo('192.0.2.2', at(0))).toBe(false)
    expect(time.isDeafTo('192.0.2.1', at(2_000))).toBe(false)
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

  function ask(headers: Record<string, string>, localAddress = '127.0.0.1'): Promise<IncomingMessage> {
    return new Promise((resolve, reject) =>
      get(node.url('/v1/status'), { headers, localAddress }, response => resolve(response.resume())).on('error', reject)
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

  it.skipIf(process.platform !== 'linux')('many strangers have a part of the time together', async () => {
    await slow(MAX_COUNTED_MS)
    const codes: (number | undefined)[] = []
    for (let n = 0; n <= OF_ALL.burst / MAX_COUNTED_MS; n++)
      codes.push((await ask(STRANGER, `127.0.1.${n + 1}`)).statusCode)
    expect(codes.slice(0, -1).every(code => code === 200)).toBe(true)
    expect(codes.at(-1)).toBe(503)
    expect((await ask({})).statusCode).toBe(200)
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
