import { pickSome } from '../chance.ts'
import { beginRun } from './begin-run.ts'
import { MINUTE_MS, type Run, type Scenario } from './scenario.ts'

const RECOVERY_MS = 5 * MINUTE_MS

function someNodes(run: Run, count: number, name: string): number[] {
  const all = run.world.nodes.map(({ node }) => node)
  return pickSome(run.world.rng.fork(name), all, count).sort((a, b) => a - b)
}

export const halfCut: Scenario = {
  name: 'half-cut',
  sentence: 'Half of the network is cut off for ten minutes and heals.',
  defaults: { nodes: 50, hours: 0.75 },
  run(options) {
    const run = beginRun('half-cut', options)
    const half = someNodes(run, Math.floor(options.nodes / 2), 'half')
    run.at(run.endMs / 3, () => run.faults.partition(half))
    run.at(run.endMs / 3 + 10 * MINUTE_MS, () => {
      run.faults.heal()
      run.awaitAgreement('the cut of half the network')
    })
    run.finish()
    run.expectAgreementWithin(RECOVERY_MS)
    return run.report()
  }
}

export const islands: Scenario = {
  name: 'islands',
  sentence: 'The network falls into three parts, two of which meet before the third comes back.',
  defaults: { nodes: 30, hours: 1 },
  run(options) {
    const run = beginRun('islands', options)
    const chosen = someNodes(run, options.nodes, 'islands')
    const third = Math.floor(options.nodes / 3)
    const [a, b] = [chosen.slice(0, third), chosen.slice(third, 2 * third)]
    run.at(run.endMs / 4, () => run.faults.partition(a, b))
    run.at(run.endMs / 4 + 10 * MINUTE_MS, () => run.faults.partition(a))
    run.at(run.endMs / 4 + 20 * MINUTE_MS, () => {
      run.faults.heal()
      run.awaitAgreement('the return of the last island')
    })
    run.finish()
    run.expectAgreementWithin(RECOVERY_MS)
    return run.report()
  }
}

export const lossy: Scenario = {
  name: 'lossy',
  sentence: 'Links lose, double and re-order messages and are narrow, all the time.',
  defaults: { nodes: 30, hours: 1 },
  run(options) {
    const run = beginRun('lossy', options, {
      link: { loss: 0.05, duplication: 0.05, reordering: 0.2, bytesPerSec: 30_000 }
    })
    run.at(run.endMs / 2, () => run.faults.disturb({ loss: 0.3, medianLatencyMs: 800 }))
    run.at(run.endMs / 2 + 5 * MINUTE_MS, () => {
      run.faults.calm()
      run.awaitAgreement('five minutes of losing a third of all messages')
    })
    run.finish()
    run.expectAgreementWithin(RECOVERY_MS)
    return run.report()
  }
}

export const alone: Scenario = {
  name: 'alone',
  sentence: 'One node with a tenth of the hashrate mines alone for twenty minutes and comes back.',
  defaults: { nodes: 20, hours: 1 },
  run(options) {
    const run = beginRun('alone', options, { hashrates: 'even' })
    const [loner = 0] = someNodes(run, 1, 'loner')
    run.at(run.endMs / 4, () => {
      run.faults.partition([loner])
      run.faults.setHashrate(loner, 2)
    })
    let submitsAlone = 0
    run.at(run.endMs / 4 + 20 * MINUTE_MS, () => {
      submitsAlone = run.world.node(loner).lines.reduce((sum, { miner }) => sum + miner.accepted, 0)
      run.faults.heal()
      run.awaitAgreement('twenty minutes alone')
    })
    run.finish()
    run.expectAgreementWithin(RECOVERY_MS)
    run.expect('its miners had work all the time', submitsAlone > 0, `${submitsAlone} submits accepted`)
    return run.report()
  }
}
