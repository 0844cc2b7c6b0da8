import type { NodeEffect } from '@p2poolv2/node'
import { EFFECT_RANK } from '@p2poolv2/node'
import { type BlockHash, invariant } from '@p2poolv2/primitives'
import { nodeOf } from '../peers/endpoint.ts'
import type { SimNode } from '../world/sim-node.ts'
import type { Turn } from '../world/surroundings.ts'

/** Deltas a stalled disk may leave waiting; a node in the world does not make more in the longest stall of a scenario. */
const MAX_WAITING_COMMITS = 20_000

/** A broken rule of the world, with the node and the time it broke at. */
export class WorldBroken extends Error {
  readonly node: number
  readonly atMs: number

  constructor(node: number, atMs: number, sentence: string) {
    super(`node ${node} at ${atMs} ms: ${sentence}`)
    this.name = 'WorldBroken'
    this.node = node
    this.atMs = atMs
  }
}

/** A run that cannot go on: what broke, and what happened last before it. */
export class WorldFailed extends Error {
  /** The newest lines of the trace, oldest first. */
  readonly recent: readonly string[]

  constructor(cause: unknown, recent: readonly string[]) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.name = 'WorldFailed'
    this.recent = recent
  }
}

/** What has to be known about the rest of the world to judge one step. */
export interface StepContext {
  isHonest(node: number): boolean
  readonly atMs: number
}

/**
 * What must hold after every event, whatever happened: the effects come in their order, no bug is reported, nobody honest
 * is punished by somebody honest, and lines that carry a bitcoin block bring it to bitcoin in the same turn.
 * @throws WorldBroken
 */
export function checkStep(node: SimNode, turn: Turn, context: StepContext): void {
  const broken = (sentence: string): never => {
    throw new WorldBroken(node.node, context.atMs, sentence)
  }
  let rank = 0
  for (const effect of turn.effects) {
    if (EFFECT_RANK[effect.type] < rank) broken(`effects are in the order of their rank, but ${effect.type} comes late`)
    rank = EFFECT_RANK[effect.type]
    const complaint = complaintAbout(effect, node, context)
    if (complaint !== null) broken(complaint)
  }
  if (turn.block !== null && !submits(turn.effects, turn.block)) {
    broken(`the block ${turn.block} of a miner of its own is handed to bitcoin at once`)
  }
  if (node.isUp && node.store.waiting > MAX_WAITING_COMMITS) broken('the commits that wait for the disk are bounded')
}

function complaintAbout(effect: NodeEffect, node: SimNode, context: StepContext): string | null {
  switch (effect.type) {
    case 'report':
      return effect.fact.type === 'bug' ? `it reports a bug: ${effect.fact.code} ${effect.fact.detail}` : null
    case 'stop':
      return effect.reason.code === 'bug' ? `it stops: ${effect.reason.message}` : null
    case 'penalise':
      return isInnocent(node, effect.peer, context)
        ? `nobody honest is penalised, but ${effect.peer} is, for ${effect.code}`
        : null
    case 'dropPeer':
      return isInnocent(node, effect.peer, context)
        ? `nobody honest is dropped, but ${effect.peer} is, for ${effect.reason}`
        : null
    default:
      return null
  }
}

function isInnocent(node: SimNode, peer: string, context: StepContext): boolean {
  return node.isHonest && context.isHonest(nodeOf(peer))
}

function submits(effects: readonly NodeEffect[], block: BlockHash): boolean {
  return effects.some(effect => effect.type === 'submitBlock' && effect.blockHash === block)
}

/**
 * What must hold in a node's chain at any time: candidate at least as heavy as confirmed, the confirmed tip no lighter than
 * it was, and everything `NodeCore.checkInvariants` says about its own parts and their bounds.
 * Cost: O(shares known).
 * @throws WorldBroken
 */
export function checkNode(node: SimNode, atMs: number): void {
  try {
    const { chain, core } = node
    invariant(
      chain.candidateTip().chainWork >= chain.confirmedTip().chainWork,
      'the candidate chain is at least as heavy as the confirmed one'
    )
    core.checkInvariants()
  } catch (error) {
    throw new WorldBroken(node.node, atMs, error instanceof Error ? error.message : String(error))
  }
}
