/**
 * How long after bitcoind's word of a new block the last of many miners has a clean job, while the template itself takes a second.
 * The node is a process of its own; the miners are connections of this one, whose own time to read them counts. Times are of the wall
 * clock, so only a quiet machine gives numbers worth comparing.
 */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'

import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findBitcoind, RealBitcoind, TemplateGate } from '@p2poolv2/bitcoind/testing'
import { Subscriber } from 'zeromq'
import { regtestAddress } from '../e2e/stage/addresses.ts'
import { bitcoindFlags } from '../e2e/stage/bitcoind-flags.ts'
import { NodeProgram } from '../e2e/stage/node-program.ts'
import { note } from './measure.ts'

const TEMPLATE_MS = 1_000
const BLOCKS = 10
const CONNECTING_AT_ONCE = 50

const { path, missing } = await findBitcoind()
if (path === null) {
  note(`new block: not measured, no bitcoind here: ${missing}`)
  process.exit(0)
}

/** When this connection's last clean job came, and of how many it has heard. */
class Ear {
  cleanAtMs = 0
  clean = 0
  readonly socket: Socket

  constructor(port: number, user: string) {
    this.socket = connect({ host: '127.0.0.1', port })
    this.socket.on('data', (bytes: Buffer) => {
      const atMs = performance.now()
      // A notify ends in its clean flag.
      if (!bytes.includes('true]}')) return
      this.cleanAtMs = atMs
      this.clean += 1
    })
    const line = (id: number, method: string, params: string[]) => `${JSON.stringify({ id, method, params })}\n`
    this.socket.write(line(1, 'mining.subscribe', ['bench/1']) + line(2, 'mining.authorize', [user, 'x']))
  }
}

async function until(is: () => boolean): Promise<void> {
  while (!is()) await new Promise(resolve => setTimeout(resolve, 5))
}

async function measureMiners(miners: number, emptyFirst: boolean): Promise<void> {
  const bitcoind = await RealBitcoind.start({ path: path ?? '' })
  await bitcoind.generate(20)
  const gate = await TemplateGate.start(bitcoind.url)
  const dataDir = await mkdtemp(join(tmpdir(), 'p2poolv2-bench-'))
  const { user, password, zmqAddress } = bitcoind
  const zmq = ['--set', `bitcoind.zmq_hashblock=${zmqAddress}`, '--set', `stratum.empty_first=${emptyFirst}`]
  const args = [
    ...['--miners', '0', '--set', 'stratum.max_connections=10000'],
    ...bitcoindFlags({ url: gate.url, user, password }),
    ...zmq
  ]
  const node = await new NodeProgram({ dataDir, args }).ready()
  const heard = new Map<string, number>()
  const subscriber = new Subscriber({ linger: 0 })
  subscriber.connect(zmqAddress)
  subscriber.subscribe('hashblock')
  void (async () => {
    for await (const [, hash] of subscriber) heard.set(hash?.toString('hex') ?? '', performance.now())
  })()

  const ears: Ear[] = []
  for (let n = 0; n < miners; n++) {
    const ear = new Ear(node.stratumPort, `${regtestAddress(n & 0xff)}.w${n}`)
    ears.push(ear)
    if (n % CONNECTING_AT_ONCE === 0) await once(ear.socket, 'connect')
  }
  await until(() => ears.every(({ clean }) => clean > 0))
  gate.delayMs = TEMPLATE_MS
  const lasts: number[] = []
  const firsts: number[] = []
  for (let block = -2; block < BLOCKS; block++) {
    const before = ears.map(({ clean }) => clean)
    const [hash = ''] = await bitcoind.generate(1)
    await until(() => heard.has(hash) && ears.every(({ clean }, n) => clean > (before[n] ?? 0)))
    // Whoever is behind with the template before gets that first.
    await new Promise(resolve => setTimeout(resolve, 2 * TEMPLATE_MS))
    const times = ears.map(({ cleanAtMs }) => cleanAtMs - (heard.get(hash) ?? 0))
    if (block < 0) continue
    firsts.push(times.reduce((a, b) => Math.min(a, b)))
    lasts.push(times.reduce((a, b) => Math.max(a, b)))
  }
  const text = (values: readonly number[]) => {
    const sorted = values.toSorted((a, b) => a - b)
    return `${sorted[sorted.length >> 1]?.toFixed(1)} (${sorted[0]?.toFixed(1)} to ${sorted.at(-1)?.toFixed(1)})`
  }
  note(`${miners} miners, empty_first = ${emptyFirst}: first after ${text(firsts)} ms, last after ${text(lasts)} ms`)
  for (const { socket } of ears) socket.destroy()
  subscriber.close()
  await node.stop()
  await gate.stop()
  await bitcoind.remove()
  await rm(dataDir, { recursive: true, force: true })
}

note(
  `bitcoind's word of a block to a clean job, median (least to most) of ${BLOCKS}; its template takes ${TEMPLATE_MS} ms`
)
for (const miners of [100, 1_000, 5_000]) await measureMiners(miners, true)
await measureMiners(100, false)
