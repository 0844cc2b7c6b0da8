import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RealBitcoind, type RealBitcoindOptions } from '@p2poolv2/bitcoind/testing'
import { onTestFinished } from 'vitest'
import { type NodeOptions, NodeProgram } from './node-program.ts'
import { Program } from './program.ts'
import { StratumProbe } from './stratum-probe.ts'

export const MINER_MAIN = fileURLToPath(new URL('../../../apps/miner/dist/main.js', import.meta.url))

export interface MinerOptions {
  readonly url: string
  readonly user: string
  readonly maxHashrateHps?: number
}

/** What one test sets up: programs and folders that are gone when it ends, the last one first. */
export class Stage {
  readonly #undo: (() => Promise<unknown>)[] = []

  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'p2poolv2-e2e-'))
    this.#undo.push(() => rm(folder, { recursive: true, force: true }))
    return folder
  }

  /** A node that may or may not come up; see `NodeProgram.ready`. */
  node(options: NodeOptions): NodeProgram {
    const node = new NodeProgram(options)
    this.#undo.push(() => node.stop('SIGKILL'))
    return node
  }

  miner(options: MinerOptions): Program {
    const { url, user, maxHashrateHps = 0 } = options
    const miner = new Program({
      name: `miner ${user}`,
      command: process.execPath,
      args: [MINER_MAIN, '--url', url, '--user', user, '--max-hashrate', String(maxHashrateHps)]
    })
    this.#undo.push(() => miner.stop('SIGKILL'))
    return miner
  }

  /** A real bitcoind with a folder and ports of its own, not running yet. */
  async bitcoind(options: RealBitcoindOptions): Promise<RealBitcoind> {
    const bitcoind = await RealBitcoind.prepare(options)
    this.#undo.push(() => bitcoind.remove())
    return bitcoind
  }

  async probe(port: number): Promise<StratumProbe> {
    const probe = await StratumProbe.connect(port)
    this.#undo.push(async () => probe.close())
    return probe
  }

  /** Whatever else has to be undone. */
  onEnd(undo: () => Promise<unknown>): void {
    this.#undo.push(undo)
  }

  async clear(): Promise<void> {
    for (const undo of this.#undo.splice(0).reverse()) await undo()
  }
}

/** A stage for the test that runs now. */
export function openStage(): Stage {
  const stage = new Stage()
  onTestFinished(() => stage.clear())
  return stage
}
