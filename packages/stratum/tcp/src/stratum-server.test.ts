import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { StratumListenError } from './listen-error.ts'
import { isSharedAddress } from './shared-address.ts'
import { StratumServer } from './stratum-server.ts'
import { authorize, subscribe, TestClient } from './testing/test-client.ts'
import { TestPool, WRONG_USER } from './testing/test-pool.ts'

let pool: TestPool | null = null

afterEach(async () => {
  await pool?.server.stop()
  pool = null
})

async function serve(...args: ConstructorParameters<typeof TestPool>): Promise<TestPool> {
  pool = await new TestPool(...args).start()
  return pool
}

/** A miner that logged in and then stopped reading, with bytes for it stuck in this process. */
async function stuckMiner({ server, port }: TestPool): Promise<TestClient> {
  const client = await TestClient.connect(port)
  client.write(subscribe, authorize)
  await client.read(4)
  client.socket.pause()
  // Larger than what two sockets buffer, smaller than what gets a miner cut.
  for (let i = 0; i < 400 && !pool?.gone.has(1); i++)
    server.send(1, `${JSON.stringify({ id: 9, result: 'x'.repeat(60_000) })}\n`)
  return client
}

describe('StratumServer', () => {
  it('hands over all lines of one read at once', async () => {
    const { port, reads } = await serve()
    const client = await TestClient.connect(port)
    client.write([subscribe, authorize].map(message => `${JSON.stringify(message)}\n`).join(''))
    await client.read(4)
    expect(reads).toEqual([2])
  })

  it('says on which address and port it cannot listen, and what to do', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as { port: number }
    const nothing = (): void => {}
    const server = new StratumServer(
      { host: '127.0.0.1', port },
      { onConnected: nothing, onLines: nothing, onGone: nothing, log: { info: nothing, warn: nothing } }
    )
    const error = await server.listen().catch((thrown: StratumListenError) => thrown)
    expect(error).toMatchObject({ name: 'StratumListenError', code: 'address-in-use' })
    expect((error as Error).message).toContain(`127.0.0.1:${port}`)
    taken.close()
  })

  it('sends a miner that reads too slowly only the newest work, when it reads again', async () => {
    const { server, port } = await serve({ maxUnsentBytes: 64 * 1024 * 1024 })
    const client = await TestClient.connect(port)
    client.write(subscribe, authorize)
    const [, , , first] = await client.read(4)
    client.socket.pause()
    const filler = `${JSON.stringify({ id: 9, result: 'x'.repeat(60_000) })}\n`
    for (let i = 0; i < 400; i++) server.send(1, filler)
    pool?.renew(1, true)
    for (let i = 0; i < 50; i++) pool?.renew(1)
    client.socket.resume()
    await client.read(400)
    const [newest] = await client.read(1)
    // The clean flag of a work that was never sent lives on in the one that was.
    expect(newest?.params?.[0]).toBe('0000000000000034')
    expect(newest?.params?.at(-1)).toBe(true)
    expect(first?.params?.[0]).toBe('0000000000000001')
    pool?.renew(1)
    const [later] = await client.read(1)
    expect(later?.params?.[0]).toBe('0000000000000035')
    expect(client.lines).toEqual([])
  })

  it('gives up a miner for which bytes wait too long', async () => {
    await serve({ maxUnsentBytes: 64 * 1024 * 1024, maxUnsentMs: 50, sweepEveryMs: 10 })
    const client = await stuckMiner(pool as TestPool)
    expect(await pool?.whenGone(1)).toBe('too-slow')
    client.socket.destroy()
  })

  it('sends what waits before it closes, and hears what the miner sent before it knew', async () => {
    const { port, reads } = await serve()
    const client = await TestClient.connect(port)
    client.write('hello\n', ...Array<typeof subscribe>(40).fill(subscribe))
    await client.ended()
    expect(client.lines.map(line => JSON.parse(line))).toEqual([
      { id: null, result: null, error: [-32700, 'Parse error', null] }
    ])
    expect(await pool?.whenGone(1)).toBe('closed')
    expect(reads.reduce((sum, lines) => sum + lines, 0)).toBe(41)
  })

  it('refuses an address for a while that sends anything but stratum', async () => {
    const { port, log } = await serve({ misbehavioursPerMinute: 2 })
    for (let i = 0; i < 3; i++) {
      const scanner = await TestClient.connect(port)
      scanner.write('GET / HTTP/1.1\r\n\r\n')
      await scanner.ended()
    }
    const next = await TestClient.connect(port)
    await next.ended()
    expect(pool?.gone.size).toBe(3)
    expect(log).toHaveLength(1)
    expect(log[0]).toContain('not stratum')
  })

  it('does not refuse an address from which somebody mines', async () => {
    let nowMs = 1_000_000
    const { port } = await serve({ misbehavioursPerMinute: 1 }, () => nowMs)
    const worker = await TestClient.connect(port)
    worker.write(subscribe, authorize)
    await worker.read(4)
    nowMs += 120_000
    for (let i = 0; i < 4; i++) {
      const broken = await TestClient.connect(port)
      broken.write('hello\n')
      await broken.ended()
    }
    const neighbour = await TestClient.connect(port)
    neighbour.write(subscribe)
    expect(await neighbour.read(1)).toHaveLength(1)
  })

  it('does not refuse an address for wrong user names', async () => {
    const { port, log } = await serve({ misbehavioursPerMinute: 1 })
    const wrong = { id: 2, method: 'mining.authorize', params: [WRONG_USER, 'x'] }
    for (let i = 0; i < 4; i++) {
      const misset = await TestClient.connect(port)
      misset.write(subscribe, wrong, wrong)
      await misset.ended()
    }
    const neighbour = await TestClient.connect(port)
    neighbour.write(subscribe)
    expect(await neighbour.read(1)).toHaveLength(1)
    expect(log).toEqual([])
  })

  it('never refuses an address that many share for what one of them sends', async () => {
    const { port, log } = await serve({ misbehavioursPerMinute: 1 }, () => Date.now(), isSharedAddress)
    for (let i = 0; i < 4; i++) {
      const scanner = await TestClient.connect(port)
      scanner.write('GET / HTTP/1.1\r\n\r\n')
      await scanner.ended()
    }
    const neighbour = await TestClient.connect(port)
    neighbour.write(subscribe)
    expect(await neighbour.read(1)).toHaveLength(1)
    expect(log).toEqual([])
  })

  it('refuses an address that connects too often', async () => {
    const { port, log } = await serve({ connectsPerMinute: 3 })
    const clients = []
    for (let i = 0; i < 4; i++) clients.push(await TestClient.connect(port))
    await clients.at(-1)?.ended()
    expect(pool?.server.connections).toBe(3)
    expect(log[0]).toContain('too many from one address')
  })

  it('lets a miner in at the cap instead of the oldest connection that never said anything', async () => {
    const { port, log } = await serve({ maxConnections: 3 })
    const worker = await TestClient.connect(port)
    worker.write(subscribe, authorize)
    await worker.read(4)
    const half = await TestClient.connect(port)
    half.write('{"id":1,"method":')
    const silent = await TestClient.connect(port)
    const next = await TestClient.connect(port)
    next.write(subscribe)
    expect(await next.read(1)).toHaveLength(1)
    await half.ended()
    expect(pool?.gone).toEqual(new Map([[2, 'made-room']]))
    silent.write(subscribe)
    await silent.read(1)
    const tooMany = await TestClient.connect(port)
    await tooMany.ended()
    expect(pool?.server.connections).toBe(3)
    expect(log.join()).toContain('at their cap')
  })

  it('stops with everything sent, and again without harm', async () => {
    const { server, port } = await serve()
    const client = await TestClient.connect(port)
    client.write(subscribe)
    await client.read(1)
    server.send(1, '{"id":null,"method":"client.reconnect","params":[]}\n')
    await server.stop()
    await client.ended()
    expect(client.lines).toHaveLength(1)
    expect(pool?.gone.get(1)).toBe('stopped')
    await server.stop()
    await expect(TestClient.connect(port)).rejects.toThrow(/ECONNREFUSED/)
  })

  it('waits for those that were told to leave no longer than it is told to, and then hangs up', async () => {
    const { server, port } = await serve()
    const client = await TestClient.connect(port)
    client.write(subscribe)
    await client.read(1)
    await server.stop({ drainMs: 20 })
    await client.ended()
    expect(pool?.gone.get(1)).toBe('stopped')
  })

  it('stops at once when told to hurry, whoever does not hang up', async () => {
    await serve({ maxUnsentBytes: 64 * 1024 * 1024 })
    const client = await stuckMiner(pool as TestPool)
    const hurry = AbortSignal.abort()
    await pool?.server.stop({ signal: hurry })
    expect(pool?.gone.get(1)).toBe('stopped')
    client.socket.destroy()
  })
})
