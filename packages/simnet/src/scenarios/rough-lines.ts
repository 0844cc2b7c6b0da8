import { pick } from '../chance.ts'
import { beginRun } from './begin-run.ts'
import { MINUTE_MS, type Run, type Scenario } from './scenario.ts'

/** What lines and the boxes along them do to connections, beside losing and delaying messages. */

const RECOVERY_MS = 5 * MINUTE_MS
/** Everybody has connected by then. */
const BEGIN_MS = 2 * MINUTE_MS
/** A node that lost power is back before most pings have missed it. */
const POWER_OFF_MS = 15_000
/** Shorter than the quiet between two shares, so that many flows are forgotten. */
const IDLE_FLOW_MS = 12_000

/** Does something again and again until nine tenths of the time are over, and then waits for agreement. */
function troubled(run: Run, everyMs: number, strike: () => void): void {
  const endMs = run.endMs * 0.9
  const next = (): void => {
    if (run.world.elapsedMs > endMs) return
    strike()
    run.at(run.world.elapsedMs + everyMs, next)
  }
  run.at(BEGIN_MS, next)
  run.at(endMs, () => run.awaitAgreement('the last trouble'))
}

export const halfOpen: Scenario = {
  name: 'half-open',
  sentence:
    'Computers lose power without a word: peers talk to nobody for half a minute, or to one who has just come back.',
  defaults: { nodes: 20, hours: 1 },
  run(options) {
    const run = beginRun('half-open', options)
    const { world, faults } = run
    const rng = world.rng.fork('power')
    troubled(run, 20_000, () => {
      const { node, isUp } = pick(rng, world.nodes)
      if (!isUp) return
      faults.vanish(node)
      run.at(world.elapsedMs + POWER_OFF_MS, () => faults.restart(node))
    })
    run.finish()
    run.expectAgreementWithin(RECOVERY_MS)
    const restarts = world.nodes.reduce((sum, node) => sum + node.starts - 1, 0)
    run.expect(
      'nodes vanished and came back',
      restarts > 0 && world.nodes.every(node => node.isUp),
      `${restarts} times`
    )
    expectNoBlame(run)
    return run.report()
  }
}

export const flapping: Scenario = {
  name: 'flapping',
  sentence: 'Every second some connection is lost and made again.',
  defaults: { nodes: 20, hours: 0.75 },
  run(options) {
    const run = beginRun('flapping', options)
    const { world, faults } = run
    const rng = world.rng.fork('flapping')
    let interrupted = 0
    troubled(run, 1_000, () => {
      const { node } = pick(rng, world.nodes)
      const peers = world.peers.peersOf(node)
      if (peers.length === 0) return
      interrupted += 1
      faults.interrupt(node, pick(rng, peers))
    })
    run.finish()
    run.expectAgreementWithin(RECOVERY_MS)
    run.expect('connections were lost', interrupted > 100, `${interrupted} times`)
    expectNoBlame(run)
    return run.report()
  }
}

export const newAddresses: Scenario = {
  name: 'new-addresses',
  sentence: 'Nodes’ addresses change all the time: their lines are dead at once, and their peers find out by pings.',
  defaults: { nodes: 20, hours: 1 },
  run(options) {
    const run = beginRun('new-addresses', options)
    const { world, faults } = run
    const rng = world.rng.fork('addresses')
    let changed = 0
    troubled(run, 5_000, () => {
      changed += 1
      faults.changeAddress(pick(rng, world.nodes).node)
    })
    run.finish()
    run.expectAgreementWithin(RECOVERY_MS)
    run.expect('addresses changed', changed > 50, `${changed} times`)
    expectNoBlame(run)
    return run.report()
  }
}

export const idleFlows: Scenario = {
  name: 'idle-flows',
  sentence: 'Address translation forgets every flow that is idle for 12 seconds, and neither end is told.',
  defaults: { nodes: 20, hours: 1 },
  run(options) {
    const run = beginRun('idle-flows', options)
    const { world, faults } = run
    run.at(BEGIN_MS, () => faults.forgetIdleFlows(IDLE_FLOW_MS))
    run.at(run.endMs * 0.9, () => {
      faults.forgetIdleFlows(Number.POSITIVE_INFINITY)
      run.awaitAgreement('the last forgotten flow')
    })
    run.finish()
    run.expectAgreementWithin(RECOVERY_MS)
    run.expect('flows were forgotten', world.peers.forgottenFlows > 0, `${world.peers.forgottenFlows} times`)
    expectNoBlame(run)
    return run.report()
  }
}

export const newNames: Scenario = {
  name: 'new-names',
  sentence: 'Nodes restart all the time and come back under new peer ids.',
  defaults: { nodes: 20, hours: 1 },
  run(options) {
    const run = beginRun('new-names', options)
    const { world, faults } = run
    const rng = world.rng.fork('names')
    let renamed = 0
    troubled(run, 15_000, () => {
      renamed += 1
      faults.restartRenamed(pick(rng, world.nodes).node)
    })
    run.finish()
    run.expectAgreementWithin(RECOVERY_MS)
    run.expect('nodes came back under new names', renamed > 10, `${renamed} times`)
    expectNoBlame(run)
    return run.report()
  }
}

/** Of a line's doings no peer is guilty. */
function expectNoBlame(run: Run): void {
  const { punishmentCount } = run.world.census
  run.expect('nobody was blamed', punishmentCount === 0, `${punishmentCount} times`)
}
