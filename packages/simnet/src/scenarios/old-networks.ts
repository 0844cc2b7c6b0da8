import type { ChainParams } from '@p2poolv2/consensus'
import { LIGHT_LURES, LURES, type Lure } from '../hostile/lure.ts'
import { corrupt } from '../hostile/mischief.ts'
import { edgesOf } from '../peers/topology.ts'
import type { SimReport } from '../report/report.ts'
import { payoutAddress } from '../world/identities.ts'
import type { SimNode } from '../world/sim-node.ts'
import { World } from '../world/world.ts'
import { START_MS, simBitcoinBits, simParams } from '../world/world-params.ts'
import { growOldChain, type OldChain, writeOldChain } from './old-chains.ts'
import { HOUR_MS, MINUTE_MS, Run, type RunOptions, type Scenario } from './scenario.ts'

/** At production's numbers two years are 6.3 million heights: so many prune depths. */
const PRUNE_DEPTHS_OLD = 26
/** Ancestors the padding's form is read from; below what is kept beside the window in the shortest run. */
const PADDING_SPAN = 10
const LATENCY_MS = 100
/** How long the newcomer has only liars to ask. */
const LURED_MS = 3 * MINUTE_MS
const SYNC_LIMIT_MS = 2 * HOUR_MS
/** The light chain's pace beside the schedule: its target grows easier all the time. */
const LIGHT_PACE = 1.01

/** Production's spacing and proportions on a chain of so many hours, with a prune depth that makes it two years old. */
function agedParams(hours: number): ChainParams {
  const params = simParams()
  const heights = heightsOf(hours)
  const pruneDepth = Math.max(2 * (PADDING_SPAN + 10), Math.floor(heights / PRUNE_DEPTHS_OLD))
  return Object.freeze({
    ...params,
    genesisTimeSec: START_MS / 1_000 - heights * params.spacingSec,
    pruneDepth,
    windowMaxShares: Math.floor(pruneDepth / 2),
    paddingSpan: PADDING_SPAN
  })
}

function heightsOf(hours: number): number {
  return Math.floor((hours * HOUR_MS) / 1_000 / simParams().spacingSec)
}

interface AgedNetwork {
  readonly run: Run
  readonly old: OldChain
  readonly elders: readonly SimNode[]
}

/** A network that is two years old when the run begins: everybody has the chain on disk and has pruned it; they mine on. */
function startAged(scenario: string, options: RunOptions, elders: number): AgedNetwork {
  const params = agedParams(options.hours)
  const world = new World({ seed: options.seed, params })
  const old = growOldChain({
    params,
    bitcoinBits: simBitcoinBits(),
    heights: heightsOf(options.hours),
    paceSec: params.spacingSec,
    rng: world.rng.fork('old-chain')
  })
  for (let i = 0; i < elders; i++) {
    const user = `${payoutAddress(params, world.rng.fork(`elder:${i}`))}.rig`
    writeOldChain(world.addNode({ miners: [{ user, hashrateHps: world.totalHashrate / elders }] }), old)
  }
  const nodes = world.nodes
  for (const { node } of nodes)
    world.addEdges(
      edgesOf(
        node,
        nodes.map(other => other.node).filter(other => other < node),
        LATENCY_MS
      )
    )
  for (const node of nodes) node.start()
  const run = new Run(scenario, world, options)
  run.until(2 * MINUTE_MS)
  return { run, old, elders: nodes }
}

/** Waits until the newcomer stands where the honest rest does. */
function awaitNewcomer(run: Run, what: string): void {
  const { world } = run
  const joinedMs = world.elapsedMs
  const watch = run.awaitAgreement(what)
  while (watch.agreedAtMs === null && world.elapsedMs < joinedMs + SYNC_LIMIT_MS) run.until(world.elapsedMs + 10_000)
}

/** The newcomer's past is on its disk as on everybody's. */
function expectSamePast(run: Run, newNode: SimNode, elder: SimNode): void {
  const genesis = elder.chain.confirmedHashAt(0)
  const past = ({ store, chain }: SimNode) =>
    store.disk
      .archiveNow(genesis === undefined ? [] : [genesis], Number.MAX_SAFE_INTEGER)
      .filter(({ height }) => height < Math.min(chain.keptFromHeight, elder.chain.keptFromHeight))
      .map(({ hashes }) => hashes.join())
  const [mine, theirs] = [past(newNode), past(elder)]
  run.expect(
    'the newcomer can serve all of the past that its peers serve',
    mine.length > 0 && mine.join() === theirs.slice(0, mine.length).join(),
    `${mine.length} heights below memory of ${newNode.chain.confirmedTip().height}`
  )
  run.expect(
    'it counts as many uncles',
    newNode.chain.uncleCount === elder.chain.uncleCount,
    `${newNode.chain.uncleCount} and ${elder.chain.uncleCount}`
  )
}

export const oldNetwork: Scenario = {
  name: 'old-network',
  sentence:
    'A node joins a network two years old, 26 prune depths, whose peers have pruned all of it, and loses power in the middle.',
  defaults: { nodes: 4, hours: 44 },
  run(options) {
    const { run, old, elders } = startAged('old-network', options, options.nodes - 1)
    const { world, faults } = run
    const [elder] = elders
    if (elder === undefined) throw new RangeError('an old network has a node')
    run.expect(
      'its peers hold a fraction of the chain in memory',
      old.keptFromHeight > old.height * 0.9,
      `from height ${old.keptFromHeight} of ${old.height}`
    )
    const newNode = world.addNode()
    world.addEdges(
      edgesOf(
        newNode.node,
        elders.map(({ node }) => node),
        LATENCY_MS
      )
    )
    newNode.start()
    let interruptedAt = 0
    newNode.crashIf = () => {
      const { height } = newNode.chain.candidateTip()
      if (height < old.height / 2 || newNode.store.disk.sequence < newNode.chain.sequence) return false
      newNode.crashIf = null
      interruptedAt = height
      return true
    }
    while (newNode.isUp && world.elapsedMs < SYNC_LIMIT_MS) run.until(world.elapsedMs + 1_000)
    faults.restart(newNode.node)
    const resumedAt = newNode.chain.candidateTip().height
    awaitNewcomer(run, 'a new node joined')
    run.expectAgreementWithin(SYNC_LIMIT_MS)
    run.expect(
      'it went on from what was on its disk after the power came back',
      interruptedAt > 0 && resumedAt === interruptedAt,
      `interrupted at ${interruptedAt}, resumed from ${resumedAt}`
    )
    expectSamePast(run, newNode, elder)
    run.rest()
    return run.report(newNode)
  }
}

/** A node meets liars first, and after a while one node that is honest. */
function lured(name: string, sentence: string, lures: readonly Lure[]): Scenario {
  return { name, sentence, defaults: { nodes: 10, hours: 12 }, run: options => runLured(name, options, lures) }
}

function runLured(name: string, options: RunOptions, lures: readonly Lure[]): SimReport {
  const { run, old, elders } = startAged(name, options, 2)
  const { world } = run
  const [elder] = elders
  if (elder === undefined) throw new RangeError('an old network has a node')
  const light = growOldChain({
    params: world.params,
    bitcoinBits: simBitcoinBits(),
    heights: Math.floor(old.height / LIGHT_PACE),
    paceSec: world.params.spacingSec * LIGHT_PACE,
    rng: world.rng.fork('light-chain')
  })
  run.expect('the lie is lighter than the truth', light.work < old.work, `${light.height} heights and ${old.height}`)
  const liars = Array.from({ length: options.nodes - 3 }, (_, i) => {
    const lure = lures[i % lures.length]
    if (lure === undefined) throw new RangeError('there are lures')
    const liar = world.addNode()
    writeOldChain(liar, lure.chain === 'light' ? light : old)
    liar.start()
    corrupt(world, liar, lure.mischief)
    return liar
  })
  const newNode = world.addNode()
  // The liars are found first, and for a while nobody else.
  world.addEdges(
    edgesOf(
      newNode.node,
      liars.map(({ node }) => node),
      LATENCY_MS
    )
  )
  newNode.start()
  run.until(world.elapsedMs + LURED_MS)
  const [before, lie] = [newNode.chain.candidateTip().height, newNode.chain.confirmedTip().height]
  world.addEdges(edgesOf(newNode.node, [elder.node], LATENCY_MS))
  awaitNewcomer(run, 'a new node met one that does not lie')
  run.expectAgreementWithin(SYNC_LIMIT_MS)
  run.expect(
    'it ended on the heaviest chain',
    newNode.chain.confirmedTip().chainWork >= old.work,
    `from ${lie} confirmed and ${before} known by headers to ${newNode.chain.confirmedTip().height}`
  )
  expectSamePast(run, newNode, elder)
  run.rest()
  return run.report(newNode)
}

export const allButOneLie: Scenario = lured(
  'all-but-one-lie',
  'A node joins an old network and knows liars only, then one node that is none: light chains, silence, garbage, headers without bodies.',
  LURES
)

export const lightChainsFirst: Scenario = lured(
  'light-chains-first',
  'A node joins an old network through peers that show it a long light chain, bodies and all, before it meets a node that is honest.',
  LIGHT_LURES
)
