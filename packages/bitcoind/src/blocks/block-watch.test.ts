import { once } from 'node:events'
import type { Socket } from 'node:net'
import { type BlockHash, blockHash } from '@p2poolv2/primitives'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { BitcoindConfig } from '../config.ts'
import { Recorder } from '../testing/recorder.ts'
import { rpcAnswer, rpcRefusal, ScriptedPeer } from '../testing/scripted-peer.ts'
import { peer } from '../testing/started.ts'
import { type BlockFate, BlockWatch, type WatchedBlock } from './block-watch.ts'

const hashOf = (n: number): BlockHash => blockHash(n.toString(16).padStart(64, '0'))
const block = (n: number, bitcoinHeight: number, result = 'accepted'): WatchedBlock => ({
  blockHash: hashOf(n),
  bitcoinHeight,
  result
})

/** A node that says so many confirmations of whatever block it is asked for; null: it does not know it. */
async function nodeSaying(confirmations: () => number | null | 'busy') {
  const node = await ScriptedPeer.start((socket, { id }) => {
    const says = confirmations()
    if (says === null) socket.write(rpcRefusal(id, -5, 'Block not found'))
    else if (says === 'busy') socket.write(rpcRefusal(id, -28, 'Verifying blocks…'))
    else socket.write(rpcAnswer(id, { confirmations: says }))
  })
  onTestFinished(() => node.stop())
  return node
}

function watching(nodes: readonly BitcoindConfig[], blocks: readonly WatchedBlock[]) {
  const fates = new Recorder<BlockFate>()
  const forgotten = new Recorder<WatchedBlock>()
  let tip: { hash: BlockHash; bitcoinHeight: number } | null = null
  const watch = new BlockWatch(nodes, {
    blocks: () => blocks,
    tip: () => tip,
    onFate: fates.add,
    onForgotten: forgotten.add
  })
  onTestFinished(() => watch.stop())
  const tipIs = (bitcoinHeight: number, n = bitcoinHeight): void => {
    tip = { hash: hashOf(n), bitcoinHeight }
    watch.look()
  }
  return { watch, fates, forgotten, tipIs, settled: () => watch.idle() }
}

describe('a block on record', () => {
  it('is asked for on every new tip and told of when something is new, and at a hundred deep no more', async () => {
    let says = 1
    const node = await nodeSaying(() => says)
    const { fates, tipIs, settled } = watching([{ url: node.url }], [block(7, 500)])
    const steps: [number, number][] = [
      [500, 1],
      [501, 2],
      [598, 99],
      [599, 100],
      [600, 101]
    ]
    for (const [height, confirmations] of steps) {
      says = confirmations
      tipIs(height)
      await settled()
    }
    expect(fates.seen.map(({ confirmations }) => confirmations)).toEqual([1, 2, 99, 100])
    expect(node.calls).toHaveLength(4)
  })

  it('that is beside the chain is watched as deep, for it may still win', async () => {
    let says = -1
    const node = await nodeSaying(() => says)
    const { fates, tipIs, settled } = watching([{ url: node.url }], [block(7, 500)])
    for (const height of [500, 501, 502]) {
      tipIs(height)
      await settled()
    }
    says = 3
    // A reorganisation to a chain of the same height.
    tipIs(502, 0xbeef)
    await settled()
    says = -1
    tipIs(600)
    await settled()
    tipIs(601)
    await settled()
    expect(fates.seen.map(({ confirmations }) => confirmations)).toEqual([-1, 3, -1])
    expect(node.calls).toHaveLength(5)
  })

  it('is asked for at the next node where the first does not know it or is away', async () => {
    let first: null | 'busy' = null
    const one = await nodeSaying(() => first)
    const other = await nodeSaying(() => 4)
    const { fates, tipIs, settled } = watching([{ url: one.url }, { url: other.url }], [block(7, 500)])
    tipIs(503)
    await settled()
    first = 'busy'
    tipIs(504)
    await settled()
    expect(fates.seen).toEqual([{ blockHash: hashOf(7), confirmations: 4 }])
    expect(other.calls).toHaveLength(2)
  })

  it('of which no node can say anything just now is asked for again with the next template, not in a circle', async () => {
    let says: 'busy' | number = 'busy'
    const node = await nodeSaying(() => says)
    const { fates, tipIs, settled } = watching([{ url: node.url }], [block(7, 500)])
    tipIs(500)
    await settled()
    expect(node.calls).toHaveLength(1)
    says = 1
    tipIs(500)
    await settled()
    tipIs(500)
    await settled()
    expect(fates.seen).toHaveLength(1)
    expect(node.calls).toHaveLength(2)
  })

  it('is not asked for once it has ended', async () => {
    const node = await nodeSaying(() => 1)
    const { watch, tipIs, fates, settled } = watching([{ url: node.url }], [block(7, 500)])
    await watch.stop()
    tipIs(500)
    await settled()
    expect(fates.seen).toEqual([])
    expect(node.calls).toEqual([])
  })

  it('that a node had taken and no node knows any more is told of once, the lowest first, unless it is stale', async () => {
    let says: number | null = 1
    const node = await nodeSaying(() => says)
    const blocks = [block(9, 502), block(8, 501), block(7, 500), block(6, 502, 'submitted'), block(5, 498)]
    const { forgotten, tipIs, settled } = watching([{ url: node.url }], blocks)
    tipIs(502)
    await settled()
    says = null
    // bitcoind has ended and is back where it was.
    for (const tip of [0xaa, 0xab]) {
      tipIs(500, tip)
      await settled()
    }
    expect(forgotten.seen.map(({ bitcoinHeight }) => bitcoinHeight)).toEqual([500, 501, 502])
    says = 1
    tipIs(501)
    await settled()
    says = null
    tipIs(500, 0xac)
    await settled()
    expect(forgotten.seen).toHaveLength(6)
  })

  it('that no node knows two blocks later is not in the chain, unless one has refused it or does not answer', async () => {
    let says: number | null | 'busy' = 'busy'
    const node = await nodeSaying(() => says)
    const blocks = [
      block(9, 500),
      block(8, 500, 'submitted: no answer on record'),
      block(7, 500, 'rejected: high-hash')
    ]
    const { fates, tipIs, settled } = watching([{ url: node.url }], blocks)
    const seen = async (tip: number) => {
      tipIs(tip)
      await settled()
      return fates.seen.map(({ blockHash: hash, confirmations }) => [hash, confirmations])
    }
    expect(await seen(502)).toEqual([])
    says = null
    expect(await seen(501)).toEqual([])
    const lost = [
      [hashOf(9), -1],
      [hashOf(8), -1]
    ]
    expect(await seen(502)).toEqual(lost)
    expect(await seen(503)).toEqual(lost)
    says = 4
    expect((await seen(504)).slice(2)).toHaveLength(3)
  })

  it('is asked for with all that a node says of its header, once however often one looks', async () => {
    const asked: unknown[] = []
    const { url } = await peer((socket, { id, params }) => {
      asked.push(params)
      socket.write(rpcAnswer(id, { confirmations: 1 }))
    })
    const { watch, tipIs, settled } = watching([{ url }], [block(7, 500)])
    watch.look()
    await settled()
    expect(asked).toEqual([])
    tipIs(500)
    watch.look()
    await settled()
    expect(asked).toEqual([[hashOf(7), true]])
  })

  it('is given up with the end, also where the node does not answer, and the connection with it', async () => {
    const sockets: Socket[] = []
    let asked = (): void => {}
    const isAsked = new Promise<void>(resolve => (asked = resolve))
    const { url } = await peer(socket => {
      sockets.push(socket)
      asked()
    })
    const { watch, tipIs, fates } = watching([{ url }], [block(7, 500)])
    tipIs(500)
    await isAsked
    const ended = Promise.all(sockets.map(socket => once(socket, 'close')))
    await watch.stop()
    await ended
    expect(fates.seen).toEqual([])
  })

  it('is asked for on a connection that is let go of in the end', async () => {
    const sockets: Socket[] = []
    const { url } = await peer((socket, { id }) => {
      sockets.push(socket)
      socket.write(rpcAnswer(id, { confirmations: 1 }))
    })
    const { watch, tipIs, settled } = watching([{ url }], [block(7, 500)])
    tipIs(500)
    await settled()
    const ended = Promise.all(sockets.map(socket => once(socket, 'close')))
    await watch.stop()
    await ended
    expect(sockets).toHaveLength(1)
  })

  it('whose answer makes no sense is asked for again with the next template', async () => {
    const answers: unknown[] = [null, 'text', { confirmations: 'many' }, { confirmations: 1.5 }, { confirmations: 1 }]
    const { url, calls } = await peer((socket, { id }) => socket.write(rpcAnswer(id, answers[calls.length - 1])))
    const { tipIs, fates, settled } = watching([{ url }], [block(7, 500)])
    for (const _ of answers) {
      tipIs(500)
      await settled()
    }
    expect(fates.seen.map(({ confirmations }) => confirmations)).toEqual([1])
    expect(calls).toHaveLength(answers.length)
  })

  it('that comes back to the record after it had left it is looked at anew', async () => {
    const node = await nodeSaying(() => 100)
    const blocks = [block(7, 500)]
    const { tipIs, fates, settled } = watching([{ url: node.url }], blocks)
    for (const [height, onRecord] of [
      [599, blocks],
      [600, []],
      [601, [block(7, 500)]]
    ] as const) {
      blocks.splice(0, blocks.length, ...onRecord)
      tipIs(height)
      await settled()
    }
    expect(fates.seen).toHaveLength(2)
    expect(node.calls).toHaveLength(2)
  })
})
