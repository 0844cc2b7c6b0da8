import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { V2Pool } from '../testing/v2-pool.ts'
import { V2TestClient } from '../testing/v2-test-client.ts'
import type { Answering } from './answering.ts'
import type { HandshakeAnswer, HandshakeOrder } from './handshake-answer.ts'

/** Answers nobody until it is told to give up the one it has. */
class Busy implements Answering {
  readonly asked: number[] = []
  giveUp: () => void = () => {}

  answer({ act1 }: HandshakeOrder): Promise<HandshakeAnswer> {
    this.asked.push(act1[0] ?? 0)
    return new Promise((_, reject) => {
      this.giveUp = () => reject(new Error('given up'))
    })
  }

  stop(): Promise<void> {
    return Promise.resolve()
  }
}

it('connections of Stratum V2 without a miner give way to who comes, those with one do not', async () => {
  const pool = await new V2Pool({ maxConnections: 2 }).start()
  const idle = await V2TestClient.setUp(pool.v2Port)
  const mining = await V2TestClient.setUp(pool.v2Port)
  mining.ask('extended')
  await mining.find('OpenExtendedMiningChannelSuccess')
  const next = await V2TestClient.setUp(pool.v2Port)
  await expect.poll(() => idle.socket.destroyed).toBe(true)
  next.ask('standard')
  await next.find('OpenStandardMiningChannelSuccess')
  const tooMany = connect(pool.v2Port, '127.0.0.1')
  tooMany.on('error', () => undefined)
  await once(tooMany, 'close')
  expect([mining, next].map(({ socket }) => socket.destroyed)).toEqual([false, false])
  await pool.stop()
})

it('who was told to end and does not hang up gives way', async () => {
  const pool = await new V2Pool({ maxConnections: 1 }).start()
  const staying = connect({ port: pool.v1Port, host: '127.0.0.1', allowHalfOpen: true })
  staying.on('error', () => undefined)
  staying.write('{"id":1,"method":"mining.subscribe","params":[]}\n')
  await once(staying, 'data')
  pool.server.close(1)
  staying.resume()
  await once(staying, 'end')
  const next = await V2TestClient.setUp(pool.v2Port)
  expect(pool.server.connections).toBe(1)
  for (const socket of [staying, next.socket]) socket.destroy()
  await pool.stop()
})

it('channels are counted like connections: one that opens them without end is refused, and others are served', async () => {
  const pool = await new V2Pool({ connectsPerMinute: 3 }).start()
  const client = await V2TestClient.setUp(pool.v2Port)
  for (let n = 0; n < 5; n++) client.ask('extended')
  expect(await client.find('OpenMiningChannelError')).toMatchObject({ errorCode: 'channel-capacity-exhausted' })
  await expect.poll(() => pool.log.join()).toContain('too many from one address')
  expect(pool.extranonces).toHaveLength(3)
  client.socket.destroy()
  await pool.stop()
})

// Linux answers to all of 127.0.0.0/8, so that one computer can be many hosts; other systems do not.
it.skipIf(process.platform !== 'linux')(
  'a miner that comes back has its handshake before strangers that came first',
  async () => {
    const answering = new Busy()
    const pool = await new V2Pool({}, undefined, answering).start()
    const miner = connect(pool.v1Port, '127.0.0.1')
    miner.write('{"id":1,"method":"mining.subscribe","params":[]}\n')
    await once(miner, 'data')
    const mute = connect({ port: pool.v2Port, host: '127.0.0.1', localAddress: '127.0.0.3' })
    await once(mute, 'connect')
    await expect.poll(() => pool.server.connections).toBe(2)
    pool.aheadMs = 62_000
    await once(mute.resume(), 'close')
    const comers = [5, 6, 7, 1].map(host => {
      const comer = connect({ port: pool.v2Port, host: '127.0.0.1', localAddress: `127.0.0.${host}` })
      comer.write(new Uint8Array(64).fill(host))
      return comer.on('error', () => undefined)
    })
    await expect.poll(() => pool.handshakes.waiting).toBe(3)
    const [first = 0] = answering.asked
    answering.giveUp()
    await expect.poll(() => answering.asked).toHaveLength(2)
    // Unless it was the first of all to be heard.
    expect([first, answering.asked[1]]).toContain(1)
    for (const socket of [...comers, miner]) socket.destroy()
    await pool.stop()
  }
)
