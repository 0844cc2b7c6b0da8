import { describe, expect, it } from 'vitest'
import { Metrics } from './metrics.ts'

describe('Metrics', () => {
  it('exposes what was counted', async () => {
    const metrics = new Metrics()
    metrics.counter({ name: 'p2pool_shares_total', help: 'shares', labels: ['result'] }).inc({ result: 'accepted' }, 3)
    metrics.gauge({ name: 'p2pool_miners', help: 'miners connected' }).set(2)
    metrics.histogram({ name: 'p2pool_commit_seconds', help: 'commits', buckets: [0.01, 0.1] }).observe(0.05)
    const text = await metrics.exposition()
    expect(text).toContain('p2pool_shares_total{result="accepted"} 3')
    expect(text).toContain('p2pool_miners 2')
    expect(text).toContain('p2pool_commit_seconds_bucket{le="0.1"} 1')
    expect(metrics.contentType).toContain('text/plain')
  })

  it('refuses names that break the rule', () => {
    const metrics = new Metrics()
    expect(() => metrics.counter({ name: 'p2pool_shares', help: 'h' })).toThrow(RangeError)
    expect(() => metrics.gauge({ name: 'miners', help: 'h' })).toThrow(RangeError)
    expect(() => metrics.gauge({ name: 'p2pool_miners', help: 'h', of: 'reference' })).toThrow(RangeError)
  })

  it('lets what the reference has a name for have that name', async () => {
    const metrics = new Metrics()
    metrics.gauge({ name: 'best_share', help: 'h', of: 'reference' }).set(3)
    expect(await metrics.exposition()).toContain('\nbest_share 3\n')
  })

  it('two registries do not share metrics', async () => {
    const [one, other] = [new Metrics(), new Metrics({ processMetrics: 'include' })]
    one.gauge({ name: 'p2pool_miners', help: 'h' })
    expect(await other.exposition()).not.toContain('p2pool_miners')
    expect(await other.exposition()).toContain('process_cpu')
  })
})
