import { beginRun } from './begin-run.ts'
import { MINUTE_MS, type Run, type RunOptions, type Scenario } from './scenario.ts'

const RECOVERY_MS = 5 * MINUTE_MS
/** A stopped node is started again after this time. */
const STOPPED_MS = 20_000

/** The first nodes' clocks are off for a quarter of the time and then set right. */
function runWithSkews(name: string, options: RunOptions, skewsSec: readonly number[]): Run {
  const run = beginRun(name, options, { hashrates: 'even' })
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

/** Seconds, an hour and days, to both sides; only the first are within what the share chain bears. */
const JUMPS_SEC = [-30, 30, -3_600, 3_600, -259_200, 259_200] as const

export const clockJump: Scenario = {
  name: 'clock-jump',
  sentence:
    'Clocks jump by seconds, an hour and days to both sides and back, in running nodes and between stop and start.',
  defaults: { nodes: 20, hours: 1 },
  run(options) {
    const run = beginRun('clock-jump', options, { hashrates: 'even' })
    const { faults, world } = run
    const jumpers = (first: number) =>
      JUMPS_SEC.map((jumpSec, index) => ({ node: first + index, jumpSec })).filter(({ node }) => node < options.nodes)
    const running = jumpers(0)
    const stopped = jumpers(JUMPS_SEC.length)
    const jumpStopped = (jumpOf: (jumpSec: number) => number): void => {
      for (const { node } of stopped) faults.crash(node)
      run.at(world.elapsedMs + STOPPED_MS, () => {
        for (const { node, jumpSec } of stopped) {
          faults.skewClock(node, jumpOf(jumpSec) * 1_000)
          faults.restart(node)
        }
      })
    }
    const wrongRates = new Set<number>()
    const lookAtRates = (): void => {
      for (const { node, core, now } of world.nodes.filter(({ isUp }) => isUp)) {
        const rates = Object.values(core.queries.totals(now).hashrates)
        if (!rates.every(rateHps => rateHps >= 0 && rateHps < world.totalHashrate)) wrongRates.add(node)
      }
      if (world.elapsedMs < run.endMs) run.at(world.elapsedMs + MINUTE_MS, lookAtRates)
    }
    run.at(5 * MINUTE_MS, lookAtRates)
    run.at(run.endMs * 0.2, () => {
      for (const { node, jumpSec } of running) faults.skewClock(node, jumpSec * 1_000)
    })
    run.at(run.endMs * 0.4, () => {
      for (const { node } of running) faults.skewClock(node, 0)
      run.awaitAgreement('clocks that jumped in running nodes')
    })
    run.at(run.endMs * 0.6, () => jumpStopped(jumpSec => jumpSec))
    run.at(run.endMs * 0.8, () => {
      jumpStopped(() => 0)
      run.at(world.elapsedMs + STOPPED_MS, () => run.awaitAgreement('clocks that jumped between stop and start'))
    })
    run.finish()
    run.expectAgreementWithin(RECOVERY_MS)
    run.expect('hash rates stay believable', wrongRates.size === 0, `${wrongRates.size} nodes with absurd rates`)
    const { punishmentCount } = world.census
    run.expect('nobody is held to account for a clock', punishmentCount === 0, `${punishmentCount} penalties and drops`)
    return run.report()
  }
}
