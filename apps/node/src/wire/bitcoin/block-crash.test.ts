import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { consensusFingerprint, genesisShare } from '@p2poolv2/consensus'
import type { NodeEffect, NodeEvent } from '@p2poolv2/node'
import { A_BLOCK, A_SHARE, address, Rig } from '@p2poolv2/node/testing'
import { createLog } from '@p2poolv2/runtime'
import { type FoundBlock, SCHEMA_VERSION } from '@p2poolv2/sharechain'
import { openLevelStore } from '@p2poolv2/sharechain/level'
import { describe, expect, it, onTestFinished } from 'vitest'
import { until } from '../../../../../test/e2e/stage/until.ts'
import { ScriptedBitcoind } from '../../../../../test/faults/scripted-bitcoind.ts'
import { FoundBlockFolder } from '../../data/found-blocks.ts'
import { type BitcoindSide, bitcoindSide } from './bitcoind-side.ts'

const WITHIN_MS = 60_000
const ABORTED = { signal: AbortSignal.abort() }
const NEVER = { signal: new AbortController().signal }
const log = createLog({ level: 'silent', format: 'json' })

/** What a crash leaves: the disk, and the bitcoin nodes. */
interface World {
  readonly folder: string
  readonly nodes: readonly ScriptedBitcoind[]
}

async function world(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'p2poolv2-crash-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const nodes = [await ScriptedBitcoind.start('silent'), await ScriptedBitcoind.start('silent')]
  for (const node of nodes) onTestFinished(() => node.stop())
  return { folder, nodes }
}

/**
 * One run of the node on this world: the machine, the real store, the real folder of found blocks and the real submitter. Effects
 * are performed one by one, each to its end, so that a run can be cut between any two.
 */
class Life {
  readonly rig: Rig
  /** Answers of bitcoin nodes, and blocks from before, that the machine has not been told of. */
  readonly inbox: NodeEvent[] = []
  readonly #world: World
  readonly #store: Awaited<ReturnType<typeof openStore>>
  readonly #side: BitcoindSide

  private constructor(world: World, store: Awaited<ReturnType<typeof openStore>>, recentBlocks: readonly FoundBlock[]) {
    this.#world = world
    this.#store = store
    this.rig = new Rig({ recentBlocks })
    this.rig.listener('peer')
    this.#side = bitcoindSide(
      {
        nodes: world.nodes.map(({ url }) => ({ url })),
        chain: 'devnet',
        emptyFirst: false,
        folder: new FoundBlockFolder(join(world.folder, 'blocks')),
        recentBlocks
      },
      { blocks: () => [], unservedMiners: () => 0, post: event => this.inbox.push(event), log }
    )
  }

  static async begin(world: World): Promise<Life> {
    const store = await openStore(join(world.folder, 'store'))
    const life = new Life(world, store, await store.readBlocks(100))
    // The chain of the rig begins anew with every run; what the store has of it is not what this is about.
    if (store.sequence === 0) await store.commit(life.rig.chain.genesisDelta())
    await life.#side.unanswered.start?.(NEVER)
    return life
  }

  /** Performs an effect to its end, as far as that is on this computer. */
  async perform(effect: NodeEffect): Promise<void> {
    if (effect.type === 'submitBlock') {
      const { blockHash, bitcoinHeight, blockHex } = effect
      this.#side.submitBlock({ blockHash, bitcoinHeight, blockHex })
      const mark = `${bitcoinHeight}-${blockHash}.open`
      const names = () => readdir(join(this.#world.folder, 'blocks')).catch((): string[] => [])
      await until('the block on disk', WITHIN_MS, async () => ((await names()).includes(mark) ? true : null))
    }
    if (effect.type === 'commit') {
      await this.#store.commit({ ...effect.delta, sequence: this.#store.sequence + 1 })
    }
  }

  async blocks(): Promise<readonly FoundBlock[]> {
    return this.#store.readBlocks(100)
  }

  async nextEvent(): Promise<NodeEvent> {
    return until('an answer', WITHIN_MS, () => this.inbox.shift() ?? null)
  }

  /** The end of the process: nothing that was not done is done any more. */
  async cut(): Promise<void> {
    await this.#side.submission.stop?.(ABORTED)
    await this.#side.feed.stop?.(ABORTED)
    await this.#store.close()
  }
}

function openStore(folder: string) {
  const { params } = new Rig()
  return openLevelStore(folder, {
    schemaVersion: SCHEMA_VERSION,
    chain: params.chain,
    fingerprint: consensusFingerprint(params),
    genesisHash: genesisShare(params).hash
  })
}

/** Lives until the cut, after which nothing of this life happens any more. @returns the block's hex, and whether the life went on */
async function liveUntil(cut: number, world: World): Promise<{ readonly blockHex: string; readonly wasCut: boolean }> {
  const life = await Life.begin(world)
  const { rig } = life
  rig.template()
  rig.connect(1, address(1))
  rig.mine(1, A_SHARE)
  const effects = [...rig.mine(1, A_BLOCK)]
  const [first] = effects
  if (first?.type !== 'submitBlock') throw new Error('the block comes first')
  expect(effects.map(({ type }) => type)).toEqual(
    expect.arrayContaining(['submitBlock', 'publish', 'sendMiner', 'commit'])
  )
  let performed = 0
  const drain = async (): Promise<boolean> => {
    for (let next = effects.shift(); next !== undefined; next = effects.shift()) {
      if (performed === cut) return true
      await life.perform(next)
      performed += 1
    }
    return performed === cut
  }
  let wasCut = await drain()
  // One node answers, and then the other.
  for (const node of world.nodes) {
    if (wasCut) break
    node.isSilent = false
    // Its first call hangs, as one does whose answer is lost.
    node.forgetCalls()
    effects.push(...rig.handle(await life.nextEvent()))
    wasCut = await drain()
  }
  await life.cut()
  return { blockHex: first.blockHex, wasCut }
}

describe('a block that is found as the node dies', () => {
  it('reaches every bitcoin node and the record, whichever effect was the last', async () => {
    let cut = 1
    for (let isMore = true; isMore; cut++) {
      const here = await world()
      const { blockHex, wasCut } = await liveUntil(cut, here)
      isMore = wasCut
      for (const node of here.nodes) node.isSilent = false

      const next = await Life.begin(here)
      const isAnswered = async (): Promise<true | null> => {
        for (let event = next.inbox.shift(); event !== undefined; event = next.inbox.shift()) {
          for (const effect of next.rig.handle(event)) await next.perform(effect)
        }
        const [block] = await next.blocks()
        const open = (await readdir(join(here.folder, 'blocks'))).filter(name => name.endsWith('.open'))
        const isTaken = here.nodes.every(({ taken }) => taken.has(blockHex))
        return isTaken && open.length === 0 && /^(accepted|duplicate)$/.test(block?.result ?? '') ? true : null
      }
      await until(`the block after a cut behind effect ${cut}`, WITHIN_MS, isAnswered)
      const [block] = await next.blocks()
      expect(block?.outputs.reduce((sum, { valueSats }) => sum + valueSats, 0n)).toBe(5_000_000_000n)
      await next.cut()
    }
    // The block's own effects, and those of two answers.
    expect(cut).toBeGreaterThan(8)
  })
})
