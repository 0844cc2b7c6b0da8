import { pickSome } from '../chance.ts'
import type { Faults } from '../world/faults.ts'
import { beginRun } from './begin-run.ts'
import { MINUTE_MS, type Scenario } from './scenario.ts'

const RECOVERY_MS = 5 * MINUTE_MS
/** How long the fork is kept private. */
const PRIVATE_MS = 30 * MINUTE_MS

/** Nodes with a part of an even hashrate mine apart from the rest and come back. */
function privateFork(
  name: string,
  part: number,
  sentence: string,
  outcome: (lostHeights: number) => [string, boolean]
): Scenario {
  return {
    name,
    sentence,
    defaults: { nodes: 20, hours: 1 },
    run(options) {
      const run = beginRun(name, options, { hashrates: 'even' })
      const { world, faults } = run
      const all = world.nodes.map(({ node }) => node)
      const apart = pickSome(world.rng.fork('apart'), all, Math.round(options.nodes * part)).sort((a, b) => a - b)
      const honest = all.find(node => !apart.includes(node)) ?? 0
      const beginMs = run.endMs / 4
      run.at(beginMs, () => faults.partition(apart))
      let tipBefore = ''
      let heightBefore = 0
      run.at(beginMs + PRIVATE_MS, () => {
        const tip = world.node(honest).chain.confirmedTip()
        tipBefore = tip.hash
        heightBefore = tip.height
        release(faults)
        run.awaitAgreement('the release of the private fork')
      })
      run.finish()
      run.expectAgreementWithin(RECOVERY_MS)
      const { chain } = world.node(honest)
      const kept = chain.confirmedHashAt(heightBefore) === tipBefore
      const deepest = world.census.reorgDepth.highest
      const [claim, holds] = outcome(kept ? 0 : deepest)
      run.expect(
        claim,
        holds,
        `the public tip at height ${heightBefore} was ${kept ? 'kept' : 'left'}; deepest re-organisation ${deepest}`
      )
      return run.report()
    }
  }
}

function release(faults: Faults): void {
  faults.heal()
}

export const minorityFork: Scenario = privateFork(
  'minority-fork',
  0.3,
  'Thirty per cent of the hashrate mine a private fork for half an hour and release it: nobody follows.',
  lost => ['the lighter fork changes nothing for the rest', lost === 0]
)

export const majorityFork: Scenario = privateFork(
  'majority-fork',
  0.7,
  'Seventy per cent of the hashrate mine a private fork for half an hour and release it: everybody follows.',
  lost => ['the heavier fork wins, once', lost > 10]
)
