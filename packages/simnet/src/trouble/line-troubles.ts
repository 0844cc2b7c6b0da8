import { between, pick, pickSome } from '../chance.ts'
import type { LinkOptions } from '../sim-net.ts'
import { nothing, type Stage, type Trouble } from './trouble.ts'

const MINUTES: Trouble['lastsMs'] = [20_000, 180_000]
const AT_ONCE: Trouble['lastsMs'] = [0, 0]

/** The network in so many parts, none of them empty if there are enough nodes. */
function cutIntoParts(stage: Stage, parts: number): (() => void) | null {
  const { world, faults, rng } = stage
  const all = world.nodes.map(({ node }) => node)
  const shuffled = pickSome(rng, all, all.length)
  const size = Math.ceil(all.length / parts)
  const lists = Array.from({ length: parts - 1 }, (_, i) => shuffled.slice(i * size, (i + 1) * size))
  return stage.hold('cut', { begin: () => faults.partition(...lists), end: () => faults.heal() })
}

const disturbances: readonly Partial<LinkOptions>[] = [
  { loss: 0.3 },
  { loss: 0.05, duplication: 0.3, reordering: 0.5 },
  { medianLatencyMs: 2_500, latencySigma: 0.6 },
  { bytesPerSec: 4_000 }
]

/** What happens to the lines between nodes. */
export const LINE_TROUBLES: readonly Trouble[] = [
  { name: 'cut', lastsMs: MINUTES, begin: stage => cutIntoParts(stage, 2) },
  { name: 'islands', lastsMs: MINUTES, begin: stage => cutIntoParts(stage, 3) },
  {
    name: 'one-alone',
    lastsMs: MINUTES,
    begin: stage => {
      const { node } = pick(stage.rng, stage.world.nodes)
      return stage.hold('cut', { begin: () => stage.faults.partition([node]), end: () => stage.faults.heal() })
    }
  },
  {
    name: 'bad-lines',
    lastsMs: MINUTES,
    begin: stage => {
      const disturbance = pick(stage.rng, disturbances)
      return stage.hold('lines', {
        begin: () => stage.faults.disturb(disturbance),
        end: () => stage.faults.calm()
      })
    }
  },
  {
    name: 'lost-connections',
    lastsMs: AT_ONCE,
    begin: ({ world, faults, rng }) => {
      for (let i = 0; i < 5; i++) {
        const { node } = pick(rng, world.nodes)
        const peers = world.peers.peersOf(node)
        if (peers.length > 0) faults.interrupt(node, pick(rng, peers))
      }
      return nothing
    }
  },
  {
    name: 'new-address',
    lastsMs: AT_ONCE,
    begin: ({ world, faults, rng }) => {
      faults.changeAddress(pick(rng, world.nodes).node)
      return nothing
    }
  },
  {
    name: 'idle-flows',
    lastsMs: MINUTES,
    begin: stage => {
      const idleMs = Math.round(between(stage.rng, 5_000, 30_000))
      return stage.hold('flows', {
        begin: () => stage.faults.forgetIdleFlows(idleMs),
        end: () => stage.faults.forgetIdleFlows(Number.POSITIVE_INFINITY)
      })
    }
  },
  {
    name: 'slow-reader',
    lastsMs: MINUTES,
    begin: stage => {
      const bytesPerSec = pick(stage.rng, [0, 100, 2_000])
      return stage.holdNode('reading', {
        begin: ({ node }) => stage.faults.readSlowly(node, bytesPerSec),
        end: ({ node, isHonest }) => {
          if (isHonest) stage.faults.readAtOnce(node)
        }
      })
    }
  }
]
