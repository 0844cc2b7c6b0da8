import { pick } from '../chance.ts'
import { MISCHIEFS } from '../hostile/all.ts'
import { corrupt } from '../hostile/mischief.ts'
import type { World } from '../world/world.ts'
import { nothing, type Trouble } from './trouble.ts'

const MAX_HOSTILE_PART = 0.3

/** Whether the honest nodes still reach each other without this one. */
function hangsTogetherWithout(world: World, left: number): boolean {
  const honest = new Set(world.nodes.filter(({ node, isHonest }) => isHonest && node !== left).map(({ node }) => node))
  const [first] = honest
  if (first === undefined) return false
  const reached = new Set([first])
  for (const node of reached) {
    for (const peer of world.net.neighbours(node)) if (honest.has(peer)) reached.add(peer)
  }
  return reached.size === honest.size
}

/** Nodes that turn hostile for good, one kind of mischief each. */
export const HOSTILE_TROUBLES: readonly Trouble[] = Object.entries(MISCHIEFS).map(([name, mischief]) => ({
  name: `hostile-${name}`,
  lastsMs: [0, 0],
  begin: ({ world, rng }) => {
    const node = pick(rng, world.nodes)
    const hostile = world.nodes.filter(({ isHonest }) => !isHonest).length
    const isOneTooMany = hostile + 1 > world.nodes.length * MAX_HOSTILE_PART
    if (isOneTooMany || !node.isHonest || !node.isUp || !hangsTogetherWithout(world, node.node)) return null
    corrupt(world, node, mischief)
    return nothing
  }
}))
