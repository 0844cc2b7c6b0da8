import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildBlock, growBranch, REGTEST_DIFFICULTY } from '@p2poolv2/devchain/testing'
import { expect, it, onTestFinished } from 'vitest'
import { type BlockNetwork, ChainExchange, type ChainExchangeOptions } from './chain-exchange.ts'
import { LiveChain } from './live-chain.ts'

const NOW_SEC = 1_795_360_577
const clock = { now: () => ({ wallMs: (NOW_SEC + 7_000) * 1_000, steadyMs: Math.floor(performance.now()) }) as never }

type Handler = Parameters<BlockNetwork['serve']>[1]

/** Peers in one process; what one asks the other's handler answers in a later turn. */
class Room {
  readonly handlers = new Map<string, Handler>()
  readonly bad: string[] = []

  /** What the exchange of one of them gets. */
  port(name: string): Omit<ChainExchangeOptions, 'tag'> {
    const network: BlockNetwork = {
      serve: async (protocol, handler) => void this.handlers.set(`${name} ${protocol}`, handler),
      ask: async ({ peer, protocol, payload }) => {
        await new Promise(resolve => setImmediate(resolve))
        const handler = this.handlers.get(`${peer} ${protocol}`)
        if (handler === undefined) return { type: 'failed' }
        return { type: 'answer', payload: await handler({ peer: name, payload }) }
      }
    }
    return { network, clock, onBadPeer: (peer, reason) => this.bad.push(`${peer}: ${reason}`) }
  }
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'p2poolv2-exchange-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

async function live(file?: string): Promise<LiveChain> {
  return LiveChain.open({ clock, difficulty: REGTEST_DIFFICULTY, ...(file === undefined ? {} : { file }) })
}

/** Resolves when the tip is this one. */
async function tipIs(chain: LiveChain, hash: string): Promise<void> {
  await chain.waiters.wait(() => chain.chain.tip.hash === hash, AbortSignal.timeout(10_000))
  expect(chain.chain.tip.hash).toBe(hash)
}

it('two chains whose nodes are peers are one, and still after a restart', async () => {
  const file = join(await folder(), 'blocks')
  const room = new Room()
  const [ann, bob] = [await live(), await live(file)]
  const grown = growBranch({ count: 700, fromSec: NOW_SEC, spacingSec: 5 })
  for (const block of grown.blocks) await ann.submit(block)
  const tag = '0a1b2c3d'
  const exchanges = [
    await ChainExchange.start(ann, { ...room.port('ann'), tag }),
    await ChainExchange.start(bob, { ...room.port('bob'), tag })
  ] as const
  for (const exchange of exchanges) onTestFinished(() => exchange.stop())
  exchanges[0].peerConnected('bob')
  exchanges[1].peerConnected('ann')
  await tipIs(bob, grown.chain.tip.hash)
  const block = buildBlock(bob.chain.template(NOW_SEC + 7_000))
  expect((await bob.submit(block)).type).toBe('accepted')
  await tipIs(ann, bob.chain.tip.hash)
  expect(room.bad).toEqual([])
  exchanges[1].stop()
  await bob.close()
  const again = await live(file)
  expect(again.chain.tip.hash).toBe(ann.chain.tip.hash)
  await again.close()
})

it('a peer that sends nonsense is dropped, and one that does not answer does no harm', async () => {
  const room = new Room()
  const ann = await live()
  const exchange = await ChainExchange.start(ann, { ...room.port('ann'), tag: '0a1b2c3d' })
  onTestFinished(() => exchange.stop())
  room.handlers.set(`eve ${exchange.protocol}`, async () => Uint8Array.of(1, 2, 3))
  exchange.peerConnected('mute')
  exchange.peerConnected('eve')
  const serve = room.handlers.get(`ann ${exchange.protocol}`)
  const asks = (peer: string) => serve?.({ peer, payload: Uint8Array.of(0, 0) })
  expect(await asks('stranger')).toBeNull()
  expect((await asks('mute'))?.[0]).toBe(2)
  for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve))
  expect(room.bad).toEqual(['eve: malformed'])
  exchange.stop()
  expect(await asks('mute')).toBeNull()
})

it('a file holds only what took the place of its blocks', async () => {
  const file = join(await folder(), 'blocks')
  const chain = await live(file)
  const [mine, theirs] = [growBranch({ count: 3, fromSec: NOW_SEC }), growBranch({ count: 5, fromSec: NOW_SEC + 1 })]
  for (const block of mine.blocks) await chain.submit(block)
  const other = chain.chain.empty()
  for (const block of theirs.blocks) other.receive(block, NOW_SEC + 7_000)
  chain.chain.replaceWith(other)
  await chain.keepAll()
  await chain.submit(buildBlock(chain.chain.template(NOW_SEC + 7_000)))
  await chain.close()
  const again = await live(file)
  expect([...again.chain.blocks()].map(({ bitcoinHeight }) => bitcoinHeight)).toEqual([1, 2, 3, 4, 5, 6])
  expect(again.chain.tip.hash).toBe(chain.chain.tip.hash)
  await again.close()
})
