import { bitcoindStall, bitcoinFork } from './bitcoin-trouble.ts'
import { clockJump, clockSkew } from './clocks.ts'
import { crashStorm, finderCrash, stalledDisks } from './crashes.ts'
import { alone, halfCut, islands, lossy } from './cuts.ts'
import { hostileScenarios } from './hostile.ts'
import { launchBurst, slowReader } from './launch.ts'
import { newcomer } from './newcomer.ts'
import { allButOneLie, lightChainsFirst, oldNetwork } from './old-networks.ts'
import { majorityFork, minorityFork } from './private-forks.ts'
import { flapping, halfOpen, idleFlows, newAddresses, newNames } from './rough-lines.ts'
import type { Scenario } from './scenario.ts'
import { calm, hashrateSwing, large, merge, mixed } from './steady.ts'
import { day, trouble } from './troubled.ts'
import { uncleRates } from './uncle-rates.ts'
import { withheldBody, withheldBodyOld } from './withheld-body.ts'

/** Every scenario by name, in the order in which they are listed. */
export const SCENARIOS: ReadonlyMap<string, Scenario> = new Map(
  [
    calm,
    large,
    mixed,
    hashrateSwing,
    merge,
    halfCut,
    islands,
    alone,
    lossy,
    halfOpen,
    flapping,
    idleFlows,
    newAddresses,
    newNames,
    crashStorm,
    finderCrash,
    stalledDisks,
    bitcoindStall,
    bitcoinFork,
    clockSkew,
    clockJump,
    ...hostileScenarios,
    minorityFork,
    majorityFork,
    newcomer,
    launchBurst,
    slowReader,
    oldNetwork,
    allButOneLie,
    lightChainsFirst,
    withheldBody,
    withheldBodyOld,
    trouble,
    day,
    uncleRates
  ].map(scenario => [scenario.name, scenario])
)
