import type { PeersJson } from '@p2poolv2/api/schema'
import { describe, expect, it } from 'vitest'
import type { NodeProgram } from '../e2e/stage/node-program.ts'
import { openStage, type Stage } from '../e2e/stage/stage.ts'
import { until } from '../e2e/stage/until.ts'
import { Cluster } from './cluster.ts'
import type { BadLine } from './partition/bad-line.ts'
import { openCuttingProxy } from './partition/cutting-proxy.ts'
import { allowedNamespaces, openNamespaces } from './partition/namespaces.ts'
import type { Half, TwoHalves } from './partition/two-halves.ts'
import { metric, openFiles } from './soak/sample.ts'

const NODES = 6
/** The even ones are left: each half is a line, and there is one introduction between the two. */
const INTRODUCTIONS = [
  [1, 0],
  [2, 0],
  [3, 1],
  [4, 2],
  [5, 3]
] as const
const halfOf = (index: number): Half => (index % 2 === 0 ? 'left' : 'right')
const ALONE_SHARES = 8
/**
 * After a short cut that nobody was told of connections live, and what was lost is sent again by TCP's own clock. After any other nodes
 * dial anew, whose waits have grown meanwhile, to five minutes at most.
 */
const HEALED_WITHIN_MS = 90_000
const FOUND_AGAIN_WITHIN_MS = 330_000
/** Two pings without an answer, of 30 and 20 seconds, and as much again for the turn of a slow computer. */
const GIVEN_UP_WITHIN_MS = 240_000

interface Way {
  readonly name: string
  readonly open: (stage: Stage) => Promise<TwoHalves>
  /** Whether a cut is told to nobody, so that nodes have to find out. */
  readonly isSilent: boolean
}

const namespaces = (line: BadLine): Way => ({
  name: `network namespaces, with ${line.name}`,
  open: stage => openNamespaces(stage, line),
  isSilent: true
})
const PROXY: Way = {
  name: 'a cutting proxy of our own, with 40 ms each way and a reset every 45 s',
  open: stage => openCuttingProxy(stage, { latencyMs: 40, resetEveryMs: 45_000 }),
  isSilent: false
}
const allowed = allowedNamespaces()
if ('because' in allowed)
  console.info(`no network namespaces here (${allowed.because}): a cutting proxy alone stands in for the network`)
else console.info(`the line between the namespaces has ${allowed.line.name}`)

/** What must not grow: sockets beside those of peers, and timers. */
async function leftovers(node: NodeProgram): Promise<{ readonly sockets: number; readonly timers: number }> {
  const { peers } = JSON.parse(await node.text('/v1/peers')) as PeersJson
  const { sockets } = await openFiles(node.program.pid)
  return {
    sockets: sockets - peers.length,
    timers: metric(await node.text('/metrics'), 'nodejs_active_resources{type="Timeout"}')
  }
}

async function heights(cluster: Cluster): Promise<number[]> {
  return (await cluster.statuses()).map(({ sharechain }) => sharechain.confirmedHeight)
}

/** Each half has found shares of its own, and all its nodes have one tip, another than the other half's. */
async function mineApart(cluster: Cluster): Promise<void> {
  const before = Math.max(...(await heights(cluster)))
  await until('two chains of shares', 240_000, async () => {
    const tips = (await cluster.statuses()).map(({ sharechain }) => sharechain)
    const [left = [], right = []] = (['left', 'right'] as const).map(half => tips.filter((_, n) => halfOf(n) === half))
    const isOne = (half: typeof tips): boolean => half.every(tip => tip.confirmedHash === half[0]?.confirmedHash)
    const isApart = left[0]?.confirmedHash !== right[0]?.confirmedHash
    const isHigher = tips.every(tip => tip.confirmedHeight >= before + ALONE_SHARES)
    return isOne(left) && isOne(right) && isApart && isHigher ? true : null
  })
}

async function healedMs(cluster: Cluster, network: TwoHalves, withinMs: number): Promise<number> {
  const above = Math.max(...(await heights(cluster)))
  await network.heal()
  const beganMs = performance.now()
  await cluster.oneTip(withinMs, above)
  return performance.now() - beganMs
}

/** Nobody has a peer of the other half any more. */
async function givenUp(cluster: Cluster): Promise<void> {
  await until('peers of the own half alone', GIVEN_UP_WITHIN_MS, async () => {
    const all = await Promise.all(
      cluster.nodes.map(async node => JSON.parse(await node.text('/v1/peers')) as PeersJson)
    )
    const half = new Map(all.map(({ peer }, index) => [peer, halfOf(index)]))
    return all.every(({ peers }, index) => peers.every(({ peer }) => half.get(peer) === halfOf(index))) ? true : null
  })
}

const WAYS = 'line' in allowed ? [namespaces(allowed.line), PROXY] : [PROXY]

describe.each(WAYS.map(way => [way.name, way] as const))('two halves cut apart by %s', (_, { open, isSilent }) => {
  it('mine on alone, have one tip soon after the cut ends, and leave nothing behind', async () => {
    const stage = openStage()
    const network = await open(stage)
    const cluster = await Cluster.start(stage, {
      introductions: INTRODUCTIONS,
      miners: 2,
      hashrateHps: 20_000,
      place: index => network.place(halfOf(index))
    })
    await cluster.oneTip(120_000, 3)
    const before = await Promise.all(cluster.nodes.map(leftovers))

    await network.cut()
    await mineApart(cluster)
    const shortMs = await healedMs(cluster, network, isSilent ? HEALED_WITHIN_MS : FOUND_AGAIN_WITHIN_MS)
    console.info(`one tip ${(shortMs / 1_000).toFixed(1)} s after a short cut`)
    const reorgs = await Promise.all(
      cluster.nodes.map(async node => metric(await node.text('/metrics'), 'p2pool_reorgs_total'))
    )
    // One half gave up its chain, at least.
    expect(reorgs.filter(count => count > 0).length).toBeGreaterThanOrEqual(NODES / 2)

    await network.cut()
    const cutMs = performance.now()
    await givenUp(cluster)
    const toldMs = performance.now() - cutMs
    await mineApart(cluster)
    const longMs = await healedMs(cluster, network, FOUND_AGAIN_WITHIN_MS)
    console.info(
      `the other half was given up ${(toldMs / 1_000).toFixed(1)} s after a cut; one tip ${(longMs / 1_000).toFixed(1)} s after its end`
    )

    for (const [index, node] of cluster.nodes.entries()) {
      const then = before[index] ?? { sockets: 0, timers: 0 }
      await until(`node ${index} without leftovers of its lost connections`, 60_000, async () => {
        const { sockets, timers } = await leftovers(node)
        // Dials come and go, and each peer has a timer or two.
        if (sockets <= then.sockets + 2 && timers <= then.timers + 8) return true
        throw new Error(`${sockets} sockets and ${timers} timers, were ${then.sockets} and ${then.timers}`)
      })
    }
    for (const node of cluster.nodes) expect(node.log.filter(({ level }) => level === 'error')).toEqual([])
    for (const node of cluster.nodes) {
      const ending = await node.stop('SIGTERM')
      expect(ending, node.program.tail).toEqual({ code: 0, signal: null })
    }
  }, 1_500_000)
})
