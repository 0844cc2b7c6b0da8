import { DevChainServer } from '@p2poolv2/devchain/rpc'
import { buildBlock, REGTEST_DIFFICULTY } from '@p2poolv2/devchain/testing'
import { bytesToHex } from '@p2poolv2/primitives'
import { createLog } from '@p2poolv2/runtime'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { BitcoindStatus } from '../config.ts'
import { RpcClient } from '../rpc/rpc-client.ts'
import { Recorder } from '../testing/recorder.ts'
import { preflight } from './preflight.ts'
import { TemplateFeed } from './template-feed.ts'

// A system for which the package has no build: loading it throws.
vi.mock('zeromq', () => {
  throw new Error('No native build was found for platform=sunos arch=sparc')
})

describe('without the native ZeroMQ', () => {
  it('preflight says so, and the feed hears of blocks by long poll', async () => {
    const server = await DevChainServer.start({ user: 'u', password: 'p', difficulty: REGTEST_DIFFICULTY })
    onTestFinished(() => server.stop())
    const node = { url: server.url, user: 'u', password: 'p', zmqHashblock: 'tcp://127.0.0.1:28332' }
    const rpc = new RpcClient(node)
    onTestFinished(() => rpc.close())
    const findings = await preflight(rpc, { chains: ['regtest'], zmqHashblock: node.zmqHashblock })
    expect(findings.map(({ code }) => code)).toEqual(['zmq-not-available', 'zmq-not-configured'])

    const [heights, statuses] = [new Recorder<number>(), new Recorder<readonly BitcoindStatus[]>()]
    const feed = new TemplateFeed(
      { nodes: [node], chains: ['regtest'], timings: { tipPollMs: 600_000 } },
      {
        onTemplate: ({ bitcoinHeight }) => heights.add(bitcoinHeight),
        onStatus: statuses.add,
        log: createLog({ level: 'silent', format: 'json' })
      }
    )
    onTestFinished(() => feed.stop())
    feed.start()
    await heights.first(height => height === 1)
    await rpc.call('submitblock', [bytesToHex(buildBlock(server.chain.template(1_795_360_577)))])
    await heights.first(height => height === 2)
    const told = await statuses.first(
      ([status]) => status?.state === 'ready' && status.message?.includes('ZeroMQ is not available') === true
    )
    expect(told[0]?.message).toContain('polling instead')
  })
})
