import { createLog } from '@p2poolv2/runtime'
import { afterEach, expect, it } from 'vitest'
import type { GoneReason } from './contract.ts'
import { BYTES_AT_ONCE } from './miner-socket.ts'
import { LAST_TURNS_MS, StratumServer } from './stratum-server.ts'
import { authorize, subscribe, TestClient } from './testing/test-client.ts'
import { TestPool } from './testing/test-pool.ts'

/** More than four reads of 64 KiB. */
const FLOOD = 6_000
const READ_BYTES = 64 * 1024

let pool: TestPool | null = null

afterEach(async () => {
  await pool?.server.stop()
  pool = null
})

async function serve(...args: ConstructorParameters<typeof TestPool>): Promise<TestPool> {
  pool = await new TestPool(...args).start()
  return pool
}

const pings = (count: number): string =>
  Array.from({ length: count }, (_, id) => `{"id":${id},"method":"mining.ping","params":[]}\n`).join('')

const linesRead = (): number => pool?.reads.reduce((sum, lines) => sum + lines, 0) ?? 0

it('who floods has every line answered, in order, and the operator is told once', async () => {
  const { port, log } = await serve({ linesPerSec: 20_000, burstLines: 100 })
  const client = await TestClient.connect(port)
  const startedMs = performance.now()
  client.write(pings(FLOOD))
  const replies = await client.read(FLOOD)
  expect(replies.map(({ id }) => id)).toEqual(Array.from({ length: FLOOD }, (_, id) => id))
  // One read may go beyond the allowance; each further one has to wait for it.
  const longestRead = READ_BYTES / pings(1).length
  expect(performance.now() - startedMs).toBeGreaterThan(((FLOOD - 100 - longestRead) / 20_000) * 900)
  expect(log).toHaveLength(1)
  expect(log[0]).toContain('read slowly')
})

it('of what one miner sends at once a little has its turn, then that of others', async () => {
  const { port, reads } = await serve()
  const flooder = await TestClient.connect(port)
  flooder.write(pings(1_000))
  expect((await flooder.read(1_000)).map(({ id }) => id)).toEqual(Array.from({ length: 1_000 }, (_, id) => id))
  expect(Math.max(...reads)).toBeLessThanOrEqual(Math.ceil(BYTES_AT_ONCE / pings(1).length))
})

it('while a flood is read slowly others are served, and at a stop the rest of it is read', async () => {
  const { port, server } = await serve({ linesPerSec: 100, burstLines: 100 })
  const flooder = await TestClient.connect(port)
  flooder.write(pings(FLOOD))
  await flooder.read(1)
  const miner = await TestClient.connect(port)
  miner.write(subscribe, authorize)
  await miner.read(4)
  expect(linesRead()).toBeLessThan(FLOOD)
  await server.stop()
  expect(linesRead()).toBe(FLOOD + 2)
  expect(pool?.gone.get(1)).toBe('stopped')
})

it('a miner that leaves while it is paused is forgotten, with all it had sent', async () => {
  const { port } = await serve({ linesPerSec: 4_000, burstLines: 1 })
  const client = await TestClient.connect(port)
  client.socket.end(pings(FLOOD))
  expect(await pool?.whenGone(1)).toBe('left')
  expect(linesRead()).toBe(FLOOD)
  expect(pool?.server.connections).toBe(0)
})

it('a burst as vardiff or a proxy after an outage make it is read at once', async () => {
  const { port, log } = await serve()
  const client = await TestClient.connect(port)
  client.write(subscribe, authorize)
  await client.read(4)
  client.write(pings(3_000))
  await client.read(3_000)
  expect(log).toEqual([])
})

it('a stop takes no longer than its bound however much was read of how many, and none of them is forgotten', async () => {
  const FLOODERS = 30
  const KILOBYTE_MS = 20
  let nowMs = 0
  let isHeld = true
  let judged = 0
  const held: (() => void)[] = []
  const gone: GoneReason[] = []
  let allSpoke = (): void => {}
  const whenAllSpoke = new Promise<void>(resolve => {
    allSpoke = resolve
  })
  const spoke = new Set<number>()
  const server = new StratumServer(
    { host: '127.0.0.1', port: 0, trustedRanges: ['127.0.0.1'] },
    {
      onConnected: () => {},
      onLines: miner => {
        nowMs += KILOBYTE_MS
        judged += 1
        spoke.add(miner)
        if (spoke.size === FLOODERS) allSpoke()
      },
      onGone: (_miner, why) => void gone.push(why),
      log: createLog({ level: 'silent', format: 'json' }),
      turns: { nowMs: () => nowMs, later: turn => void (isHeld ? held.push(turn) : setImmediate(turn)) }
    }
  )
  const port = await server.listen()
  const miners = await Promise.all(Array.from({ length: FLOODERS }, () => TestClient.connect(port)))
  // The first kilobyte of each is judged as it comes: each is a host while it uses little.
  for (const { socket } of miners) socket.write(pings(FLOOD))
  await whenAllSpoke
  const before = judged
  const stopped = server.stop({ signal: AbortSignal.abort() })
  isHeld = false
  for (const turn of held) turn()
  await stopped
  expect(gone).toEqual(Array.from({ length: FLOODERS }, () => 'stopped'))
  expect(judged).toBeGreaterThan(before)
  // One more turn may have begun: `TURN_MS` and `HEAVY_MS`, a kilobyte counting for one.
  expect((judged - before) * KILOBYTE_MS).toBeLessThanOrEqual(LAST_TURNS_MS + 8 * KILOBYTE_MS)
  for (const { socket } of miners) socket.destroy()
})
