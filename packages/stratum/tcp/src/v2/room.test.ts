import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { V2Pool } from '../testing/v2-pool.ts'
import { V2TestClient } from '../testing/v2-test-client.ts'

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
