import type { DevChainServer } from '@p2poolv2/devchain/rpc'
import { buildBlock } from '@p2poolv2/devchain/testing'
import { bytesToHex } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { httpAnswer, rpcAnswer, rpcRefusal } from '../testing/scripted-peer.ts'
import { devChain, node, peer } from '../testing/started.ts'
import { BLOCK, never, submitter } from '../testing/submitting.ts'
import type { SolvedBlock } from './block-submitter.ts'

function found(server: DevChainServer): SolvedBlock {
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

  it('a disk that is stuck does not hold up a block', async () => {
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
    ['inconclusive', 'lost-race', 'inconclusive'],
    ['duplicate-inconclusive', 'lost-race', 'duplicate-inconclusive'],
    ['inconclusive-not-best-prevblk', 'lost-race', 'inconclusive-not-best-prevblk'],
    ['stale-prevblk', 'lost-race', 'stale-prevblk'],
    ['stale-work', 'lost-race', 'stale-work'],
    ['bad-prevblk', 'rejected', 'bad-prevblk'],
    ['duplicate', 'duplicate', null],
    ['duplicate-invalid', 'rejected', 'duplicate-invalid'],
    ['rejected', 'rejected', 'rejected'],
    ['high-hash', 'rejected', 'high-hash'],
    ['time-too-old', 'rejected', 'time-too-old'],
    [null, 'accepted', null]
  ])('the answer %j is %s', async (answer, result, reason) => {
    const server = await peer((socket, { id }) => socket.write(rpcAnswer(id, answer)))
    const { made, settled } = submitter([{ url: server.url }])
    expect(await made.submit(BLOCK, { signal: never })).toMatchObject([{ result, reason }])
    expect(settled).toEqual([BLOCK.blockHash])
  })

  it('tries a node that is starting or unreachable until it takes the block', async () => {
    const server = await devChain()
    const block = found(server)
    await server.stop()
    let attempts = 0
    const starting = await peer((socket, { id }) => {
      attempts += 1
      if (attempts === 3) void devChain({ port: Number(new URL(server.url).port) })
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

  it('goes to the others when the node whose template it was made of is gone, and again once they have its parent', async () => {
    const [gone, other] = [await devChain(), await devChain()]
    const parent = found(gone)
    const { made: early } = submitter([node(gone)])
    expect(await early.submit(parent, { signal: never })).toMatchObject([{ result: 'accepted' }])
    const block = { ...found(gone), bitcoinHeight: 2 }
    await gone.stop()
    const stop = new AbortController()
    const { made } = submitter([node(gone), node(other)], {
      onResult: ({ result }) => (result === 'accepted' ? stop.abort() : undefined)
    })
    const submission = made.submit(block, { signal: stop.signal })
    const { made: late } = submitter([node(other)])
    expect(await late.submit(parent, { signal: never })).toMatchObject([{ result: 'accepted' }])
    expect(await submission).toMatchObject([{ result: 'failed' }, { url: other.url, result: 'accepted' }])
    expect(other.chain.tip.bitcoinHeight).toBe(2)
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

  it.each([
    ['prev-blk-not-found', (id: number) => rpcAnswer(id, 'prev-blk-not-found')],
    ['time-too-new', (id: number) => rpcAnswer(id, 'time-too-new')],
    ['too many calls', () => httpAnswer(503, 'Work queue depth exceeded')],
    ['a disk that is full', (id: number) => rpcRefusal(id, -25, 'Disk space is too low!')],
    ['an internal error', (id: number) => rpcRefusal(id, -32603, 'internal')],
    ['a warm-up', (id: number) => rpcRefusal(id, -28, 'Verifying blocks…')],
    ['an answer of no known shape', (id: number) => rpcAnswer(id, { odd: true })],
    ['half an answer', () => 'HTTP/1.1 200 OK\r\ncontent-length: 900\r\nconnection: close\r\n\r\n{"res'],
    ['a page of a router', () => httpAnswer(200, '<html>Log in</html>')],
    ['the answer to something else', (id: number) => rpcAnswer(id + 1_000, null)]
  ])('asks again after %s', async (_name, notYet) => {
    const server = await peer((socket, { id }) => {
      if (server.calls.length < 4) socket.end(notYet(id))
      else socket.write(rpcAnswer(id, null))
    })
    const { made, results } = submitter([{ url: server.url }])
    expect(await made.submit(BLOCK, { signal: never })).toMatchObject([{ result: 'accepted' }])
    expect(server.calls).toHaveLength(4)
    expect(results).toHaveLength(1)
  })

  it('a block that stays without its parent until it is stale has lost the race', async () => {
    const server = await peer((socket, { id }) => socket.write(rpcAnswer(id, 'prev-blk-not-found')))
    const { made, settled } = submitter([{ url: server.url }], {
      bitcoinHeight: () => (server.calls.length < 3 ? 2 : 3)
    })
    expect(await made.submit(BLOCK, { signal: never })).toMatchObject([
      { result: 'lost-race', reason: 'prev-blk-not-found' }
    ])
    expect(server.calls).toHaveLength(3)
    expect(settled).toEqual([BLOCK.blockHash])
  })
})
