import { pickSome } from '../chance.ts'
import { crowdHeights, equivocate, flood, payMyself, sendGarbage } from '../hostile/deeds.ts'
import { corrupt, type Mischief } from '../hostile/mischief.ts'
import { invalidBodies, lieAboutHeaders, neverAnswer, withholdBodies } from '../hostile/tampering.ts'
import type { SimReport } from '../report/report.ts'
import { startNetwork } from './network.ts'
import { MINUTE_MS, type Run, type RunOptions, type Scenario } from './scenario.ts'

/** Every hostile behaviour there is, each by its name. */
export const MISCHIEF: Readonly<Record<string, Mischief>> = {
  'never-answer': neverAnswer,
  'withhold-bodies': withholdBodies,
  'invalid-bodies': invalidBodies,
  'lie-about-headers': lieAboutHeaders,
  garbage: sendGarbage,
  flood,
  equivocate,
  'crowd-heights': crowdHeights,
  'pay-myself': payMyself
}

/** When the hostile nodes show themselves: everybody has connected and synced by then. */
const TURN_MS = 5 * MINUTE_MS
/** Nodes of a network with one kind of mischief that are hostile. */
const HOSTILE_PART = 0.2

/** A network in which part of the nodes turn hostile after a while; what honest nodes do is expected of the rest. */
function runWithHostile(name: string, options: RunOptions, mischiefs: readonly Mischief[]): SimReport {
  const run = startNetwork(name, options)
  const part = mischiefs.length > 1 ? 0.3 : HOSTILE_PART
  turnHostile(run, part, mischiefs)
  run.finish()
  expectHonestPeace(run)
  return run.report()
}

function turnHostile(run: Run, part: number, mischiefs: readonly Mischief[]): void {
  const { world } = run
  const all = world.nodes.map(({ node }) => node)
  const hostile = pickSome(world.rng.fork('hostile'), all, Math.round(all.length * part))
  run.at(TURN_MS, () => {
    hostile.forEach((node, i) => {
      const mischief = mischiefs[i % mischiefs.length]
      if (mischief !== undefined) corrupt(world, world.node(node), mischief)
    })
  })
}

/** That nobody honest is penalised or dropped is checked at every step; here it is put on record. */
function expectHonestPeace(run: Run): void {
  const { world } = run
  const honest = world.nodes.filter(({ isHonest }) => isHonest)
  const unpunished = world.census.punishments.filter(
    ({ node, peer }) => world.isHonest(node) && world.isHonest(Number(peer.slice(1)))
  )
  run.expect('nobody honest was penalised or dropped by somebody honest', unpunished.length === 0, String(unpunished.length))
  run.expect(
    'all honest nodes are up',
    honest.every(({ isUp }) => isUp),
    `${honest.filter(({ isUp }) => isUp).length} of ${honest.length}`
  )
  const drops = world.census.punishments.filter(({ code }) => code.startsWith('drop:'))
  run.expect('hostile peers were dealt with', true, `${world.census.punishmentCount} penalties, ${drops.length} drops`)
}

function hostileScenario(mischief: keyof typeof MISCHIEF & string, sentence: string): Scenario {
  return {
    name: mischief,
    sentence,
    defaults: { nodes: 20, hours: 0.75 },
    run: options => runWithHostile(mischief, options, mischiefsOf(mischief))
  }
}

function mischiefsOf(name: string): readonly Mischief[] {
  const mischief = MISCHIEF[name]
  return mischief === undefined ? [] : [mischief]
}

export const hostileScenarios: readonly Scenario[] = [
  {
    name: 'hostile-third',
    sentence: 'Thirty per cent of the nodes are hostile, with every behaviour mixed.',
    defaults: { nodes: 60, hours: 1 },
    run: options => runWithHostile('hostile-third', options, Object.values(MISCHIEF))
  },
  hostileScenario('never-answer', 'A fifth of the nodes never answer a request.'),
  hostileScenario('withhold-bodies', 'A fifth of the nodes show headers and keep the bodies, of their own shares too.'),
  hostileScenario('invalid-bodies', 'A fifth of the nodes send wrong bodies under right headers.'),
  hostileScenario('lie-about-headers', 'A fifth of the nodes answer header questions with what nobody mined.'),
  hostileScenario('garbage', 'A fifth of the nodes send random bytes and broken frames everywhere.'),
  hostileScenario('flood', 'A fifth of the nodes ask and announce hundreds of times a second.'),
  hostileScenario('equivocate', 'A fifth of the nodes show different shares of one height to different peers.'),
  hostileScenario('crowd-heights', 'A fifth of the nodes mine far more shares at one height than a chain keeps.'),
  hostileScenario('pay-myself', 'A fifth of the nodes publish worked shares that pay everything to their makers.')
]
