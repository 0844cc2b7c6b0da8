import { startNetwork } from './network.ts'
import { MINUTE_MS, type Run, type RunOptions, type Scenario } from './scenario.ts'

const RECOVERY_MS = 5 * MINUTE_MS

/** The first nodes' clocks are off for a quarter of the time and then set right. */
function runWithSkews(name: string, options: RunOptions, skewsSec: readonly number[]): Run {
  const run = startNetwork(name, options, { hashrates: 'even' })
  const skewed = skewsSec.slice(0, options.nodes)
  const set = (skewOf: (skewSec: number) => number): void =>
    skewed.forEach((skewSec, node) => {
      run.faults.skewClock(node, skewOf(skewSec) * 1_000)
    })
  run.at(run.endMs / 4, () => set(skewSec => skewSec))
  run.at(run.endMs / 2, () => {
    set(() => 0)
    run.awaitAgreement('clocks that were off')
  })
  run.finish()
  run.expectAgreementWithin(RECOVERY_MS)
  return run
}

export const clockSkew: Scenario = {
  name: 'clock-skew',
  sentence: 'Clocks are off to both sides, up to the limit of two minutes and just beyond.',
  defaults: { nodes: 20, hours: 1 },
  run: options => runWithSkews('clock-skew', options, [-125, -110, -60, -20, 20, 60, 100, 119, 121, 125]).report()
}

export const clockJump: Scenario = {
  name: 'clock-jump',
  sentence: 'Two clocks are an hour off, one to each side, and are set right.',
  defaults: { nodes: 20, hours: 1 },
  run: options => runWithSkews('clock-jump', options, [3_600, -3_600]).report()
}
