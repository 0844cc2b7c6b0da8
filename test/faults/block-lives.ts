import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SolvedBlock } from '@p2poolv2/bitcoind'
import { consensusFingerprint, genesisShare } from '@p2poolv2/consensus'
import type { NodeEffect, NodeEvent } from '@p2poolv2/node'
import { A_SHARE, address, EASY_BITS, Rig } from '@p2poolv2/node/testing'
import type { BlockHash } from '@p2poolv2/primitives'
import { createLog, type Log } from '@p2poolv2/runtime'
import { type FoundBlock, MemoryStore, SCHEMA_VERSION } from '@p2poolv2/sharechain'
import { FoundBlockFolder } from '../../apps/node/src/data/found-blocks.ts'
import { type BitcoindSide, bitcoindSide } from '../../apps/node/src/wire/bitcoin/bitcoind-side.ts'
import { JudgingBitcoind } from './judging-bitcoind.ts'

const WITHIN_MS = 60_000
const BLOCKS_READ = 1_000
/** Found at a time in a flood. */
const FLOOD = 8
const HANDED_OVER = 'a found block goes to all bitcoin nodes'

/** How a crash leaves the files of a write, or a removal, that was under way: the mark is the first that comes and the last that goes. */
export const TEARS = ['nothing', 'mark', 'mark and half', 'all'] as const
export type Tear = (typeof TEARS)[number]

export type BlockStep =
  | { readonly type: 'find' | 'flood' | 'next parent' | 'write' | 'commit' }
  /** A bitcoin node looks at a block, finds a rule broken, or answers. */
  | { readonly type: 'look' | 'refuse' | 'answer'; readonly node: 0 | 1 }
  | { readonly type: 'crash'; readonly tear: Tear }
  | { readonly type: 'stop' }

interface DiskWork {
  readonly what: 'persist' | 'settled' | 'remove'
  readonly block: SolvedBlock
  readonly run: () => Promise<void>
  readonly done: () => void
}

/** What a crash leaves, and what was seen of it. */
export class BlockWorld {
  readonly folder: string
  readonly nodes: readonly JudgingBitcoind[]
  readonly store: MemoryStore
  /** Of our blocks, as far as one was ever found: their parents. */
  readonly parents = new Map<BlockHash, string>()
  /** That a bitcoin node was handed in any life. */
  readonly handed = new Set<BlockHash>()
  /** That were whole on disk at some moment. */
  readonly kept = new Set<BlockHash>()
  lives = 0
  /** The parent that miners work on. */
  parent = 1
  #safe: ReadonlySet<string> = new Set()
  #onDisk: readonly BlockHash[] = []

  private constructor(folder: string, nodes: readonly JudgingBitcoind[], store: MemoryStore) {
    this.folder = folder
    this.nodes = nodes
    this.store = store
  }

  static async make(): Promise<BlockWorld> {
    const folder = await mkdtemp(join(tmpdir(), 'p2poolv2-siblings-'))
    const nodes = await Promise.all([JudgingBitcoind.start(), JudgingBitcoind.start()])
    const { params } = new Rig()
    const identity = {
      schemaVersion: SCHEMA_VERSION,
      chain: params.chain,
      fingerprint: consensusFingerprint(params),
      genesisHash: genesisShare(params).hash
    }
    return new BlockWorld(folder, nodes, new MemoryStore(identity))
  }

  async end(): Promise<void> {
    for (const node of this.nodes) await node.stop()
    await rm(this.folder, { recursive: true })
  }

  blocks(): readonly FoundBlock[] {
    return this.store.blocksNow(BLOCKS_READ)
  }

  files(): readonly string[] {
    return readdirSync(this.folder)
  }

  /**
   * Once a block of a parent was on disk or on a bitcoin node, one of that parent is, until all bitcoin nodes have refused what there is. It
   * goes from the disk only when a bitcoin node has one, or a later one is there.
   */
  checkSafe(when: BlockStep['type'] | 'end'): void {
    const held = new Set(this.nodes.flatMap(({ chain }) => [...chain.keys()]))
    const names = this.files().filter(name => name.endsWith('.hex'))
    const whole = names.filter(name => readFileSync(join(this.folder, name), 'utf8').endsWith('\n')).join()
    const isRefused = (hash: BlockHash): boolean => this.nodes.every(({ refused }) => refused.has(hash))
    // In the order in which they were found.
    const onDisk = [...this.parents].filter(([hash]) => whole.includes(hash))
    const found = [...this.parents.keys()]
    for (const hash of this.#onDisk) {
      const parent = this.parents.get(hash) ?? ''
      const isLater = (other: BlockHash) => found.indexOf(other) >= found.indexOf(hash)
      const isSafe = held.has(parent) || onDisk.some(([other, of]) => of === parent && isLater(other))
      if (!isSafe) throw new Error(`after ${when} ${hash} is not on disk any more, and none in its place`)
    }
    this.#onDisk = onDisk.map(([hash]) => hash)
    for (const hash of this.#onDisk) this.kept.add(hash)
    const safe = new Set(held)
    for (const [hash, parent] of onDisk) if (!isRefused(hash)) safe.add(parent)
    for (const parent of this.#safe) {
      if (!safe.has(parent) && when !== 'refuse') throw new Error(`after ${when} no block is left on parent ${parent}`)
    }
    this.#safe = safe
  }

  /** Leaves a write, or a removal, of a block half done. */
  tear({ blockHash, bitcoinHeight, blockHex }: SolvedBlock, what: 'persist' | 'remove', tear: Tear): void {
    const there = new Set(this.files())
    const put = (ending: string, text: string | null): void => {
      const file = `${bitcoinHeight}-${blockHash}${ending}`
      // What is there is not written again, and what is not there is not removed.
      if (there.has(file) === (what === 'persist')) return
      if (text === null) rmSync(join(this.folder, file), { force: true })
      else writeFileSync(join(this.folder, file), text)
    }
    const half = tear === 'mark and half' ? blockHex.slice(0, blockHex.length / 2) : null
    put('.hex', tear === 'all' ? `${blockHex}\n` : half)
    put('.open', tear === 'nothing' ? null : '')
  }
}

/**
 * One run of the node on a world: the machine, what hands blocks over, and the folder of found blocks. What is written and committed, and
 * what bitcoin nodes do, happens when a step says so, and a crash comes between any two.
 */
export class BlockLife {
  readonly #world: BlockWorld
  readonly #rig: Rig
  readonly #side: BitcoindSide
  readonly #inbox: NodeEvent[] = []
  #disk: DiskWork[] = []
  #commits: Extract<NodeEffect, { type: 'commit' }>[] = []
  readonly #handed = new Set<BlockHash>()
  readonly #answered = new Set<string>()
  #isStopping = false
  #isDead = false
  /** Nothing waits for a step any more. */
  #isFree = false

  private constructor(world: BlockWorld) {
    this.#world = world
    world.lives += 1
    const recentBlocks = world.blocks()
    this.#rig = new Rig({ recentBlocks, check: 'never' })
    if (world.store.sequence === 0) world.store.commitNow(this.#rig.chain.genesisDelta())
    const real = new FoundBlockFolder(world.folder)
    const folder = {
      persist: (block: SolvedBlock) => this.#later('persist', block, () => real.persist(block)),
      settled: (block: SolvedBlock) => this.#later('settled', block, () => real.settled(block)),
      remove: (block: SolvedBlock) => this.#later('remove', block, () => real.remove(block)),
      kept: real.kept.bind(real),
      unanswered: real.unanswered.bind(real)
    }
    this.#side = bitcoindSide(
      { nodes: world.nodes.map(({ url }) => ({ url })), chain: 'devnet', emptyFirst: false, folder, recentBlocks },
      { blocks: () => [], unservedMiners: () => 0, post: event => this.#post(event), log: this.#log() }
    )
  }

  static async begin(world: BlockWorld): Promise<BlockLife> {
    const life = new BlockLife(world)
    await life.#side.unanswered.start?.({ signal: new AbortController().signal })
    // Two lives find no block twice.
    life.#rig.nowMs += world.lives * 1_000_000
    life.#work()
    life.#rig.connect(1, address(1))
    await life.#settle()
    return life
  }

  async step(step: Exclude<BlockStep, { type: 'crash' | 'stop' }>): Promise<void> {
    switch (step.type) {
      case 'find':
        this.#find()
        break
      case 'flood':
        for (let n = 0; n < FLOOD; n++) this.#find()
        break
      case 'next parent':
        this.#world.parent += 1
        this.#work()
        break
      case 'write':
        await this.#write()
        break
      case 'commit':
        this.#commit()
        break
      default:
        this.#world.nodes[step.node]?.[step.type]()
    }
    await this.#settle()
    this.#world.checkSafe(step.type)
  }

  /** Everything that waits is done, until nothing does. */
  async finish(): Promise<void> {
    this.#isFree = true
    for (const node of this.#world.nodes) node.recover()
    await this.#settle()
    this.#world.checkSafe('end')
  }

  /** The end of the process: nothing that was not done is done any more. @returns how many writes and removals were under way */
  async crash(tear: Tear): Promise<number> {
    this.#isDead = true
    const torn = this.#disk.flatMap(({ what, block }) => (what === 'settled' ? [] : [{ what, block }]))
    for (const { what, block } of torn) this.#world.tear(block, what, tear)
    for (const { done } of this.#disk.splice(0)) done()
    await this.#side.submission.stop?.({ signal: AbortSignal.abort() })
    await this.#side.feed.stop?.({ signal: AbortSignal.abort() })
    this.#world.checkSafe('crash')
    return torn.length
  }

  /** The end that a signal asks for: what was begun is written, and no answer is heard any more. */
  async stop(): Promise<void> {
    this.#isStopping = true
    this.#commit()
    let isDone = false
    const stopped = Promise.resolve(this.#side.submission.stop?.({ signal: AbortSignal.abort() })).then(() => {
      isDone = true
    })
    while (!isDone || this.#disk.length > 0) {
      await nextTurn()
      await this.#write()
    }
    await stopped
    await this.#side.feed.stop?.({ signal: AbortSignal.abort() })
    this.#isDead = true
    this.#world.checkSafe('stop')
  }

  #work(): void {
    // Heights of the one after the other.
    const { parent } = this.#world
    this.#perform(this.#rig.template({ parent, height: 100 + parent, bits: EASY_BITS }))
  }

  #find(): void {
    this.#rig.advance(1_000)
    this.#perform(this.#rig.mine(1, { atMost: A_SHARE.atMost << 4n }))
    this.#hear()
  }

  #hear(): void {
    for (let event = this.#inbox.shift(); event !== undefined; event = this.#inbox.shift())
      this.#perform(this.#rig.handle(event))
  }

  #perform(effects: readonly NodeEffect[]): void {
    for (const effect of effects) {
      if (effect.type === 'submitBlock') {
        const { blockHash, bitcoinHeight, blockHex } = effect
        this.#world.parents.set(blockHash, blockHex.slice(8, 72))
        this.#side.submitBlock({ blockHash, bitcoinHeight, blockHex })
      }
      if (effect.type === 'commit') this.#commits.push(effect)
    }
  }

  #commit(): void {
    const { store } = this.#world
    for (const { delta } of this.#commits.splice(0)) store.commitNow({ ...delta, sequence: store.sequence + 1 })
  }

  #later(what: DiskWork['what'], block: SolvedBlock, run: () => Promise<void>): Promise<void> {
    if (this.#isDead) return Promise.resolve()
    return new Promise(done => this.#disk.push({ what, block, run, done }))
  }

  async #write(): Promise<void> {
    const next = this.#disk.shift()
    if (next === undefined) return
    await next.run()
    next.done()
  }

  #post(event: NodeEvent): void {
    if (this.#isDead || this.#isStopping) return
    if (event.type === 'blockResult') this.#answered.add(`${event.blockHash} ${event.url}`)
    this.#inbox.push(event)
  }

  #log(): Log {
    const write = (line: string): void => {
      const { msg, blockHash } = JSON.parse(line) as { readonly msg: string; readonly blockHash: BlockHash }
      if (msg !== HANDED_OVER || this.#isDead) return
      this.#handed.add(blockHash)
      this.#world.handed.add(blockHash)
    }
    return createLog({ level: 'info', format: 'json', sink: { write } })
  }

  /** Until nothing happens any more by itself. */
  async #settle(): Promise<void> {
    const endMs = performance.now() + WITHIN_MS
    for (let quiet = 0; quiet < 3; quiet++) {
      await nextTurn()
      const isQuiet = this.#inbox.length === 0 && this.#areHanded() && !(this.#isFree && this.#hasWork())
      if (isQuiet) continue
      quiet = -1
      this.#hear()
      if (this.#isFree) {
        this.#commit()
        while (this.#disk.length > 0) await this.#write()
      }
      if (performance.now() > endMs) throw new Error('waited in vain for the node to come to rest')
    }
  }

  #hasWork(): boolean {
    return this.#disk.length > 0 || this.#commits.length > 0
  }

  /** Each bitcoin node has each block that was handed over, or has answered to it. */
  #areHanded(): boolean {
    return [...this.#handed].every(hash =>
      this.#world.nodes.every(node => node.hasBeenHanded(hash) || this.#answered.has(`${hash} ${node.url}`))
    )
  }
}
