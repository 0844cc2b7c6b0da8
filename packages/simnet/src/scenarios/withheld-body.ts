import type { ChainParams } from '@p2poolv2/consensus'
import { corrupt } from '../hostile/mischief.ts'
import { withholdOneBody } from '../hostile/tampering.ts'
import { edgesOf } from '../peers/topology.ts'
import type { SimReport } from '../report/report.ts'
import { payoutAddress } from '../world/identities.ts'
import type { SimNode } from '../world/sim-node.ts'
import { World } from '../world/world.ts'
import { START_MS, simBitcoinBits, simParams } from '../world/world-params.ts'
import { growOldChain, writeOldChain } from './old-chains.ts'
import { HOUR_MS, MINUTE_MS, Run, type RunOptions, type Scenario } from './scenario.ts'

const LATENCY_MS = 100
/** How much faster the liar's own part came than its time allows. */
const OWN_PACE = 0.9
/** Ancestors the padding's form is read from; below what is kept beside the window in a short run. */
const PADDING_SPAN = 10
/** How long newcomers have only the liar to ask. */
const LURED_MS = 15_000
/** A minute for the body, and time for a sync. */
const LIMIT_MS = 90_000
/** How long it is kept. */
const KEPT_MS = 6 * MINUTE_MS

export const withheldBody: Scenario = scenario({
  name: 'withheld-body',
  sentence:
    'Newcomers meet a peer whose headers are the heaviest by far, and true, and which keeps one body of them to itself for minutes; then all others.',
  defaults: { nodes: 5, hours: 2 },
  ownPart: 0.5,
  pruning: () => ({})
})

export const withheldBodyOld: Scenario = scenario({
  name: 'withheld-body-old',
  sentence:
    'The same in a network older than the prune depth, where newcomers have nothing confirmed to turn back to: the liar’s chain parts from the others above it.',
  defaults: { nodes: 5, hours: 3 },
  ownPart: 0.25,
  pruning: heights => {
    const pruneDepth = Math.floor(heights / 2)
    return { pruneDepth, windowMaxShares: Math.floor(pruneDepth / 2), paddingSpan: PADDING_SPAN }
  }
})

interface Plot extends Omit<Scenario, 'run'> {
  /** What part of the chain is the liar's own. */
  readonly ownPart: number
  /** What is kept of a chain of so many heights. */
  readonly pruning: (heights: number) => Partial<ChainParams>
}

function scenario({ ownPart, pruning, ...about }: Plot): Scenario {
  return { ...about, run: options => runWithheld(about.name, options, { ownPart, pruning }) }
}

function runWithheld(
  name: string,
  options: RunOptions,
  { ownPart, pruning }: Pick<Plot, 'ownPart' | 'pruning'>
): SimReport {
  const heights = Math.floor((options.hours * HOUR_MS) / 1_000 / simParams().spacingSec)
  const params = Object.freeze({
    ...simParams(),
    ...pruning(heights),
    genesisTimeSec: START_MS / 1_000 - heights * simParams().spacingSec
  })
  const world = new World({ seed: options.seed, params })
  const plan = { params, bitcoinBits: simBitcoinBits(), heights, paceSec: params.spacingSec }
  const rng = world.rng.fork('old-chain')
  const parts = { atHeight: Math.floor(heights * (1 - ownPart)), pace: OWN_PACE, rng: world.rng.fork('own') }
  const old = growOldChain({ ...plan, rng })
  const lieHeights = parts.atHeight + Math.floor((heights - parts.atHeight) / parts.pace)
  const lie = growOldChain({ ...plan, heights: lieHeights, rng: world.rng.fork('old-chain'), parts })
  const elders = Array.from({ length: options.nodes - 3 }, (_, i) => {
    const user = `${payoutAddress(params, world.rng.fork(`elder:${i}`))}.rig`
    const elder = world.addNode({ miners: [{ user, hashrateHps: world.totalHashrate / options.nodes }] })
    writeOldChain(elder, old)
    return elder
  })
  for (const { node } of elders)
    world.addEdges(
      edgesOf(
        node,
        elders.map(other => other.node).filter(other => other < node),
        LATENCY_MS
      )
    )
  for (const { node } of elders) world.node(node).start()
  const [elder] = elders
  if (elder === undefined) throw new RangeError('there is a node before the newcomer')
  const run = new Run(name, world, options)
  run.until(MINUTE_MS)

  const liar = world.addNode()
  writeOldChain(liar, lie)
  liar.start()
  const kept = liar.chain.confirmedHashAt(parts.atHeight + 1)
  if (kept === undefined) throw new RangeError('the liar has a chain of its own')
  const likes = { it: true }
  corrupt(world, liar, withholdOneBody(kept, likes))
  const user = `${payoutAddress(params, world.rng.fork('newcomer'))}.rig`
  const miner = world.addNode({ miners: [{ user, hashrateHps: world.totalHashrate / options.nodes }] })
  // Nothing valid is ever beside what it waits for.
  const watcher = world.addNode()
  const newNodes = [miner, watcher]
  for (const { node } of newNodes) world.addEdges(edgesOf(node, [liar.node], LATENCY_MS))
  for (const { node } of newNodes) world.node(node).start()
  run.until(world.elapsedMs + LURED_MS)
  run.expect(
    'newcomers first believe the heaviest headers',
    newNodes.every(({ chain }) => chain.candidateTip().chainWork === lie.work),
    newNodes.map(({ chain }) => `${chain.confirmedTip().height} of ${chain.candidateTip().height} confirmed`).join(', ')
  )
  const metMs = world.elapsedMs
  const others = elders.map(({ node }) => node)
  for (const { node } of newNodes) world.addEdges(edgesOf(node, others, LATENCY_MS))
  const tookMs = new Map<SimNode, number>()
  while (world.elapsedMs < metMs + KEPT_MS) {
    run.until(world.elapsedMs + 1_000)
    for (const node of newNodes)
      if (!tookMs.has(node) && follows(node, elder)) tookMs.set(node, world.elapsedMs - metMs)
  }
  run.expect(
    `both follow the chain whose bodies there are within ${LIMIT_MS / 1_000} s of meeting it`,
    newNodes.every(node => (tookMs.get(node) ?? KEPT_MS) <= LIMIT_MS),
    newNodes.map(node => `${((tookMs.get(node) ?? Number.NaN) / 1_000).toFixed(0)} s`).join(', ')
  )
  run.expect(
    'the others are not held up by the heavier headers that these tell them of',
    elders.every(({ chain }) => chain.confirmedTip().height > old.height + KEPT_MS / (4 * params.spacingSec * 1_000)),
    elders.map(({ chain }) => chain.confirmedTip().height - old.height).join(', ')
  )
  run.expect(
    'the miner mines with them then',
    sharesOf(world, miner, elder) > 0,
    `${sharesOf(world, miner, elder)} of its shares are in the chain of others`
  )
  likes.it = false
  run.until(world.elapsedMs + KEPT_MS)
  run.expect(
    'once the body is given, the heaviest chain is what counts, whosever it is',
    watcher.chain.confirmedTip().chainWork >= lie.work,
    `${watcher.chain.confirmedTip().height} heights, the one that was kept at ${lie.height}`
  )
  run.rest()
  return run.report(watcher)
}

function follows(node: SimNode, elder: SimNode): boolean {
  const { height } = elder.chain.confirmedTip()
  const hash = elder.chain.confirmedHashAt(height - 2)
  return hash !== undefined && node.chain.confirmedHashAt(height - 2) === hash
}

/** How many shares of a node's own miner are confirmed elsewhere. */
function sharesOf(world: World, { node }: SimNode, at: SimNode): number {
  const produced = [...world.census.produced.values()]
  return produced.filter(share => share.node === node && at.chain.confirmedHashAt(share.height) === share.hash).length
}
