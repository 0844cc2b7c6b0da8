import type { SeededRng } from '@p2poolv2/primitives'
import { below, between, pickSome } from '../chance.ts'

/** A connection that one node dials and the other accepts. */
export interface Edge {
  readonly dialer: number
  readonly listener: number
  readonly latencyMs: number
}

export interface TopologyOptions {
  readonly nodes: number
  /** Connections a node has on average; at least 2. */
  readonly degree: number
  /** Median latency of a link: even between these. */
  readonly latencyMs: readonly [number, number]
}

/**
 * A random graph that hangs together: a ring through all nodes in random order, and random chords until the mean degree is
 * reached. Diameter about ln(nodes) / ln(degree).
 */
export function randomTopology(options: TopologyOptions, rng: SeededRng): Edge[] {
  const { nodes, degree, latencyMs } = options
  const edges = new Map<number, Edge>()
  const add = (dialer: number, listener: number): void => {
    const key = Math.min(dialer, listener) * nodes + Math.max(dialer, listener)
    if (dialer === listener || edges.has(key)) return
    edges.set(key, { dialer, listener, latencyMs: Math.round(between(rng, ...latencyMs)) })
  }
  const order = pickSome(
    rng,
    Array.from({ length: nodes }, (_, node) => node),
    nodes
  )
  order.forEach((node, i) => {
    const next = order[(i + 1) % nodes]
    if (next !== undefined) add(node, next)
  })
  const wanted = Math.min((nodes * degree) / 2, (nodes * (nodes - 1)) / 2)
  // A dense small graph repeats itself in its draws, so the number of draws is bounded too.
  for (let draws = 0; edges.size < wanted && draws < wanted * 20; draws++) add(below(rng, nodes), below(rng, nodes))
  return [...edges.values()]
}

/** Edges from one newcomer to some of the others. */
export function edgesOf(newcomer: number, others: readonly number[], latencyMs: number): Edge[] {
  return others.map(listener => ({ dialer: newcomer, listener, latencyMs }))
}
