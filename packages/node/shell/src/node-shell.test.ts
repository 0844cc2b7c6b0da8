import { encodeShare } from '@p2poolv2/consensus'
import { decodeMessage, encodeMessage, type PeerEffect } from '@p2poolv2/gossip'
import type { MinerId, NodeEvent, StopReason } from '@p2poolv2/node'
import {
  A_BLOCK,
  A_SHARE,
  address,
  Rig,
  type ScriptedMiner,
  SOURCE,
  sharesMade,
  template
} from '@p2poolv2/node/testing'
import { ZERO_SHARE_HASH } from '@p2poolv2/primitives'
import { createLog, Metrics } from '@p2poolv2/runtime'
import type { ChainDelta } from '@p2poolv2/sharechain'
import { describe, expect, it } from 'vitest'
import { type NodePorts, NodeShell } from './node-shell.ts'
import { Telemetry } from './telemetry.ts'

const MAX_QUEUED = 8
/** What the machine holds of peers while the disk is behind. */
const MAX_HELD_PEER_EVENTS = 128

/** A shell around a real node: virtual miners, a store in memory that can be held up. */
class Bench {
  readonly rig = new Rig({ check: 'never' })
  readonly miners = new Map<MinerId, ScriptedMiner>()
  readonly closed: [MinerId, string][] = []
  readonly blocks: string[] = []
  /** What the network was asked for, by kind. */
  readonly said: { [T in PeerEffect['type']]: Extract<PeerEffect, { readonly type: T }>[] } = {
    publish: [],
    verdict: [],
    request: [],
    respond: [],
    penalise: [],
    otherRules: [],
    dropPeer: []
  }
  readonly committed: number[] = []
  readonly stops: StopReason[] = []
  readonly telemetry: Telemetry
  readonly ports: NodePorts
  readonly shell: NodeShell
  /** Types of the events the machine was handed. */
  readonly handled: NodeEvent['type'][] = []
  #held: (() => void)[] | null = null
  readonly #waiting: { readonly isMet: () => boolean; readonly resolve: () => void }[] = []

  constructor(ports: Partial<NodePorts> = {}) {
    const clock = { now: () => this.rig.now }
    this.telemetry = new Telemetry({
      log: createLog({ level: 'silent', format: 'json' }),
      metrics: new Metrics(),
      areCoinsReal: true,
      clock
    })
    const { core } = this.rig
    const handle = core.handle.bind(core)
    core.handle = (event, now) => {
      this.handled.push(event.type)
      const effects = handle(event, now)
      this.#look()
      return effects
    }
    this.ports = {
      sendMiner: (miner, text) => {
        this.rig.miner(miner).read(String(text))
        this.#look()
      },
      closeMiner: (miner, reason) => this.closed.push([miner, reason]),
      submitBlock: block => this.blocks.push(block.blockHash),
      network: effect => {
        const said: PeerEffect[] = this.said[effect.type]
        said.push(effect)
        this.#look()
      },
      stopped: reason => {
        this.stops.push(reason)
        this.#look()
      },
      ...ports
    }
    this.shell = this.shellWith(this.ports)
  }

  shellWith(ports: NodePorts): NodeShell {
    return new NodeShell({
      core: this.rig.core,
      clock: { now: () => this.rig.now },
      telemetry: this.telemetry,
      maxWaitingDeltas: MAX_QUEUED,
      store: {
        commit: (...deltas) => this.#commit(deltas),
        readShares: async hashes => this.rig.store.readNow(hashes),
        readHeaders: async hashes => this.rig.store.readHeadersNow(hashes),
        readArchive: async (locator, limit) => this.rig.store.archiveNow(locator, limit)
      },
      ports
    })
  }

  /** From now on writes do not end. */
  holdDisk(): void {
    this.#held = []
  }

  releaseDisk(): void {
    const held = this.#held ?? []
    this.#held = null
    for (const release of held) release()
  }

  connect(miner: MinerId): void {
    const scripted = this.rig.script(miner, address(miner))
    this.shell.post({ type: 'minerConnected', miner, remote: '127.0.0.1' })
    this.shell.post({ type: 'minerLines', miner, lines: scripted.hello() })
  }

  mine(miner: MinerId, range: { readonly atMost: bigint; readonly above?: bigint }): void {
    const scripted = this.rig.miner(miner)
    this.shell.post({ type: 'minerLines', miner, lines: [scripted.submit(scripted.grind(range))] })
  }

  post(event: NodeEvent): void {
    this.shell.post(event)
  }

  /** Resolves once a port was called after which the condition holds. */
  until(isMet: () => boolean): Promise<void> {
    return new Promise(resolve => this.#waiting.push({ isMet, resolve }))
  }

  #look(): void {
    for (const { isMet, resolve } of this.#waiting) if (isMet()) resolve()
  }

  async #commit(deltas: readonly ChainDelta[]): Promise<void> {
    if (this.#held !== null) await new Promise<void>(resolve => this.#held?.push(resolve))
    this.rig.store.commitNow(...deltas)
    this.committed.push(...deltas.map(({ sequence }) => sequence))
  }
}

const aPeer: NodeEvent = { type: 'peerConnected', peer: 'peer', direction: 'outbound', dialect: 'ours' }
const newTemplate: NodeEvent = { type: 'template', template: template(), source: SOURCE }

async function stop(bench: Bench): Promise<void> {
  await bench.shell.stop({ signal: new AbortController().signal })
}

describe('NodeShell', () => {
  it('performs what the node asks for: jobs out, block and share out, deltas to disk in order', async () => {
    const bench = new Bench()
    bench.shell.start()
    bench.post(aPeer)
    bench.post(newTemplate)
    bench.connect(1)
    bench.mine(1, A_SHARE)
    bench.mine(1, A_BLOCK)
    await stop(bench)
    expect(bench.blocks).toHaveLength(1)
    expect(bench.said.publish.map(message => message.topic)).toEqual(['templates', 'shares', 'shares'])
    expect(bench.committed).toEqual([2, 3, 4, 5].slice(0, bench.committed.length))
    expect(bench.committed.length).toBeGreaterThanOrEqual(3)
    expect(bench.rig.store.blocksNow(1)).toHaveLength(1)
    expect(bench.stops).toMatchObject([{ code: 'shutdown' }])
    expect(bench.closed).toEqual([[1, 'stopping']])
  })

  it('an event posted by a port waits until the effects before it are performed', async () => {
    const bench: Bench = new Bench({
      submitBlock: ({ blockHash }) => {
        bench.post({ type: 'blockResult', blockHash, url: SOURCE, result: 'accepted', reason: null })
        expect(bench.handled).not.toContain('blockResult')
        bench.blocks.push(blockHash)
      }
    })
    bench.shell.start()
    bench.post(newTemplate)
    bench.connect(1)
    bench.mine(1, A_BLOCK)
    expect(bench.blocks).toHaveLength(1)
    expect(bench.handled.at(-1)).toBe('blockResult')
    await stop(bench)
    expect(bench.rig.store.blocksNow(1)[0]?.result).toBe('accepted')
  })

  it('stop waits for the disk, unless its signal says not to', async () => {
    const bench = new Bench()
    bench.shell.start()
    bench.post(newTemplate)
    bench.connect(1)
    bench.holdDisk()
    bench.mine(1, A_SHARE)
    const impatient = new AbortController()
    const given = bench.shell.stop({ signal: impatient.signal })
    impatient.abort()
    await given
    expect(bench.committed).toEqual([])
    const patient = stop(bench)
    bench.releaseDisk()
    await patient
    expect(bench.committed).toEqual([2])
  })

  it('a disk that refuses ends the node', async () => {
    const bench = new Bench()
    bench.shell.start()
    bench.post(newTemplate)
    bench.connect(1)
    // A delta applied behind the shell's back makes the next one out of order.
    bench.rig.store.commitNow({ sequence: 2, puts: [], deletes: [], durability: 'buffered' })
    bench.mine(1, A_SHARE)
    await bench.until(() => bench.stops.length > 0)
    expect(bench.stops.map(reason => reason.code)).toEqual(['storeFailed'])
    expect(bench.closed).toEqual([[1, 'stopping']])
  })

  it('while the disk hangs a block is submitted and miners are answered; shares follow once it goes on', async () => {
    const bench = held()
    const scripted = bench.rig.miner(1)
    const before = scripted.replies.size
    bench.mine(1, A_SHARE)
    bench.mine(1, A_BLOCK)
    expect(bench.blocks).toHaveLength(1)
    expect(scripted.replies.size).toBe(before + 2)
    const shares = bench.rig.chain.shareCount
    bench.releaseDisk()
    await bench.until(() => bench.handled.includes('storeCaughtUp'))
    expect(bench.rig.chain.shareCount).toBe(shares + 2)
    await stop(bench)
    expect(bench.rig.store.blocksNow(1)).toHaveLength(1)
  })

  it('a share is kept before its miner is told, also while the disk hangs, and until its delta is written', async () => {
    const steps: string[] = []
    const until: (number | null)[] = []
    const bench: Bench = new Bench({
      sendMiner: (miner, text) => {
        steps.push('told')
        bench.rig.miner(miner).read(String(text))
      },
      madeShares: {
        keep: ({ untilSequence }) => {
          steps.push('kept')
          until.push(untilSequence)
        },
        letGo: () => steps.push('let go'),
        written: sequence => steps.push(`written ${sequence}`)
      }
    })
    bench.shell.start()
    bench.post(newTemplate)
    bench.connect(1)
    bench.holdDisk()
    steps.length = 0
    bench.mine(1, A_SHARE)
    expect(steps.slice(0, 2)).toEqual(['kept', 'told'])
    bench.post({ type: 'storeBehind' })
    steps.length = 0
    bench.mine(1, A_SHARE)
    expect(steps.slice(0, 2)).toEqual(['kept', 'told'])
    bench.post({ type: 'storeCaughtUp' })
    expect(until).toEqual([2, null, 3])
    bench.releaseDisk()
    await stop(bench)
    expect(steps).toContain('written 3')
    expect(steps).not.toContain('let go')
  })

  it('reads what is on its way to disk only when it is there', async () => {
    const bench = new Bench()
    bench.shell.start()
    bench.post(newTemplate)
    bench.connect(1)
    bench.post(aPeer)
    bench.holdDisk()
    bench.mine(1, A_SHARE)
    const locator = [bench.rig.chain.confirmedTip().prevHash]
    const reads: number[] = []
    const { store } = bench.rig
    const readHeadersNow = store.readHeadersNow.bind(store)
    store.readHeadersNow = hashes => {
      reads.push(store.sequence)
      return readHeadersNow(hashes)
    }
    ask(bench, 9, encodeMessage({ type: 'getShareHeaders', locator, stop: ZERO_SHARE_HASH }))
    const answered = bench.until(() => bench.said.respond.length === 1)
    bench.releaseDisk()
    await answered
    expect(reads).toEqual([bench.rig.chain.sequence])
    await stop(bench)
  })

  it('reads bodies and headers from the store for peers', async () => {
    const bench = new Bench()
    bench.rig.template()
    bench.rig.connect(2, address(2))
    const [share] = sharesMade(bench.rig.mine(2, A_SHARE))
    if (share === undefined) throw new Error('a share was made')
    bench.shell.start()
    bench.post(aPeer)
    const question = { type: 'getShareHeaders', locator: [share.header.prevShareHash], stop: ZERO_SHARE_HASH } as const
    ask(bench, 1, encodeMessage({ type: 'getData', kind: 'share', hash: share.hash }))
    ask(bench, 2, encodeMessage(question))
    await bench.until(() => bench.said.respond.length === 2)
    const answers = bench.said.respond.map(({ payload }) => decodeMessage(payload ?? expect.fail()))
    expect(answers.map(answer => answer.type).sort()).toEqual(['shareBlock', 'shareHeaders'])
    const headers = answers.find(answer => answer.type === 'shareHeaders')
    expect(headers?.items.map(item => item.hash)).toEqual([share.hash])
    await stop(bench)
  })

  it('without a network every request fails at once', async () => {
    const bench = new Bench()
    const { network: _network, ...ports } = bench.ports
    const shell = bench.shellWith(ports)
    shell.start()
    shell.post(aPeer)
    expect(bench.handled).toEqual(['deadline', 'peerConnected', 'requestFailed', 'requestFailed'])
    await shell.stop({ signal: new AbortController().signal })
  })

  it('with the commit queue full peers wait too, and past the cap they get the cheapest answer', async () => {
    const bench = held()
    bench.post(aPeer)
    const maker = new Rig({ check: 'never' })
    maker.template()
    maker.connect(1, address(1))
    const data = sharesMade(maker.mine(1, A_SHARE)).map(encodeShare)[0] ?? expect.fail()
    const message = { type: 'gossip', peer: 'peer', topic: 'shares', data } as const
    for (let id = 0; id < MAX_HELD_PEER_EVENTS; id++) bench.post({ ...message, messageId: `held-${id}` })
    expect(bench.said.verdict).toEqual([])
    bench.post({ ...message, messageId: 'late' })
    ask(bench, 7, encodeMessage({ type: 'getData', kind: 'share', hash: ZERO_SHARE_HASH }))
    expect(bench.said.verdict).toMatchObject([{ peer: 'peer', messageId: 'late', verdict: 'ignore' }])
    expect(bench.said.respond).toMatchObject([{ peer: 'peer', requestId: 7, payload: null }])
    bench.releaseDisk()
    await bench.until(() => bench.said.verdict.length === MAX_HELD_PEER_EVENTS + 1)
    expect(bench.said.verdict[1]).toMatchObject({ messageId: 'held-0' })
    await stop(bench)
  })

  it('measures how long it took to answer submits and to hand out new work, and nothing else', async () => {
    const bench = new Bench()
    bench.shell.start()
    bench.connect(1)
    bench.post(newTemplate)
    const counts = async (): Promise<number[]> => {
      const page = await bench.telemetry.exposition(bench.rig.core.queries, 0)
      return ['submit', 'job_broadcast'].map(name =>
        Number(new RegExp(`^p2pool_${name}_seconds_count (\\d+)`, 'm').exec(page)?.[1])
      )
    }
    expect(await counts()).toEqual([0, 1])
    bench.mine(1, A_SHARE)
    const [submits = 0] = await counts()
    expect(submits).toBe(1)
    await stop(bench)
  })

  it('wakes the node when it wants to be woken', async () => {
    const bench = new Bench()
    bench.shell.start()
    bench.post(newTemplate)
    bench.connect(1)
    const jobs = bench.rig.miner(1).jobs.length
    bench.mine(1, A_SHARE)
    // Within 100 ms of the first job the new base waits for its deadline; the clock jumps there, the timer follows.
    expect(bench.rig.miner(1).jobs.length).toBe(jobs)
    bench.rig.nowMs += 100
    await bench.until(() => bench.rig.miner(1).jobs.length > jobs)
    expect(bench.rig.miner(1).jobs.length).toBe(jobs + 1)
    await stop(bench)
  })
})

function ask(bench: Bench, requestId: number, payload: Uint8Array): void {
  bench.post({ type: 'peerRequest', peer: 'peer', requestId, protocol: 'shares', payload })
}

/** A running shell whose commit queue is full. */
function held(): Bench {
  const bench = new Bench()
  bench.shell.start()
  bench.post(newTemplate)
  bench.connect(1)
  bench.holdDisk()
  while (bench.shell.commitQueueLength < MAX_QUEUED) {
    bench.rig.nowMs += 1000
    bench.mine(1, A_SHARE)
  }
  return bench
}
