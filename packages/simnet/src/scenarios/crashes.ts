import { happens, pick, pickSome } from '../chance.ts'
import { beginRun } from './begin-run.ts'
import { MINUTE_MS, type Scenario } from './scenario.ts'

const RECOVERY_MS = 5 * MINUTE_MS

export const crashStorm: Scenario = {
  name: 'crash-storm',
  sentence: 'Nodes lose power at any step of any turn, again and again, and come back with what was on their disks.',
  defaults: { nodes: 20, hours: 1 },
  run(options) {
    const run = beginRun('crash-storm', options)
    const rng = run.world.rng.fork('storm')
    let crashes = 0
    const strike = (): void => {
      if (run.world.elapsedMs > run.endMs * 0.9) return
      const { node } = pick(rng, run.world.nodes)
      // Somewhere within the turns that follow, between two effects.
      run.faults.crashAfter(node, () => happens(rng, 0.05))
      crashes += 1
      run.at(run.world.elapsedMs + 20_000, () => {
        if (!run.world.node(node).isUp) run.faults.restart(node)
      })
      run.at(run.world.elapsedMs + 15_000, strike)
    }
    run.at(5 * MINUTE_MS, strike)
    run.at(run.endMs * 0.95, () => {
      for (const node of run.world.nodes) {
        node.crashIf = null
        if (!node.isUp) run.faults.restart(node.node)
      }
      run.awaitAgreement('the last crash')
    })
    run.finish()
    run.expectAgreementWithin(RECOVERY_MS)
    const starts = run.world.nodes.reduce((sum, node) => sum + node.starts, 0)
    run.expect('nodes came back', starts > options.nodes, `${crashes} strikes, ${starts - options.nodes} restarts`)
    return run.report()
  }
}

export const finderCrash: Scenario = {
  name: 'finder-crash',
  sentence:
    'A block’s finder dies right after its share has left, its bitcoind reaches nobody: the others submit the block.',
  defaults: { nodes: 30, hours: 0.5 },
  run(options) {
    // Every share is a block one time in six, so that there are enough of them.
    const run = beginRun('finder-crash', options, { bitcoin: { outsideSpacingMs: 1_200_000 }, sharesPerBlock: 12 })
    const { world, faults } = run
    for (const { node } of world.nodes) {
      world.node(node).bitcoind.mute()
      const arm = (): void =>
        faults.crashAfter(node, (effect, finder) => {
          const turnHasBlock = finder.turn?.effects.some(({ type }) => type === 'submitBlock') === true
          if (effect.type !== 'publish' || effect.topic !== 'shares' || !turnHasBlock) return false
          run.at(world.elapsedMs + 30_000, () => {
            faults.restart(node)
            arm()
          })
          return true
        })
      arm()
    }
    run.until(run.endMs)
    faults.stopMining()
    run.until(run.endMs + 3 * MINUTE_MS)
    for (const node of world.nodes) {
      node.crashIf = null
      if (!node.isUp) faults.restart(node.node)
    }
    const blocks = [...world.census.foundBlocks.values()]
    const missing = blocks.flatMap(({ hash, node: finder }) =>
      world.nodes.filter(({ node, bitcoind }) => node !== finder && bitcoind.submitResult(hash) === undefined)
    )
    run.expect('blocks were found', blocks.length > 0, String(blocks.length))
    run.expect(
      'every block was submitted to every other node’s bitcoind',
      missing.length === 0,
      `${blocks.length} blocks, ${missing.length} missing submissions`
    )
    run.rest({ blocks: 'may-be-lost' })
    return run.report()
  }
}

export const stalledDisks: Scenario = {
  name: 'stalled-disks',
  sentence: 'Disks of a third of the nodes stall for five minutes; half of those nodes lose power before they recover.',
  defaults: { nodes: 15, hours: 0.75 },
  run(options) {
    const run = beginRun('stalled-disks', options, { disk: { commitMs: 3, readMs: 1, maxWaitingDeltas: 8 } })
    const all = run.world.nodes.map(({ node }) => node)
    const stalled = pickSome(run.world.rng.fork('disks'), all, Math.ceil(options.nodes / 3))
    const unlucky = stalled.filter((_, i) => i % 2 === 0)
    const beginMs = run.endMs / 3
    run.at(beginMs, () => {
      for (const node of stalled) run.faults.stallDisk(node)
    })
    run.at(beginMs + 5 * MINUTE_MS, () => {
      for (const node of unlucky) run.faults.crash(node)
    })
    run.at(beginMs + 6 * MINUTE_MS, () => {
      for (const node of stalled) run.faults.resumeDisk(node)
    })
    run.at(beginMs + 7 * MINUTE_MS, () => {
      for (const node of unlucky) run.faults.restart(node)
      run.awaitAgreement('disks that stalled and nodes that lost five minutes')
    })
    run.finish()
    run.expectAgreementWithin(RECOVERY_MS)
    const waited = Math.max(...run.world.nodes.map(({ store }) => store.mostWaiting))
    run.expect('commits waited for the disks', waited > 5, `${waited} at most`)
    const behind = run.world.nodes.reduce((sum, { timesBehind }) => sum + timesBehind, 0)
    run.expect('shares waited for disks that were far behind', behind > 0, `${behind} times`)
    return run.report()
  }
}
