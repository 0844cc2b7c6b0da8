import type { SimReport } from '../report/report.ts'
import { percent } from '../report/report-text.ts'
import { beginRun } from './begin-run.ts'
import { MINUTE_MS, type Run, type Scenario } from './scenario.ts'

/** Runs to the end and expects that nearly every share is on the chain or an uncle of it. */
function finishPaid(run: Run, maxOrphanRate: number): SimReport {
  const { orphanRate, lost, lostInBranches, produced } = run.finish().shares
  run.expect(
    'every share is on the chain or an uncle of it, but for later ones of losing branches',
    lost === lostInBranches,
    `${lost} lost, ${lostInBranches} of them in losing branches`
  )
  run.expect(
    `at most ${percent(maxOrphanRate)} of the shares go unpaid`,
    orphanRate <= maxOrphanRate,
    `${lost} of ${produced}`
  )
  return run.report()
}

export const calm: Scenario = {
  name: 'calm',
  sentence: 'A network at production spacing with miners of very different size, and nothing goes wrong.',
  defaults: { nodes: 200, hours: 1 },
  run(options) {
    return finishPaid(beginRun('calm', options), 0.02)
  }
}

export const large: Scenario = {
  name: 'large',
  sentence: 'A thousand nodes for ten minutes: what one process can hold.',
  defaults: { nodes: 1_000, hours: 1 / 6 },
  run(options) {
    return finishPaid(beginRun('large', options), 0.05)
  }
}

export const mixed: Scenario = {
  name: 'mixed',
  sentence: 'Half of the nodes speak only the reference protocol and get every share by push.',
  defaults: { nodes: 40, hours: 1 },
  run(options) {
    return finishPaid(beginRun('mixed', options, { referencePart: 0.5 }), 0.02)
  }
}

export const hashrateSwing: Scenario = {
  name: 'hashrate-swing',
  sentence: 'Nine tenths of the hashrate leave for half an hour and come back: the difficulty follows both ways.',
  defaults: { nodes: 20, hours: 2 },
  run(options) {
    const run = beginRun('hashrate-swing', options, { hashrates: 'even' })
    const leaving = run.world.nodes.slice(0, Math.floor(options.nodes * 0.9))
    const [leaveMs, returnMs] = [run.endMs / 4, run.endMs / 2]
    const bitsAt = (): number => run.world.node(0).chain.nextShareBits(run.world.node(0).chain.miningBase().hash)
    const bits: number[] = []
    run.at(leaveMs, () => {
      bits.push(bitsAt())
      for (const { node } of leaving) run.faults.setHashrate(node, 0)
    })
    run.at(returnMs, () => {
      bits.push(bitsAt())
      for (const { node } of leaving) run.faults.setHashrate(node, 1)
    })
    run.until(run.endMs)
    bits.push(bitsAt())
    run.rest()
    const [before, during, after] = bits.map(easiness)
    run.expect(
      'shares get easier while the hashrate is gone, and harder again',
      during !== undefined && before !== undefined && after !== undefined && during > before * 2 && after < during,
      `target ${before?.toFixed(0)}, then ${during?.toFixed(0)}, then ${after?.toFixed(0)} (of 2^-16 of all hashes)`
    )
    return run.report()
  }
}

export const merge: Scenario = {
  name: 'merge',
  sentence: 'Every node mines for itself, nobody knows anybody; then they are all connected and one chain is left.',
  defaults: { nodes: 12, hours: 0.75 },
  run(options) {
    const run = beginRun('merge', options)
    run.faults.partition(...run.world.nodes.map(({ node }) => [node]))
    run.at(run.endMs / 3, () => {
      run.faults.heal()
      run.awaitAgreement('the first meeting')
    })
    run.finish()
    run.expectAgreementWithin(5 * MINUTE_MS)
    return run.report()
  }
}

/** A compact target as parts of 2^-16 of all hashes, for people. */
function easiness(bits: number): number {
  const exponent = bits >>> 24
  return (bits & 0xff_ffff) * 2 ** (8 * (exponent - 3) - 240)
}
