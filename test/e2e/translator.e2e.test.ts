import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ConnectJson } from '@p2poolv2/api/schema'
import { expect, it } from 'vitest'
import { regtestAddress } from './stage/addresses.ts'
import { freePort } from './stage/free-port.ts'
import type { NodeProgram } from './stage/node-program.ts'
import { ownBlocks } from './stage/own-blocks.ts'
import { Program } from './stage/program.ts'
import { openStage } from './stage/stage.ts'
import { TranslatedMiner } from './stage/translated-miner.ts'
import { until } from './stage/until.ts'

/** Path of `translator_sv2` 0.6.0, which is in the Rust registry. */
const { P2POOL_TRANSLATOR } = process.env
const PATIENCE_MS = 120_000
/** Its miners are told a difficulty that a script can meet. */
const HASHRATE_HPS = 2_000
const PAYEE = regtestAddress(78)

async function upstream(node: NodeProgram): Promise<{ readonly port: string; readonly key: string }> {
  const { stratum } = JSON.parse(await node.text('/v1/connect')) as ConnectJson
  const [, port = '', key = ''] =
    /:(\d+)\/(\w+)$/.exec(stratum.find(({ protocol }) => protocol === 'v2')?.url ?? '') ?? []
  return { port, key }
}

function running(program: Program | null): Program {
  if (program === null) throw new Error('the translator was started')
  return program
}

function settings(
  downstreamPort: number,
  at: { readonly port: string; readonly key: string },
  aggregate: boolean
): string {
  return `downstream_address = "127.0.0.1"
downstream_port = ${downstreamPort}
max_supported_version = 2
min_supported_version = 2
downstream_extranonce2_size = 4
verify_payout = false
aggregate_channels = ${aggregate}
supported_extensions = []
required_extensions = []
[downstream_difficulty_config]
min_individual_miner_hashrate = ${HASHRATE_HPS}.0
shares_per_minute = 20.0
enable_vardiff = true
job_keepalive_interval_secs = 60
[[upstreams]]
address = "127.0.0.1"
port = ${at.port}
authority_pubkey = "${at.key}"
user_identity = "${PAYEE}.proxy"
`
}

it('the reference translator mines shares and a block here for miners of V1 behind it, over a restart of either', async () => {
  if (P2POOL_TRANSLATOR === undefined) {
    process.stdout.write('P2POOL_TRANSLATOR names no translator_sv2: nothing was tried with it\n')
    return
  }
  const stage = openStage()
  const dataDir = await stage.folder()
  const v2Port = await freePort()
  const start = (): Promise<NodeProgram> =>
    stage.node({ dataDir, args: ['--miners', '0', '--set', `stratum.v2_port=${v2Port}`] }).ready()
  let node = await start()
  const accepted = async (): Promise<number> => (await node.status()).miners.reduce((sum, m) => sum + m.accepted, 0)
  for (const aggregate of [true, false]) {
    const downstreamPort = await freePort()
    const file = join(dataDir, `translator-${aggregate}.toml`)
    await writeFile(file, settings(downstreamPort, await upstream(node), aggregate))
    let isOver = false
    let proxy: Program | null = null
    // It ends by itself when it has tried to reach the node three times in vain, so whoever runs it has it started again.
    const supervised = (async () => {
      while (!isOver) {
        proxy = new Program({ name: 'translator', command: P2POOL_TRANSLATOR, args: ['-c', file] })
        await proxy.ended
      }
    })()
    const miners = [new TranslatedMiner(downstreamPort, 'a'), new TranslatedMiner(downstreamPort, 'b')]
    try {
      await until('accepted shares of both miners', PATIENCE_MS, () =>
        miners.every(miner => miner.accepted >= 3) ? true : null
      )
      await until('shares in the node’s account', PATIENCE_MS, async () => ((await accepted()) >= 3 ? true : null))
      // What it says when it gives a server up.
      expect(running(proxy).output).not.toMatch(/fallback/i)
      const before = miners.map(miner => miner.accepted)
      await running(proxy).stop('SIGKILL')
      await until('shares after the translator’s restart', PATIENCE_MS, () =>
        miners.every((miner, i) => miner.accepted > (before[i] ?? 0)) ? true : null
      )
      await node.stop('SIGTERM')
      const atStop = miners.map(miner => miner.accepted)
      node = await start()
      await until('shares after the node’s restart', PATIENCE_MS, () =>
        miners.every((miner, i) => miner.accepted > (atStop[i] ?? 0)) ? true : null
      )
      await until('a block', PATIENCE_MS, async () => ((await ownBlocks(node, PAYEE)) > 0 ? true : null))
      expect(node.complaints.filter(({ level }) => level === 'error')).toEqual([])
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${running(proxy).tail}\n${node.program.tail}`, { cause: error })
    } finally {
      for (const miner of miners) miner.stop()
      isOver = true
      await running(proxy).stop('SIGKILL')
      await supervised
    }
  }
}, 1_200_000)
