import type { ConnectJson } from '@p2poolv2/api/schema'
import { describe, expect, it } from 'vitest'
import { regtestAddress } from './stage/addresses.ts'
import { freePort } from './stage/free-port.ts'
import type { NodeProgram } from './stage/node-program.ts'
import { ownBlocks } from './stage/own-blocks.ts'
import { Program } from './stage/program.ts'
import { MINER_MAIN, openStage } from './stage/stage.ts'
import { until } from './stage/until.ts'

/** Path of the reference's `mining_device`, which is in the crate integration_tests_sv2 0.6.0 of the Rust registry: sv2 §8 says how it is had. */
const { P2POOL_MINING_DEVICE } = process.env
const PATIENCE_MS = 120_000
/** What was on its way when a block was found. */
const OF_THE_MOMENT: ReadonlySet<string> = new Set(['Stale'])
const PAYEE = regtestAddress(80)

interface Server {
  readonly url: string
  readonly port: string
  readonly key: string
}

interface MinerProgram {
  readonly name: string
  /** What names it where it is none of ours. */
  readonly variable: string | null
  readonly command: string | undefined
  readonly args: (server: Server) => readonly string[]
}

const PROGRAMS: readonly MinerProgram[] = [
  {
    name: 'our CPU miner',
    variable: null,
    command: process.execPath,
    args: ({ url }) => [MINER_MAIN, '--url', url, '--user', `${PAYEE}.cpu`, '--max-hashrate', '60000']
  },
  {
    name: 'the reference’s mining device',
    variable: 'P2POOL_MINING_DEVICE',
    command: P2POOL_MINING_DEVICE,
    // A standard channel. It rests half a millisecond after every 32 hashes of its one thread.
    args: ({ port, key }) => [
      ...['--address-pool', `127.0.0.1:${port}`, '--pubkey-pool', key, '--id-user', `${PAYEE}.device`],
      ...['--cores', '1', '--handicap', '500']
    ]
  }
]

async function serverOf(node: NodeProgram): Promise<Server> {
  const { stratum } = JSON.parse(await node.text('/v1/connect')) as ConnectJson
  const url = stratum.find(({ protocol }) => protocol === 'v2')?.url ?? ''
  const [, port = '', key = ''] = /:(\d+)\/(\w+)$/.exec(url) ?? []
  return { url, port, key }
}

/** Shares of the payee that were accepted, over restarts of the node. */
async function accepted(node: NodeProgram): Promise<number> {
  return (await node.status()).totals.accepted
}

describe.each(PROGRAMS)('$name', ({ name, variable, command, args }) => {
  it('mines shares and a block by Stratum V2, over a restart of its own and of the node', async () => {
    if (command === undefined) {
      process.stdout.write(`${variable} names no program: nothing was tried with ${name}\n`)
      return
    }
    const stage = openStage()
    const dataDir = await stage.folder()
    const v2Port = await freePort()
    const start = (): Promise<NodeProgram> =>
      stage.node({ dataDir, args: ['--miners', '0', '--set', `stratum.v2_port=${v2Port}`] }).ready()
    let node = await start()
    const server = await serverOf(node)
    let isOver = false
    let miner: Program | null = null
    // The device ends itself when the node hangs up, so whoever runs it has it started again.
    const supervised = (async () => {
      while (!isOver) {
        miner = new Program({ name, command, args: args(server) })
        await miner.ended
      }
    })()
    const tell = (): string => (miner as Program | null)?.tail ?? 'not started'
    const more = (what: string, than: number): Promise<unknown> =>
      until(what, PATIENCE_MS, async () => ((await accepted(node)) > than ? true : null))
    try {
      await more('accepted shares', 2)
      const before = await accepted(node)
      await (miner as Program | null)?.stop('SIGKILL')
      await more('shares after the miner’s restart', before)
      await until('a block', PATIENCE_MS, async () => ((await ownBlocks(node, PAYEE)) > 0 ? true : null))
      expect(node.complaints.filter(({ level }) => level === 'error')).toEqual([])
      const atStop = await accepted(node)
      await node.stop('SIGTERM')
      node = await start()
      expect(await serverOf(node)).toEqual(server)
      await more('shares after the node’s restart', atStop)
      const { rejects } = (await node.status()).totals
      expect(rejects.map(({ reason }) => reason).filter(reason => !OF_THE_MOMENT.has(reason))).toEqual([])
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${tell()}\n${node.program.tail}`, { cause: error })
    } finally {
      isOver = true
      await (miner as Program | null)?.stop('SIGKILL')
      await supervised
    }
  }, 600_000)
})
