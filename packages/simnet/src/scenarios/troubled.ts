import { seededRng } from '@p2poolv2/primitives'
import { below, between, happens, pick, pickSome } from '../chance.ts'
import type { SimReport } from '../report/report.ts'
import { Stage } from '../trouble/trouble.ts'
import { TROUBLES, Troubles } from '../trouble/troubles.ts'
import { simParams } from '../world/world-params.ts'
import { beginRun, type RunBeginning } from './begin-run.ts'
import { HOUR_MS, MINUTE_MS, type Run, type RunOptions, type Scenario } from './scenario.ts'

/** Everybody has connected by then. */
const BEGIN_MS = 2 * MINUTE_MS
const RECOVERY_MS = 10 * MINUTE_MS
/** Kinds of trouble in one run: with all of them in each, most would only hide the others. */
const KINDS: readonly [number, number] = [2, 9]

function finishTroubled(run: Run, troubles: Troubles): SimReport {
  run.until(run.endMs)
  run.rest({ blocks: troubles.mayHaveLostBlocks ? 'may-be-lost' : 'everywhere' })
  run.expectAgreementWithin(RECOVERY_MS)
  const struck = [...run.struck].sort(([a], [b]) => (a < b ? -1 : 1))
  const times = struck.map(([name, count]) => `${count} ${name}`)
  run.expect('something went wrong', times.length > 0, times.join(', '))
  const { honest, nodes } = run.world
  const all = nodes.filter(({ isHonest }) => isHonest).length
  run.expect('all honest nodes are up', honest.length === all, `${honest.length} of ${all}`)
  return run.report()
}

/** A small network whose whole shape follows from the seed. */
export const trouble: Scenario = {
  name: 'trouble',
  sentence:
    'Whatever can go wrong does, at random: cuts, crashes, clocks, disks, bitcoinds, hostile nodes, all at once.',
  defaults: { nodes: 9, hours: 0.25 },
  run(options) {
    const rng = seededRng(options.seed).fork('trouble')
    const network: RunBeginning = {
      hashrates: happens(rng, 0.5) ? 'zipf' : 'even',
      degree: 4 + below(rng, 4),
      latencyMs: pick(rng, [
        [5, 50],
        [50, 300],
        [300, 900]
      ]),
      referencePart: pick(rng, [0, 0, 0.3, 0.6]),
      minerPart: pick(rng, [1, 1, 0.5]),
      sharesPerBlock: pick(rng, [4, 10, 30]),
      bitcoin: { outsideSpacingMs: pick(rng, [100_000, 600_000]) },
      disk: { commitMs: 3, readMs: 1, maxWaitingDeltas: pick(rng, [8, 64]) }
    }
    const kinds = pickSome(rng, TROUBLES, KINDS[0] + below(rng, KINDS[1] - KINDS[0] + 1))
    const run = beginRun('trouble', options, network)
    const untilMs = run.endMs * 0.7
    const plan = { kinds, meanGapMs: between(rng, 5_000, 45_000), fromMs: BEGIN_MS, untilMs }
    const troubles = new Troubles(new Stage(run, rng), plan)
    run.at(untilMs + 1, () => run.awaitAgreement('the last trouble'))
    return finishTroubled(run, troubles)
  }
}

/** The size that a seed is played in when many are: 6 to 12 nodes for 10 to 20 minutes. */
export function troubleOf(seed: number): RunOptions {
  const rng = seededRng(seed).fork('size')
  return { nodes: 6 + below(rng, 7), hours: (10 + below(rng, 11)) / 60, seed }
}

/** Heights below which a node of the long day has pruned; the window is half of it at most. */
const DAY_PRUNE_DEPTH = 720
const DAY_PADDING_SPAN = 20
/** Without trouble at the end. */
const LAST_CALM_MS = HOUR_MS / 2

export const day: Scenario = {
  name: 'day',
  sentence:
    'A day with everything that can go wrong every few minutes: the window, pruning and difficulty turn over many times.',
  defaults: { nodes: 12, hours: 24 },
  run(options) {
    const params = Object.freeze({
      ...simParams(),
      pruneDepth: DAY_PRUNE_DEPTH,
      windowMaxShares: DAY_PRUNE_DEPTH / 2,
      paddingSpan: DAY_PADDING_SPAN
    })
    const run = beginRun('day', options, { params, hashrates: 'even' })
    const untilMs = run.endMs - LAST_CALM_MS
    const plan = { kinds: TROUBLES, meanGapMs: 3 * MINUTE_MS, fromMs: BEGIN_MS, untilMs }
    const troubles = new Troubles(new Stage(run, run.world.rng.fork('trouble')), plan)
    run.at(untilMs + 1, () => run.awaitAgreement('the last trouble'))
    const report = finishTroubled(run, troubles)
    const { chain } = run.world.honest[0] ?? run.world.node(0)
    run.expect(
      'what is old was pruned',
      chain.keptFromHeight > 1 || options.hours < 3,
      `in memory from height ${chain.keptFromHeight} of ${report.chain.height}`
    )
    return run.report()
  }
}
