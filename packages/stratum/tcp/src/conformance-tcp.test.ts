import { systemClock } from '@p2poolv2/runtime'
import { afterEach, describe, expect, it } from 'vitest'
import { authorize, subscribe, TestClient } from './testing/test-client.ts'
import { TestPool } from './testing/test-pool.ts'

let pool: TestPool | null = null

afterEach(async () => {
  await pool?.server.stop()
  pool = null
})

async function serve(options: ConstructorParameters<typeof TestPool>[0] = {}): Promise<TestPool> {
  pool = await new TestPool(options).start()
  return pool
}

async function connected(options: ConstructorParameters<typeof TestPool>[0] = {}): Promise<TestClient> {
  return TestClient.connect((await serve(options)).port)
}

const SUBSCRIBE_LINE = `${JSON.stringify(subscribe)}\n`

async function expectSubscribed(client: TestClient): Promise<void> {
  const [reply] = await client.read(1)
  expect(reply).toMatchObject({ id: 1, error: null })
  expect(client.lines).toEqual([])
}

async function expectCut(bytes: string | Uint8Array, why: string): Promise<void> {
  const client = await connected()
  client.write(bytes)
  expect(await pool?.whenGone(1)).toBe(why)
  await client.ended()
  expect(client.lines).toEqual([])
}

describe('conformance over TCP', () => {
  const cases: Readonly<Record<string, readonly [behaviour: string, run: () => Promise<void>]>> = {
    A1: [
      'a line in two segments',
      async () => {
        const client = await connected()
        await client.writeAlone(SUBSCRIBE_LINE.slice(0, 25))
        client.write(SUBSCRIBE_LINE.slice(25))
        await expectSubscribed(client)
      }
    ],
    A2: [
      'a line byte by byte',
      async () => {
        const client = await connected()
        for (const character of SUBSCRIBE_LINE) await client.writeAlone(character)
        await expectSubscribed(client)
      }
    ],
    A4: [
      'CRLF and blank lines',
      async () => {
        const client = await connected()
        client.write(`\n\r\n \n${SUBSCRIBE_LINE.replace('\n', '\r\n')}`)
        await expectSubscribed(client)
      }
    ],
    A6: [
      'a character cut in two',
      async () => {
        const client = await connected()
        client.write(subscribe)
        const line = Buffer.from('{"id":2,"method":"mining.authorize","params":["bc1qexampleaddr.\u00e9","x"]}\n')
        const cut = line.indexOf(0xc3) + 1
        await client.writeAlone(line.subarray(0, cut))
        client.write(line.subarray(cut))
        const [, reply] = await client.read(2)
        expect(reply).toMatchObject({ id: 2, result: true, error: null })
      }
    ],
    A7: ['9000 bytes without an end', () => expectCut(`{${' '.repeat(9_000)}`, 'line-too-long')],
    A8: [
      'a line of 9000 bytes after login',
      async () => {
        const client = await connected()
        client.write(subscribe, authorize)
        await client.read(4)
        client.write({ id: 3, method: 'x'.repeat(9_000) })
        expect(await pool?.whenGone(1)).toBe('line-too-long')
      }
    ],
    A11: ['HTTP', () => expectCut('GET / HTTP/1.1\r\n\r\n', 'not-stratum')],
    A12: ['TLS', () => expectCut(Uint8Array.of(0x16, 3, 1, 2, 0), 'not-stratum')],
    A17: [
      'who does not read is given up, others are not',
      async () => {
        const { port, server } = await serve({ sweepEveryMs: 20, maxUnsentMs: 100 })
        const [slow, good] = [await TestClient.connect(port), await TestClient.connect(port)]
        for (const client of [slow, good]) client.write(subscribe, authorize)
        await Promise.all([slow.read(4), good.read(4)])
        slow.socket.pause()
        const reply = `${JSON.stringify({ id: 9, result: 'x'.repeat(4_000) })}\n`
        while (!pool?.gone.has(1)) {
          server.send(1, reply)
          await new Promise(resolve => setImmediate(resolve))
        }
        expect(pool.gone.get(1)).toBe('too-slow')
        pool.renew(2)
        expect((await good.read(1))[0]).toMatchObject({ method: 'mining.notify' })
      }
    ],
    A18: [
      'a miner that hangs up is forgotten',
      async () => {
        const client = await connected()
        client.write(subscribe, authorize)
        await client.read(4)
        client.socket.end()
        expect(await pool?.whenGone(1)).toBe('left')
        expect(pool?.server.connections).toBe(0)
      }
    ],
    B5: [
      'the first segment of a probe has what it looks for',
      async () => {
        const client = await connected()
        client.write(subscribe, authorize)
        const [reply] = await client.read(1)
        // The reply is the first line, so it is in the first segment whole.
        expect(JSON.stringify(reply).length).toBeLessThan(1023)
        expect(JSON.stringify(reply)).toContain('mining.notify')
      }
    ],
    B7: [
      'a thousand connections at once have a thousand extranonces',
      async () => {
        const { port } = await serve()
        const clients = await Promise.all(Array.from({ length: 1000 }, () => TestClient.connect(port)))
        for (const client of clients) client.write(subscribe)
        const replies = await Promise.all(clients.map(client => client.read(1)))
        const extranonces = replies.map(([reply]) => (reply?.result as unknown[] | undefined)?.[1])
        expect(new Set(extranonces).size).toBe(1000)
        for (const extranonce of extranonces) expect(extranonce).toMatch(/^[0-9a-f]{8}$/)
      }
    ],
    F12: [
      'who mines is told to connect elsewhere and served on until it hangs up, while nobody comes in',
      async () => {
        const { port, server } = await serve()
        const [miner, guest] = [await TestClient.connect(port), await TestClient.connect(port)]
        miner.write(subscribe, authorize)
        guest.write(subscribe)
        await Promise.all([miner.read(4), guest.read(1)])
        const stopped = server.stop({ drainMs: 60_000 })
        for (const each of [1, 2])
          pool?.handle(each, session => session.handle({ type: 'stopping' }, systemClock().now()))
        expect(await miner.read(1)).toEqual([{ id: null, method: 'client.reconnect', params: [] }])
        await expect(TestClient.connect(port)).rejects.toThrow(/ECONNREFUSED/)
        miner.write({ id: 9, method: 'mining.submit', params: ['bc1qexampleaddr.w', 'no job', '00', '00', '00'] })
        expect(await miner.read(1)).toMatchObject([{ id: 9, result: false }])
        for (const each of [miner, guest]) each.socket.end()
        await stopped
        // Before authorize is answered it would be taken for the answer.
        expect(guest.lines).toEqual([])
      }
    ],
    F13: [
      'a connection beyond the cap is closed, with a line for the operator',
      async () => {
        const { port, log } = await serve({ maxConnections: 2 })
        for (const miner of [await TestClient.connect(port), await TestClient.connect(port)]) {
          miner.write(subscribe)
          await expectSubscribed(miner)
        }
        const third = await TestClient.connect(port)
        const fourth = await TestClient.connect(port)
        await Promise.all([third.ended(), fourth.ended()])
        expect(log).toHaveLength(1)
        expect(log[0]).toContain('raise the cap')
        expect(pool?.gone.size).toBe(0)
      }
    ],
    F24: [
      'a PROXY line of nobody we trust is not stratum',
      () => expectCut('PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n', 'not-stratum')
    ]
  }
  for (const [id, [behaviour, run]] of Object.entries(cases)) it(`${id}: ${behaviour}`, run)
})
