import { findBitcoind } from '@p2poolv2/bitcoind/testing'
import { describe, expect, it } from 'vitest'
import { Subscriber } from 'zeromq'
import { regtestAddress } from './stage/addresses.ts'
import { bitcoindFlags, FETCH_BITCOIND_MS } from './stage/bitcoind-flags.ts'
import { openStage } from './stage/stage.ts'
import { until } from './stage/until.ts'

const BLOCKS = 20
const AIM_MS = 200
const PATIENCE_MS = 90_000

/** Our own ear on bitcoind's `hashblock`: when each hash came, by `performance.now()`. */
class Ear {
  readonly heardAtMs = new Map<string, number>()
  readonly #socket = new Subscriber({ linger: 0 })
  readonly #ended: Promise<void>

  constructor(address: string) {
    this.#socket.connect(address)
    this.#socket.subscribe('hashblock')
    this.#ended = this.#listen()
  }

  async close(): Promise<void> {
    this.#socket.close()
    await this.#ended
  }

  async #listen(): Promise<void> {
    for await (const [, hash] of this.#socket) {
      if (hash !== undefined) this.heardAtMs.set(hash.toString('hex'), performance.now())
    }
  }
}

describe('a node on a bitcoind with zmq', () => {
  it('gives clean jobs on each block that another miner finds', { timeout: FETCH_BITCOIND_MS + 900_000 }, async ctx => {
    const { path, missing } = await findBitcoind()
    if (path === null) return ctx.skip(missing)
    const stage = openStage()
    const bitcoind = await stage.bitcoind({ path })
    await bitcoind.launch()
    await bitcoind.answering()
    const ear = new Ear(bitcoind.zmqAddress)
    stage.onEnd(() => ear.close())
    const zmq = ['--set', `bitcoind.zmq_hashblock=${bitcoind.zmqAddress}`]
    const args = ['--chain', 'regtest', ...bitcoindFlags(bitcoind), ...zmq]
    const node = await stage.node({ dataDir: await stage.folder(), args }).ready()
    const miner = await stage.probe(node.stratumPort)
    await miner.login(`${regtestAddress(0x33)}.probe`)
    await miner.notify(PATIENCE_MS)
    const mine = async (): Promise<string> => {
      const [hash] = await bitcoind.generate(1)
      return hash ?? ''
    }

    // Subscriptions are known to work once a message came through; blocks until then are not counted.
    await until('the first zmq message', PATIENCE_MS, async () => {
      const hash = await mine()
      await miner.notify(PATIENCE_MS, ({ prevHash }) => prevHash === hash)
      return ear.heardAtMs.size > 0 ? true : null
    })
    const before = (await bitcoind.rpc.call('getblockcount')) as number

    const delaysMs: number[] = []
    for (let block = 0; block < BLOCKS; block++) {
      const from = miner.notified.length
      const hash = await mine()
      const job = await miner.notify(PATIENCE_MS, ({ prevHash }) => prevHash === hash, from)
      expect(job.isClean).toBe(true)
      expect(miner.notified[from]).toBe(job)
      const heardAtMs = await until('the zmq message', PATIENCE_MS, () => ear.heardAtMs.get(hash) ?? null)
      delaysMs.push(job.atMs - heardAtMs)
    }
    const status = await node.status()
    expect(status.bitcoind).toMatchObject({ state: 'ready', height: before + BLOCKS, message: null })
    const sorted = [...delaysMs].sort((a, b) => a - b)
    const late = delaysMs.filter(delayMs => delayMs > AIM_MS).length
    console.info(
      `zmq message to clean job, ${BLOCKS} blocks: median ${at(sorted, 0.5)} ms, 90 % ${at(sorted, 0.9)} ms, ` +
        `worst ${at(sorted, 1)} ms, ${late} above ${AIM_MS} ms`
    )
  })
})

function at(sorted: readonly number[], part: number): string {
  return (sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN).toFixed(1)
}
