import { seededRng } from '@p2poolv2/primitives'
import { expect, it } from 'vitest'
import { randomTopology } from './topology.ts'

function reachable(edges: readonly { dialer: number; listener: number }[]): number {
  const seen = new Set([0])
  for (const node of seen) {
    for (const { dialer, listener } of edges) {
      if (dialer === node) seen.add(listener)
      if (listener === node) seen.add(dialer)
    }
  }
  return seen.size
}

it.each([2, 3, 10, 200])('connects %i nodes with one another, each pair at most once', nodes => {
  const edges = randomTopology({ nodes, degree: 6, latencyMs: [50, 300] }, seededRng(nodes))
  expect(reachable(edges)).toBe(nodes)
  const pairs = edges.map(({ dialer, listener }) => [dialer, listener].sort((a, b) => a - b).join('-'))
  expect(new Set(pairs).size).toBe(edges.length)
  expect(edges.every(edge => edge.dialer !== edge.listener)).toBe(true)
})

it('has the degree and the latencies asked for', () => {
  const edges = randomTopology({ nodes: 100, degree: 6, latencyMs: [50, 300] }, seededRng(1))
  expect((2 * edges.length) / 100).toBe(6)
  expect(Math.min(...edges.map(edge => edge.latencyMs))).toBeGreaterThanOrEqual(50)
  expect(Math.max(...edges.map(edge => edge.latencyMs))).toBeLessThanOrEqual(300)
})
