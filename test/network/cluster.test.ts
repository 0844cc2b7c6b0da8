import { seededRng } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { openStage } from '../e2e/stage/stage.ts'
import { Cluster, LINE, quantile, randomTree, STAR, waysOfShares } from './cluster.ts'

const NODES = 8
const rng = seededRng('cluster')
const SHAPES = {
  'a line': LINE(NODES),
  'a star': STAR(NODES),
  'a random tree': randomTree(NODES, below => rng.u32() % below)
}

describe.each(Object.entries(SHAPES))('eight nodes introduced as %s', (name, introductions) => {
  it('show one tip within two seconds of each share, and take back who was killed', async () => {
    const cluster = await Cluster.start(openStage(), { introductions, miners: 3, hashrateHps: 20_000 })
    const height = await cluster.oneTip(60_000, 3)
    const sinceMs = Date.now()
    const later = await cluster.oneTip(240_000, height + 15)
    const { aloneMs, contestedMs } = waysOfShares(cluster.nodes, sinceMs)
    const waits = [...aloneMs, ...contestedMs].sort((a, b) => a - b)
    console.info(
      `${name}: ${waits.length} ways of shares, p50 ${quantile(waits, 0.5)} ms, p99 ${quantile(waits, 0.99)} ms`
    )
    expect(waits.length).toBeGreaterThan(20)
    expect(quantile(waits, 0.99)).toBeLessThan(2_000)

    for (const index of [0, 4, NODES - 1]) {
      await cluster.node(index).stop('SIGKILL')
      await cluster.restart(index)
    }
    await cluster.oneTip(120_000, later + 3)
    for (const node of cluster.nodes) expect(node.log.filter(({ level }) => level === 'error')).toEqual([])
    for (const node of cluster.nodes) expect(await node.stop('SIGTERM')).toEqual({ code: 0, signal: null })
  })
})
