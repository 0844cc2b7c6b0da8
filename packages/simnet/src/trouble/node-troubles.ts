import { between, happens, pick, pickSome } from '../chance.ts'
import { edgesOf } from '../peers/topology.ts'
import { nothing, type Trouble } from './trouble.ts'

const SHORT: Trouble['lastsMs'] = [3_000, 90_000]
const MINUTES: Trouble['lastsMs'] = [20_000, 180_000]
const AT_ONCE: Trouble['lastsMs'] = [0, 0]

/** How far a clock is off: within what the share chain bears, at its edge, and far beyond. */
const SKEWS_SEC = [-30, 30, -110, 110, -125, 125, -3_600, 3_600, -259_200, 259_200] as const
const MAX_NEWCOMERS = 2
const NEWCOMER_PEERS = 4
/** Part of a turn's effects after which a node may lose power. */
const CRASH_CHANCE = 0.05

/** What happens to a node and its machine. */
export const NODE_TROUBLES: readonly Trouble[] = [
  {
    name: 'crash',
    lastsMs: SHORT,
    begin: stage =>
      stage.holdNode('power', {
        begin: ({ node }) => stage.faults.crashAfter(node, () => happens(stage.rng, CRASH_CHANCE)),
        end: node => {
          node.crashIf = null
          stage.faults.restart(node.node)
        }
      })
  },
  {
    name: 'restart',
    lastsMs: SHORT,
    begin: stage =>
      stage.holdNode('power', {
        begin: ({ node }) => stage.faults.crash(node),
        end: ({ node }) => stage.faults.restart(node)
      })
  },
  {
    name: 'power-loss',
    lastsMs: SHORT,
    begin: stage =>
      stage.holdNode('power', {
        begin: ({ node }) => stage.faults.vanish(node),
        end: ({ node }) => stage.faults.restart(node)
      })
  },
  {
    name: 'new-name',
    lastsMs: AT_ONCE,
    begin: stage => stage.holdNode('power', { begin: ({ node }) => stage.faults.restartRenamed(node), end: nothing })
  },
  {
    name: 'clock-off',
    lastsMs: MINUTES,
    begin: stage => {
      const skewMs = pick(stage.rng, SKEWS_SEC) * 1_000
      return stage.holdNode('clock', {
        begin: ({ node }) => stage.faults.skewClock(node, skewMs),
        end: ({ node }) => stage.faults.skewClock(node, 0)
      })
    }
  },
  {
    name: 'disk-stall',
    lastsMs: MINUTES,
    begin: stage =>
      stage.holdNode('disk', {
        begin: ({ node }) => stage.faults.stallDisk(node),
        end: ({ node }) => stage.faults.resumeDisk(node)
      })
  },
  {
    name: 'slow-disk',
    lastsMs: MINUTES,
    begin: stage => {
      const commitMs = Math.round(between(stage.rng, 100, 3_000))
      return stage.holdNode('disk', {
        begin: ({ node }) => stage.faults.slowDisk(node, commitMs),
        end: ({ node }) => stage.faults.slowDisk(node, null)
      })
    }
  },
  {
    name: 'hashrate',
    lastsMs: MINUTES,
    begin: stage => {
      const factor = pick(stage.rng, [0, 0.2, 4, 16])
      const set = (to: number): void => {
        for (const { node } of stage.world.nodes) stage.faults.setHashrate(node, to)
      }
      return stage.hold('hashrate', { begin: () => set(factor), end: () => set(1) })
    }
  },
  {
    name: 'newcomer',
    lastsMs: AT_ONCE,
    begin: ({ run, world, rng }) => {
      const peers = pickSome(
        rng,
        world.honest.map(({ node }) => node),
        NEWCOMER_PEERS
      )
      if (world.nodes.length >= run.options.nodes + MAX_NEWCOMERS || peers.length < NEWCOMER_PEERS) return null
      const newcomer = world.addNode()
      world.addEdges(edgesOf(newcomer.node, peers, Math.round(between(rng, 50, 300))))
      newcomer.start()
      return nothing
    }
  }
]
