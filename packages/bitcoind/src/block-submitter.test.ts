import { DevChainServer } from '@p2poolv2/devchain/rpc'
import { buildBlock, REGTEST_DIFFICULTY } from '@p2poolv2/devchain/testing'
import { blockHash, bytesToHex } from '@p2poolv2/primitives'
import { createLog } from '@p2poolv2/runtime'
import { afterEach, describe, expect, it } from 'vitest'
import { type BlockResult, BlockSubmitter, type BlockSubmitterPorts, type FoundBlock } from './block-submitter.ts'
import type { BitcoindConfig } from './config.ts'
import { type PeerScript, rpcAnswer, rpcRefusal, ScriptedPeer } from './testing/scripted-peer.ts'

const log = createLog({ level: 'silent', format: 'json' })
const never = new AbortController().signal
const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

async function devChain(port = 0): Promise<DevChainServer> {
  const server = await DevChainServer.start({ user: 'u', password: 'p', port, difficulty: REGTEST_DIFFICULTY })
  undo.push(() => server.stop())
  return server
}

async function peer(script: PeerScript): Promise<ScriptedPeer> {
  const started = await ScriptedPeer.start(script)
  undo.push(() => started.stop())
  return started
}

const node = ({ url }: { url: string }) => ({ url, user: 'u', password: 'p' })

function submitter(nodes: readonly BitcoindConfig[], ports: Partial<BlockSubmitterPorts> = {}) {
  const steps: string[] = []
  const results: BlockResult[] = []
  const made = new BlockSubmitter(
    { nodes, retryMinMs: 5, retryMaxMs: 20 },
    {
      persist: async () => void steps.push('persisted'),
      onResult: result => {
        steps.push(result.result)
        results.push(result)
      },
      bitcoinHeight: () => null,
      log,
      ...ports
    }
  )
  undo.push(() => made.close())
  return { made, steps, results }
}

const BLOCK: FoundBlock = { blockHash: blockHash('00'.repeat(32)), bitcoinHeight: 1, blockHex: '00' }

function found(server: DevChainServer): FoundBlock {
  const block = buildBlock(server.chain.template(1_795_360_577))
  return { ...BLOCK, blockHex: bytesToHex(block) }
}

describe('BlockSubmitter', () => {
  it('is idle once every block under way has its answer', async () => {
    const { made, results } = submitter([node(await devChain())])
    await made.idle()
    void made.submit(BLOCK, { signal: never })
    void made.submit(BLOCK, { signal: never })
    await made.idle()
    expect(results).toHaveLength(2)
  })

  it('keeps the block first and tells every node of it', async () => {
    const [one, other] = [await devChain(), await devChain()]
    const block = found(one)
    const { made, steps } = submitter([node(one), node(other)])
    const results = await made.submit(block, { signal: never })
    expect(results).toMatchObject([
      { url: one.url, result: 'accepted', reason: null },
      { url: other.url, result: 'accepted', reason: null }
    ])
    expect(steps).toEqual(['persisted', 'accepted', 'accepted'])
    expect([one.chain.tip.bitcoinHeight, other.chain.tip.bitcoinHeight]).toEqual([1, 1])
    expect(await made.submit(block, { signal: never })).toMatchObject([
      { result: 'duplicate' },
      { result: 'duplicate' }
    ])
  })

  it('a block that cannot be kept is submitted all the same', async () => {
    const server = await devChain()
    const { made } = submitter([node(server)], { persist: () => Promise.reject(new Error('ENOSPC')) })
    expect(await made.submit(found(server), { signal: never })).toMatchObject([{ result: 'accepted' }])
  })

  it('a disk that is stuck holds up a block for a moment only', async () => {
    const server = await devChain()
    let release = (): void => {}
    const persist = () =>
      new Promise<void>(resolve => {
        release = resolve
      })
    const onResult = () => release()
    const { made } = submitter([node(server)], { persist, onResult })
    expect(await made.submit(found(server), { signal: never })).toMatchObject([{ result: 'accepted' }])
  })

  it('says why a node refuses', async () => {
    const server = await devChain()
    const block = buildBlock(server.chain.template(1_795_360_577), { work: 'misses' })
    const { made } = submitter([node(server)])
    const wrong = await made.submit({ ...BLOCK, blockHex: bytesToHex(block) }, { signal: never })
    expect(wrong).toMatchObject([{ result: 'rejected', reason: 'high-hash' }])
    expect(await made.submit(BLOCK, { signal: never })).toMatchObject([
      { result: 'rejected', reason: 'Block decode failed' }
    ])
  })

  it.each([
    ['inconclusive', 'accepted', 'inconclusive'],
    ['duplicate-inconclusive', 'accepted', 'duplicate-inconclusive'],
    ['duplicate', 'duplicate', null],
    ['duplicate-invalid', 'rejected', 'duplicate-invalid'],
    [{ odd: true }, 'rejected', 'an answer in a shape we do not know']
  ])('the answer %j is %s', async (answer, result, reason) => {
    const server = await peer((socket, { id }) => socket.write(rpcAnswer(id, answer)))
    const { made } = submitter([{ url: server.url }])
    expect(await made.submit(BLOCK, { signal: never })).toMatchObject([{ result, reason }])
  })

  it('tries a node that is starting or unreachable until it takes the block', async () => {
    const server = await devChain()
    const block = found(server)
    await server.stop()
    let attempts = 0
    const starting = await peer((socket, { id }) => {
      attempts += 1
      if (attempts === 3) void devChain(Number(new URL(server.url).port))
      socket.write(attempts < 3 ? rpcRefusal(id, -28, 'Loading…') : rpcAnswer(id, null))
    })
    const { made } = submitter([{ url: starting.url }, node(server)])
    expect(await made.submit(block, { signal: never })).toMatchObject([{ result: 'accepted' }, { result: 'accepted' }])
    expect(attempts).toBe(3)
  })

  it('one dead node does not keep the others waiting', async () => {
    const dead = await peer(() => {})
    const server = await devChain()
    const stop = new AbortController()
    const { made, results } = submitter([{ url: dead.url }, node(server)], {
      onResult: result => {
        results.push(result)
        if (result.result === 'accepted') stop.abort()
      }
    })
    const all = await made.submit(found(server), { signal: stop.signal })
    expect(all).toMatchObject([{ result: 'failed' }, { result: 'accepted' }])
    expect(results[0]).toMatchObject({ url: server.url, result: 'accepted' })
  })

  it('gives up on a stale block', async () => {
    const server = await devChain()
    await server.stop()
    let asked = 0
    const { made } = submitter([node(server)], { bitcoinHeight: () => (asked++ < 2 ? 2 : 3) })
    const results = await made.submit(BLOCK, { signal: never })
    expect(results).toMatchObject([{ result: 'failed', reason: expect.stringContaining('ECONNREFUSED') }])
    expect(asked).toBe(3)
  })
})
