import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { concatBytes } from '@p2poolv2/primitives'
import { frameOf, portableCipher, sealFrame } from '@p2poolv2/stratum/sv2'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { authorize, subscribe, TestClient } from '../testing/test-client.ts'
import { conformV2, V2_CASES } from '../testing/v2-cases.ts'
import { NOW_SEC, V2Pool } from '../testing/v2-pool.ts'
import { SET_UP, V2TestClient } from '../testing/v2-test-client.ts'
import { type Answering, AnsweringHere } from './answering.ts'
import type { HandshakeAnswer, HandshakeOrder } from './handshake-answer.ts'
import { newKeyPair } from './noise-identity.ts'
import { MAX_PAYLOAD_BYTES } from './sealed-reader.ts'

const DAY_SEC = 86_400
let pool: V2Pool
beforeAll(async () => {
  pool = await new V2Pool().start()
})
afterAll(() => pool.stop())

/** Answers nothing until it is let go. */
class HeldAnswering implements Answering {
  readonly #here = new AnsweringHere()
  #letGo: () => void = () => {}
  #isHeld: Promise<void> | null = null

  hold(): void {
    this.#isHeld = new Promise(resolve => {
      this.#letGo = resolve
    })
  }

  letGo(): void {
    this.#isHeld = null
    this.#letGo()
  }

  async answer(order: HandshakeOrder): Promise<HandshakeAnswer> {
    await this.#isHeld
    return this.#here.answer(order)
  }

  stop(): Promise<void> {
    return Promise.resolve()
  }
}

/** All that a socket is sent until the server hangs up. */
async function readAll(socket: Socket): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  socket.on('data', (chunk: Uint8Array) => chunks.push(chunk))
  if (!socket.closed) await once(socket, 'close')
  return concatBytes(...chunks)
}

async function dial(): Promise<Socket> {
  const socket = connect({ port: pool.v2Port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  return socket
}

async function writeAlone(socket: Socket, bytes: Uint8Array): Promise<void> {
  await new Promise<void>(resolve => void socket.write(bytes, () => setImmediate(resolve)))
}

/** What a client that is set up, and then says this, is told until it is closed. */
async function afterSetUp(say: (client: V2TestClient) => Uint8Array): Promise<V2TestClient> {
  const client = await V2TestClient.setUp(pool.v2Port)
  client.socket.write(say(client))
  await client.ended()
  return client
}

describe('noise', () => {
  conformV2(1, 15, {
    3: [
      'the first act may come byte by byte, or with what comes after it',
      async () => {
        const slow = await V2TestClient.dial(pool.v2Port)
        for (const byte of slow.link.act1) await writeAlone(slow.socket, Uint8Array.of(byte))
        await expect.poll(() => slow.link.isReady, { timeout: 60_000 }).toBe(true)
        slow.send('SetupConnection', SET_UP)
        await slow.next('SetupConnectionSuccess')
        slow.socket.destroy()

        const early = await V2TestClient.dial(pool.v2Port)
        early.socket.write(concatBytes(early.link.act1, new Uint8Array(22)))
        await early.ended()
        expect(early.messages).toEqual([])
      }
    ],
    4: [
      '64 zero bytes are answered like any',
      async () => {
        const socket = await dial()
        socket.write(new Uint8Array(64))
        const [act2] = (await once(socket, 'data')) as [Uint8Array]
        expect(act2).toHaveLength(234)
        socket.destroy()
      }
    ],
    5: [
      '63 bytes and silence: closed after ten seconds without a word',
      async () => {
        const socket = await dial()
        await writeAlone(socket, new Uint8Array(63))
        pool.aheadMs += 9_000
        await new Promise(resolve => setImmediate(resolve))
        expect(socket.closed).toBe(false)
        pool.aheadMs += 1_001
        expect(await readAll(socket)).toHaveLength(0)
      }
    ],
    6: [
      'a client that knows the authority believes it and nobody else',
      async () => {
        const { authorityText } = pool.identity
        const client = await V2TestClient.connect(pool.v2Port, { authority: authorityText, nowSec: wallSec() })
        client.socket.destroy()
        const other = '9bXiEd8boQVhq7WddEcERUL5tyyJVFYdU8th3HfbNXK3Yw6GRXh'
        await expect(V2TestClient.connect(pool.v2Port, { authority: other, nowSec: wallSec() })).rejects.toThrow(
          'not certified'
        )
      }
    ],
    7: [
      'a clock a day and ten seconds behind does, one a second further back does not',
      async () => {
        const authority = pool.identity.authorityText
        const validFromSec = certificateStartSec()
        const late = await V2TestClient.connect(pool.v2Port, { authority, nowSec: validFromSec - 10 })
        late.socket.destroy()
        await expect(V2TestClient.connect(pool.v2Port, { authority, nowSec: validFromSec - 11 })).rejects.toThrow(
          'not certified'
        )
      }
    ],
    11: [
      'one bit changed in head or payload: closed, and nothing said',
      async () => {
        for (const at of [0, 21, 22, 30]) {
          const client = await afterSetUp(({ link }) => {
            const sealed = link.seal('RequestExtensions', { requestId: 7, requested: [2] })
            sealed[at] = (sealed[at] as number) ^ 1
            return concatBytes(sealed, sealed)
          })
          expect(client.messages).toEqual([])
        }
      }
    ],
    12: [
      'what is announced beyond the bound is not waited for',
      async () => {
        await afterSetUp(({ link }) => {
          const frame = frameOf('SetCustomMiningJobError', { channelId: 1, requestId: 1, errorCode: '' })
          const long = new Uint8Array(MAX_PAYLOAD_BYTES + 7)
          long.set(frame)
          long.set([long.length - 6, (long.length - 6) >>> 8, 0], 3)
          return link.sealFrame(long).subarray(0, 22)
        })
      }
    ],
    13: [
      'a sealed frame that comes again: closed',
      async () => {
        const client = await V2TestClient.setUp(pool.v2Port)
        const sealed = client.link.seal('RequestExtensions', { requestId: 7, requested: [] })
        client.socket.write(concatBytes(sealed, sealed))
        await client.ended()
        expect(client.messages.length).toBeLessThanOrEqual(1)
      }
    ],
    15: [
      'while twenty handshakes are being answered, miners of both protocols are served, and then the twenty are',
      async () => {
        const answering = new HeldAnswering()
        const own = await new V2Pool({}, undefined, answering).start()
        const v1 = await TestClient.connect(own.v1Port)
        const v2 = await V2TestClient.setUp(own.v2Port)
        const channel = await v2.open('extended')
        answering.hold()
        const dialers = await Promise.all(Array.from({ length: 20 }, () => V2TestClient.dial(own.v2Port)))
        for (const { socket, link } of dialers) socket.write(link.act1)
        v1.write(subscribe, authorize)
        await v1.read(4)
        v2.share(channel)
        await v2.next('SubmitSharesSuccess')
        expect(dialers.filter(({ link }) => link.isReady)).toEqual([])
        answering.letGo()
        await expect.poll(() => dialers.every(({ link }) => link.isReady), { timeout: 60_000 }).toBe(true)
        for (const { socket } of [...dialers, v1, v2]) socket.destroy()
        await own.stop()
      }
    ]
  })

  it('whoever answers without having agreed on keys is not understood', async () => {
    const socket = await dial()
    socket.write(newKeyPair().ellSwift)
    await once(socket, 'data')
    socket.write(sealFrame(frameOf('SetupConnection', SET_UP), portableCipher(new Uint8Array(32))))
    await readAll(socket)
  })
})

it('the 70 cases are all somewhere', () => {
  const { tcp, vectors, session, programs } = V2_CASES
  const all = [...tcp, ...vectors, ...session, ...programs].sort((a, b) => a - b)
  expect(all).toEqual(Array.from({ length: 70 }, (_, i) => i + 1))
  const where = `${tcp.length} over TCP, ${programs.length} with a program of others where one is named`
  process.stdout.write(`Stratum V2: all 70 cases have a test, ${where}\n`)
})

function wallSec(): number {
  return Math.floor(pool.now.wallMs / 1000)
}

/** The certificate was made for the first handshake, when the pool's clock stood at the beginning. */
function certificateStartSec(): number {
  const view = new DataView(pool.identity.certificate(pool.now.wallMs).buffer)
  expect(view.getUint32(2, true)).toBeGreaterThanOrEqual(NOW_SEC - DAY_SEC)
  return view.getUint32(2, true)
}
