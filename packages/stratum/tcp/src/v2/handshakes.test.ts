import { steadyMs, unixMs } from '@p2poolv2/primitives'
import { createLog } from '@p2poolv2/runtime'
import { describe, expect, it } from 'vitest'
import type { Answering } from './answering.ts'
import type { HandshakeAnswer, HandshakeOrder } from './handshake-answer.ts'
import { Handshakes, MAX_WAITING } from './handshakes.ts'
import { NoiseIdentity } from './noise-identity.ts'

const ANSWER: HandshakeAnswer = {
  act2: new Uint8Array(234),
  keys: { initiatorToResponder: new Uint8Array(32), responderToInitiator: new Uint8Array(32) }
}
const IDENTITY = new NoiseIdentity(new Uint8Array(32).fill(7))

/** Answers when it is told to, and says whom. */
class SlowAnswering implements Answering {
  readonly asked: number[] = []
  #resolve: (how: 'answer' | 'fail') => void = () => {}

  answer({ act1 }: HandshakeOrder): Promise<HandshakeAnswer> {
    this.asked.push(act1[0] ?? 0)
    return new Promise((resolve, reject) => {
      this.#resolve = how => (how === 'answer' ? resolve(ANSWER) : reject(new Error('the thread died')))
    })
  }

  async next(how: 'answer' | 'fail' = 'answer'): Promise<void> {
    this.#resolve(how)
    await new Promise(resolve => setImmediate(resolve))
  }

  stop(): Promise<void> {
    return Promise.resolve()
  }
}

function rig(): {
  answering: SlowAnswering
  handshakes: Handshakes
  ask: (n: number, address: string, who?: 'stranger' | 'known') => Asked
  log: string[]
} {
  const answering = new SlowAnswering()
  const log: string[] = []
  let nowMs = 0
  const handshakes = new Handshakes(IDENTITY, {
    answering,
    // A second passes between two looks at it, so the pace is never in the way.
    clock: {
      now: () => {
        nowMs += 1_000
        return { steadyMs: steadyMs(nowMs), wallMs: unixMs(1_760_000_000_000 + nowMs) }
      }
    },
    log: createLog({ level: 'warn', format: 'json', sink: { write: line => void log.push(line) } })
  })
  const ask = (n: number, address: string, who: 'stranger' | 'known' = 'stranger'): Asked => {
    const asked: Asked = { answer: undefined, isWanted: true }
    const request = {
      act1: new Uint8Array(64).fill(n),
      address,
      isKnown: who === 'known',
      isWanted: () => asked.isWanted
    }
    void handshakes.request(request).then(answer => {
      asked.answer = answer
    })
    return asked
  }
  return { answering, handshakes, ask, log }
}

interface Asked {
  answer: HandshakeAnswer | null | undefined
  isWanted: boolean
}

describe('handshakes', () => {
  it('are answered one at a time, and an address that has many waits for its turn', async () => {
    const { answering, ask } = rig()
    for (let n = 1; n <= 5; n++) ask(n, 'many')
    ask(11, 'one')
    ask(12, 'another')
    expect(answering.asked).toEqual([1])
    for (let i = 0; i < 6; i++) await answering.next()
    expect(answering.asked).toEqual([1, 2, 11, 12, 3, 4, 5])
  })

  it('of all addresses of an IPv6 host take one turn', async () => {
    const { answering, ask } = rig()
    for (let n = 1; n <= 3; n++) ask(n, `2001:db8::${n}`)
    ask(11, '2001:db8:0:1::1')
    for (let i = 0; i < 3; i++) await answering.next()
    expect(answering.asked).toEqual([1, 2, 11, 3])
  })

  it('are not made for who has hung up', async () => {
    const { answering, ask } = rig()
    ask(1, 'a')
    const gone = ask(2, 'b')
    ask(3, 'c')
    gone.isWanted = false
    await answering.next()
    await answering.next()
    expect(answering.asked).toEqual([1, 3])
    expect(gone.answer).toBeNull()
  })

  it('beyond the bound cost the address that has the most', async () => {
    const { answering, ask } = rig()
    const many = Array.from({ length: MAX_WAITING + 1 }, (_, n) => ask(n, 'many'))
    const one = ask(200, 'one')
    await new Promise(resolve => setImmediate(resolve))
    expect(many.at(-1)?.answer).toBeNull()
    expect(many.filter(({ answer }) => answer === null)).toHaveLength(1)
    await answering.next()
    await answering.next()
    expect(answering.asked).toContain(200)
    await answering.next()
    expect(one.answer).toEqual(ANSWER)
  })

  it('of more hosts than there is room for: who was here before comes before strangers, and they come too', async () => {
    const { answering, ask } = rig()
    const strangers = Array.from({ length: MAX_WAITING + 200 }, (_, n) => ask(1, `10.0.${n >> 8}.${n & 255}`))
    const back = [ask(11, '192.0.2.1', 'known'), ask(12, '192.0.2.2', 'known'), ask(13, '192.0.2.1', 'known')]
    const more = Array.from({ length: 300 }, (_, n) => ask(2, `10.1.${n >> 8}.${n & 255}`))
    await new Promise(resolve => setImmediate(resolve))
    const all = [...strangers, ...back, ...more]
    // One is being answered.
    expect(all.filter(({ answer }) => answer === undefined)).toHaveLength(MAX_WAITING + 1)
    expect(back.every(({ answer }) => answer === undefined)).toBe(true)
    for (let i = 0; i < 7; i++) await answering.next()
    expect(back.every(({ answer }) => answer === ANSWER)).toBe(true)
    expect(answering.asked.slice(1, 6).map(n => n > 10)).toEqual([true, false, true, false, true])
    expect(answering.asked.slice(1, 6).filter(n => n > 10)).toEqual([11, 12, 13])
    // Of strangers the newest wait: who came long ago has given up.
    expect(more.every(({ answer }) => answer !== null)).toBe(true)
  })

  it('that fail are said, and the next is answered', async () => {
    const { answering, ask, log } = rig()
    const failed = ask(1, 'a')
    const next = ask(2, 'a')
    await answering.next('fail')
    await answering.next()
    expect([failed.answer, next.answer]).toEqual([null, ANSWER])
    expect(log.join('')).toContain('P2P-0220')
  })

  it('end with their server', async () => {
    const { handshakes, ask } = rig()
    ask(1, 'a')
    const waiting = ask(2, 'a')
    await handshakes.stop()
    await new Promise(resolve => setImmediate(resolve))
    expect(waiting.answer).toBeNull()
  })
})

describe('the certificate', () => {
  const HOUR_MS = 3_600_000
  const from = (bytes: Uint8Array): number => new DataView(bytes.buffer).getUint32(2, true)

  it('is renewed every twelve hours, and when the clock was set back', () => {
    const identity = new NoiseIdentity(new Uint8Array(32).fill(8))
    const startMs = 1_760_000_000_000
    const at = (hours: number): Uint8Array => identity.certificate(unixMs(startMs + hours * HOUR_MS))
    const first = at(0)
    expect(at(11)).toBe(first)
    const second = at(12)
    expect(from(second) - from(first)).toBe(12 * 3_600)
    expect(from(at(-3))).toBeLessThan(from(first))
    const notAfter = new DataView(first.buffer).getUint32(6, true)
    expect(notAfter - startMs / 1000).toBe(2 * 86_400)
  })
})
