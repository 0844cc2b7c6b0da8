import { pickSome } from '../chance.ts'
import { beginRun } from './begin-run.ts'
import { MINUTE_MS, type Scenario } from './scenario.ts'

export const bitcoindStall: Scenario = {
  name: 'bitcoind-stall',
  sentence:
    'A third of the bitcoinds stop answering for half an hour; their miners go on, their blocks get through later.',
  defaults: { nodes: 20, hours: 1 },
  run(options) {
    const run = beginRun('bitcoind-stall', options)
    const all = run.world.nodes.map(({ node }) => node)
    const stalled = pickSome(run.world.rng.fork('stalled'), all, Math.ceil(options.nodes / 3))
    const before = new Map<number, number>()
    run.at(run.endMs / 4, () => {
      for (const node of stalled) {
        run.faults.stallBitcoind(node)
        before.set(node, acceptedAt(run.world.node(node)))
      }
    })
    let worked = 0
    run.at(run.endMs / 4 + 30 * MINUTE_MS, () => {
      for (const node of stalled) {
        worked += acceptedAt(run.world.node(node)) - (before.get(node) ?? 0)
        run.faults.resumeBitcoind(node)
      }
      run.awaitAgreement('bitcoinds that stalled')
    })
    run.finish()
    run.expectAgreementWithin(MINUTE_MS * 5)
    run.expect('miners behind a stalled bitcoind went on', worked > 0, `${worked} submits accepted`)
    return run.report()
  }
}

export const bitcoinFork: Scenario = {
  name: 'bitcoin-fork',
  sentence: 'Bitcoin itself splits in two for half an hour: the share chain stays one.',
  defaults: { nodes: 20, hours: 1 },
  run(options) {
    const run = beginRun('bitcoin-fork', options, { bitcoin: { outsideSpacingMs: 200_000 } })
    const all = run.world.nodes.map(({ node }) => node)
    const half = pickSome(run.world.rng.fork('half'), all, Math.floor(options.nodes / 2))
    let tipsDuring = 0
    run.at(run.endMs / 4, () => run.faults.forkBitcoin(half))
    run.at(run.endMs / 2, () => {
      tipsDuring = new Set(run.world.nodes.map(({ bitcoind }) => bitcoind.tip.hash)).size
      run.awaitAgreement('bitcoin’s split, while it lasts')
    })
    run.at(run.endMs / 4 + 30 * MINUTE_MS, () => {
      run.faults.healBitcoin()
      run.awaitAgreement('bitcoin’s healing')
    })
    run.until(run.endMs)
    // Blocks of the side that lost are known to its own bitcoinds only, so the rest is looked at without them.
    run.rest({ blocks: 'may-be-lost' })
    run.expectAgreementWithin(MINUTE_MS)
    run.expect('bitcoin was split', tipsDuring > 1, `${tipsDuring} bitcoin tips`)
    return run.report()
  }
}

function acceptedAt({
  lines
}: {
  readonly lines: readonly { readonly miner: { readonly accepted: number } }[]
}): number {
  return lines.reduce((sum, { miner }) => sum + miner.accepted, 0)
}
