import { pickSome } from '../chance.ts'
import { MISCHIEFS } from '../hostile/all.ts'
import { corrupt, type Mischief } from '../hostile/mischief.ts'
import { nodeOf } from '../peers/endpoint.ts'
import type { SimReport } from '../report/report.ts'
import { beginRun } from './begin-run.ts'
import { MINUTE_MS, type Run, type RunOptions, type Scenario } from './scenario.ts'

/** When the hostile nodes show themselves: everybody has connected and synced by then. */
const TURN_MS = 5 * MINUTE_MS
/** Nodes of a network with one kind of mischief that are hostile. */
const HOSTILE_PART = 0.2
const HOSTILE_THIRD = 0.3
/** Bytes of answers that one node may have on their way: a hundred a peer that reads none, of a short chain's few kilobytes each. */
const MAX_UNREAD_BYTES = 4_000_000
const LOOK_EVERY_MS = 30_000
const UNREADING: readonly Mischief[] = [MISCHIEFS['never-read'], MISCHIEFS['read-slowly']]

/** Whether a behaviour is one that no honest node could show, so that it costs its peers their connections. */
type Outcome = 'is-dropped' | 'is-penalised' | 'is-borne'

interface HostilePlan {
  readonly mischiefs: readonly Mischief[]
  readonly part: number
  readonly outcome: Outcome
}

/** A network in which part of the nodes turn hostile after a while; what honest nodes do is expected of the rest. */
function runWithHostile(name: string, options: RunOptions, plan: HostilePlan): SimReport {
  const run = beginRun(name, options)
  turnHostile(run, plan.part, plan.mischiefs)
  const unread = watchUnread(run)
  run.finish()
  expectHonestPeace(run)
  const { bytes } = unread
  run.expect('what peers leave unread costs an honest node little', bytes < MAX_UNREAD_BYTES, `${bytes} bytes at most`)
  if (plan.mischiefs.every(mischief => UNREADING.includes(mischief)))
    run.expect('something was left unread', bytes > 0, `${bytes} bytes at most`)
  const { punishments } = run.report()
  const measured = `${punishments.penalties} penalties, ${punishments.drops} drops`
  if (plan.outcome === 'is-dropped') run.expect('hostile peers were dropped', punishments.drops > 0, measured)
  if (plan.outcome === 'is-penalised') run.expect('hostile peers were penalised', punishments.penalties > 0, measured)
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

/** The most bytes of answers that any honest node had on their way, looked at now and then. */
function watchUnread(run: Run): { readonly bytes: number } {
  const most = { bytes: 0 }
  const look = (): void => {
    for (const { unsentBytes } of run.world.honest) most.bytes = Math.max(most.bytes, unsentBytes)
    if (run.world.elapsedMs < run.endMs) run.at(run.world.elapsedMs + LOOK_EVERY_MS, look)
  }
  run.at(TURN_MS, look)
  return most
}

/** That nobody honest is penalised or dropped is checked at every step; here it is put on record. */
function expectHonestPeace(run: Run): void {
  const { world } = run
  const honest = world.nodes.filter(({ isHonest }) => isHonest)
  const unpunished = world.census.punishments.filter(
    ({ node, peer }) => world.isHonest(node) && world.isHonest(nodeOf(peer))
  )
  run.expect(
    'nobody honest was penalised or dropped by somebody honest',
    unpunished.length === 0,
    String(unpunished.length)
  )
  run.expect(
    'all honest nodes are up',
    honest.every(({ isUp }) => isUp),
    `${honest.filter(({ isUp }) => isUp).length} of ${honest.length}`
  )
}

/** A fifth of the nodes turn to one kind of mischief. */
function hostileFifth(mischief: keyof typeof MISCHIEFS, outcome: Outcome, sentence: string): Scenario {
  return {
    name: mischief,
    sentence,
    defaults: { nodes: 20, hours: 0.75 },
    run: options => runWithHostile(mischief, options, { mischiefs: [MISCHIEFS[mischief]], part: HOSTILE_PART, outcome })
  }
}

export const hostileScenarios: readonly Scenario[] = [
  {
    name: 'hostile-third',
    sentence: 'Thirty per cent of the nodes are hostile, with every behaviour mixed.',
    defaults: { nodes: 60, hours: 1 },
    run: options =>
      runWithHostile('hostile-third', options, {
        mischiefs: Object.values(MISCHIEFS),
        part: HOSTILE_THIRD,
        outcome: 'is-dropped'
      })
  },
  hostileFifth('never-answer', 'is-borne', 'A fifth of the nodes never answer a request.'),
  hostileFifth('never-read', 'is-borne', 'A fifth of the nodes ask for much, all the time, and take no answer.'),
  hostileFifth(
    'read-slowly',
    'is-borne',
    'A fifth of the nodes ask for much, all the time, and read 200 bytes a second.'
  ),
  hostileFifth('pings-only', 'is-borne', 'A fifth of the nodes keep their connections and say nothing at all.'),
  hostileFifth(
    'withhold-bodies',
    'is-borne',
    'A fifth of the nodes show headers and keep the bodies, of their own shares too.'
  ),
  hostileFifth('invalid-bodies', 'is-dropped', 'A fifth of the nodes send wrong bodies under right headers.'),
  hostileFifth(
    'lie-about-headers',
    'is-penalised',
    'A fifth of the nodes answer header questions with what nobody mined.'
  ),
  hostileFifth('garbage', 'is-dropped', 'A fifth of the nodes send random bytes and broken frames everywhere.'),
  hostileFifth('flood', 'is-dropped', 'A fifth of the nodes ask and announce hundreds of times a second.'),
  hostileFifth(
    'equivocate',
    'is-borne',
    'A fifth of the nodes show different shares of one height to different peers.'
  ),
  hostileFifth(
    'crowd-heights',
    'is-borne',
    'A fifth of the nodes mine far more shares at one height than a chain keeps.'
  ),
  hostileFifth(
    'wild-share',
    'is-borne',
    'A fifth of the nodes publish shares from another century and name them as uncles.'
  ),
  hostileFifth(
    'pay-myself',
    'is-dropped',
    'A fifth of the nodes publish worked shares that pay everything to their makers.'
  )
]
