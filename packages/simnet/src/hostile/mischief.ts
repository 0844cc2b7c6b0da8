import { type ConsensusAddress, consensusAddress, type Share } from '@p2poolv2/consensus'
import { invariant, type SeededRng } from '@p2poolv2/primitives'
import { between, exponential } from '../chance.ts'
import { payoutAddress } from '../world/identities.ts'
import type { SimNode } from '../world/sim-node.ts'
import type { World } from '../world/world.ts'
import { forgeShare } from './forge-share.ts'

/** A hostile behaviour: turns a node into one that does this from now on. */
export type Mischief = (evil: Evil) => void

/** A node turned hostile, with what its master has at hand: the whole world, its chance and a purse. */
export class Evil {
  readonly world: World
  readonly node: SimNode
  readonly rng: SeededRng
  readonly payee: ConsensusAddress
  #nextRequestId = 0x4000_0000

  constructor(world: World, node: SimNode) {
    this.world = world
    this.node = node
    this.rng = world.rng.fork(`evil:${node.node}`)
    const payee = consensusAddress(payoutAddress(world.params, this.rng), world.params.addressNetwork)
    invariant(payee !== null, 'a made-up address is an address')
    this.payee = payee
  }

  /** Numbers for requests made beside the node's own, which begin far lower. */
  takeRequestId(): number {
    return this.#nextRequestId++
  }

  /** Does this again and again while the node is up, at random times with this mean. */
  every(meanMs: number, deed: () => void): void {
    this.world.clock.after(exponential(this.rng, meanMs), () => {
      if (this.node.isUp) deed()
      this.every(meanMs, deed)
    })
  }

  /** Does this so often within about the time given. */
  burst(times: number, withinMs: number, deed: () => void): void {
    for (let i = 0; i < times; i++) {
      this.world.clock.after(between(this.rng, 0, withinMs), () => {
        if (this.node.isUp) deed()
      })
    }
  }

  /** A share of its own making on a parent it knows; null once nobody makes shares any more. */
  forge(order: Partial<Parameters<typeof forgeShare>[0]> = {}): Share | null {
    if (!this.world.mayForge) return null
    const { chain, nowMs } = this.node
    const parent = order.parent ?? chain.miningBase().hash
    return forgeShare({
      params: this.world.params,
      chain,
      parent,
      timeSec: Math.max(Math.floor(nowMs / 1_000), chain.medianTimePast(parent) + 1),
      payee: this.payee,
      bitcoinBits: this.world.bitcoin.options.bits,
      rng: this.rng,
      ...order
    })
  }
}

/** Makes a node hostile. Rules for honest nodes do not apply to it from then on. */
export function corrupt(world: World, node: SimNode, mischief: Mischief): Evil {
  node.isHonest = false
  node.tamper = effect => [effect]
  world.agreement.moved(node.node, null, world.elapsedMs)
  world.trace.add(`${world.clock.nowMs} corrupt ${node.node}`)
  const evil = new Evil(world, node)
  mischief(evil)
  return evil
}
