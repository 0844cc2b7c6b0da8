import { seededRng } from '@p2poolv2/primitives'
import { expect, it } from 'vitest'
import { beginRun } from '../scenarios/begin-run.ts'
import { MINUTE_MS, type Run } from '../scenarios/scenario.ts'
import { Faults } from '../world/faults.ts'
import { Stage, type Trouble } from './trouble.ts'
import { TROUBLES, Troubles } from './troubles.ts'

function network(): Run {
  const run = beginRun('test', { nodes: 6, hours: 0.1, seed: 3 })
  run.until(MINUTE_MS)
  return run
}

/** Every verb that is called. */
function spied(run: Run, called: Set<string>): Faults {
  return new Proxy(run.faults, {
    get: (faults, verb) => {
      const value: unknown = Reflect.get(faults, verb, faults)
      if (typeof value !== 'function') return value
      called.add(String(verb))
      return value.bind(faults)
    }
  })
}

class SpiedStage extends Stage {
  readonly called = new Set<string>()
  readonly #faults: Faults = spied(this.run, this.called)

  override get faults(): Faults {
    return this.#faults
  }
}

/** Until a node is drawn that can have it. */
function brought(stage: Stage, trouble: Trouble): () => void {
  for (let draw = 0; draw < 50; draw++) {
    const end = trouble.begin(stage)
    if (end !== null) return end
  }
  throw new Error(`${trouble.name} can be`)
}

it('every fault verb is the trouble of some run', () => {
  const verbs = Object.getOwnPropertyNames(Faults.prototype).filter(name => name !== 'constructor')
  const run = network()
  const stage = new SpiedStage(run, seededRng('spied'))
  // A cut network has no newcomer, so one comes after the other; and a few hostile nodes are as many as a network bears.
  const kinds = TROUBLES.filter(({ name }) => !name.startsWith('hostile-'))
  for (const trouble of kinds) {
    const end = brought(stage, trouble)
    run.until(run.world.elapsedMs + 1_000)
    end()
  }
  run.faults.stopMining()
  expect(verbs.filter(verb => verb !== 'stopMining' && !stage.called.has(verb))).toEqual([])
})

it('after the time for troubles all is as it was, whatever was going on', () => {
  const run = network()
  const kinds = TROUBLES.filter(({ name }) => !name.startsWith('hostile-'))
  const plan = { kinds, meanGapMs: 1_000, fromMs: run.world.elapsedMs, untilMs: run.world.elapsedMs + MINUTE_MS }
  const troubles = new Troubles(new Stage(run, seededRng('all at once')), plan)
  run.until(plan.untilMs + 1)
  expect(run.struck.size).toBeGreaterThan(5)
  const { nodes, net } = run.world
  expect(nodes.every(({ isUp, skewMs }) => isUp && skewMs === 0)).toBe(true)
  expect(nodes.every(({ node }) => net.samePart(0, node))).toBe(true)
  run.until(plan.untilMs + 3 * MINUTE_MS)
  expect(() => run.rest({ blocks: troubles.mayHaveLostBlocks ? 'may-be-lost' : 'everywhere' })).not.toThrow()
})
