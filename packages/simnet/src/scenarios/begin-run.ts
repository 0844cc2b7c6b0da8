import { pickSome } from '../chance.ts'
import { randomTopology } from '../peers/topology.ts'
import { evenHashrates, payoutAddress, zipfHashrates } from '../world/identities.ts'
import { World, type WorldOptions } from '../world/world.ts'
import { Run, type RunOptions } from './scenario.ts'

export interface RunBeginning extends Omit<WorldOptions, 'seed'> {
  readonly hashrates?: 'zipf' | 'even'
  readonly degree?: number
  readonly latencyMs?: readonly [number, number]
  /** This part of the nodes, 0 to 1, speaks only the reference's protocol. */
  readonly referencePart?: number
  /** Part of the hashrate there is at all; the rest of the nodes have no miner. */
  readonly minerPart?: number
}

export const DEGREE = 6
export const LATENCY_MS: readonly [number, number] = [50, 300]

/** A network as most scenarios begin: nodes with one miner each in a random graph, all started. */
export function beginRun(scenario: string, options: RunOptions, network: RunBeginning = {}): Run {
  const { nodes, seed } = options
  const world = new World({ ...network, seed })
  const rng = world.rng.fork('network')
  const miners = Math.max(1, Math.round(nodes * (network.minerPart ?? 1)))
  const rates = (network.hashrates === 'even' ? evenHashrates : zipfHashrates)(miners, world.totalHashrate)
  const all = Array.from({ length: nodes }, (_, node) => node)
  const reference = new Set(pickSome(rng.fork('reference'), all, Math.round(nodes * (network.referencePart ?? 0))))
  for (const node of all) {
    const hashrateHps = rates[node]
    const user = `${payoutAddress(world.params, rng.fork(`address:${node}`))}.rig`
    world.addNode({
      dialect: reference.has(node) ? 'reference' : 'ours',
      miners: hashrateHps === undefined ? [] : [{ user, hashrateHps }]
    })
  }
  world.addEdges(
    randomTopology(
      { nodes, degree: network.degree ?? DEGREE, latencyMs: network.latencyMs ?? LATENCY_MS },
      rng.fork('topology')
    )
  )
  for (const node of world.nodes) node.start()
  return new Run(scenario, world, options)
}
