import type { NodeEffect } from '@p2poolv2/node'
import type { LinkOptions } from '../sim-net.ts'
import type { SimNode } from './sim-node.ts'
import type { World } from './world.ts'

/** The verbs of a scenario: what is done to the world. Each is written to the trace, so that a digest tells of it. */
export class Faults {
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  /** Nodes in different lists no longer reach each other; nodes in no list form one more part. */
  partition(...parts: readonly (readonly number[])[]): void {
    this.#note(`partition ${parts.map(part => part.length).join('|')}`)
    this.#world.peers.partition(parts)
  }

  heal(): void {
    this.#note('heal')
    this.#world.peers.heal()
  }

  /** All links lose, double, hold back or delay messages; see `LinkOptions`. */
  disturb(disturbance: Partial<LinkOptions>): void {
    this.#note(`disturb ${JSON.stringify(disturbance)}`)
    this.#world.net.disturb(disturbance)
  }

  calm(): void {
    this.#note('calm')
    this.#world.net.disturb(null)
  }

  crash(node: number): void {
    this.#note(`crash ${node}`)
    this.#world.node(node).crash()
  }

  /** The node's computer is gone from one moment to the next: no socket of it closes. */
  vanish(node: number): void {
    this.#note(`vanish ${node}`)
    this.#world.node(node).crash('silent')
  }

  /** The node comes back under another peer id. */
  restartRenamed(node: number): void {
    this.#note(`restart ${node} renamed`)
    const { isUp } = this.#world.node(node)
    if (isUp) this.#world.node(node).crash()
    this.#world.peers.rename(node)
    this.#world.node(node).start()
  }

  /** The node loses its connection to a peer and dials again. */
  interrupt(node: number, peer: number): void {
    this.#note(`interrupt ${node} ${peer}`)
    this.#world.peers.interrupt(node, peer)
  }

  /** The node is at another address: its connections are dead, and its peers have not heard of it. */
  changeAddress(node: number): void {
    this.#note(`changeAddress ${node}`)
    this.#world.peers.changeAddress(node)
  }

  /** The node takes its answers at this pace from now on; those who give them wait. */
  readSlowly(node: number, bytesPerSec: number): void {
    this.#note(`readSlowly ${node} ${bytesPerSec}`)
    this.#world.peers.readSlowly(node, bytesPerSec)
  }

  readAtOnce(node: number): void {
    this.#note(`readAtOnce ${node}`)
    this.#world.peers.readAtOnce(node)
  }

  /** Address translation forgets flows over which nothing went for so long. */
  forgetIdleFlows(idleMs: number): void {
    this.#note(`forgetIdleFlows ${idleMs}`)
    this.#world.peers.forgetIdleFlows(idleMs)
  }

  restart(node: number): void {
    this.#note(`restart ${node}`)
    if (!this.#world.node(node).isUp) this.#world.node(node).start()
  }

  /** The node crashes in the middle of a turn: right after the first effect for which this is true is performed. */
  crashAfter(node: number, isLast: (effect: NodeEffect, node: SimNode) => boolean): void {
    const victim = this.#world.node(node)
    victim.crashIf = effect => {
      if (!isLast(effect, victim)) return false
      victim.crashIf = null
      this.#note(`crash ${node} after ${effect.type}`)
      return true
    }
  }

  /** @param skewMs how far the node's clock is ahead from now on */
  skewClock(node: number, skewMs: number): void {
    this.#note(`skew ${node} ${skewMs}`)
    this.#world.node(node).setSkew(skewMs)
  }

  stallDisk(node: number): void {
    this.#note(`stallDisk ${node}`)
    this.#world.node(node).store.stall()
  }

  resumeDisk(node: number): void {
    this.#note(`resumeDisk ${node}`)
    this.#world.node(node).store.resume()
  }

  /** @param commitMs what each write takes from now on; null for what it took at first */
  slowDisk(node: number, commitMs: number | null): void {
    this.#note(`slowDisk ${node} ${commitMs}`)
    this.#world.node(node).store.slowDown(commitMs)
  }

  stallBitcoind(node: number): void {
    this.#note(`stallBitcoind ${node}`)
    this.#world.node(node).bitcoind.stall()
  }

  resumeBitcoind(node: number): void {
    this.#note(`resumeBitcoind ${node}`)
    this.#world.node(node).bitcoind.resume()
  }

  /** Blocks submitted to this node's bitcoind reach nobody else. */
  muteBitcoind(node: number): void {
    this.#note(`muteBitcoind ${node}`)
    this.#world.node(node).bitcoind.mute()
  }

  /** This node's bitcoind takes its newest block back, as with `invalidateblock`, and builds on the one before. */
  rewindBitcoind(node: number): void {
    this.#note(`rewindBitcoind ${node}`)
    this.#world.node(node).bitcoind.rewind()
  }

  /** These nodes' bitcoinds and the others' follow different tips from now on. */
  forkBitcoin(nodes: readonly number[]): void {
    this.#note(`forkBitcoin ${nodes.length}`)
    this.#world.bitcoin.fork(nodes)
  }

  healBitcoin(): void {
    this.#note('healBitcoin')
    this.#world.bitcoin.heal()
  }

  setHashrate(node: number, factor: number): void {
    this.#note(`hashrate ${node} ${factor}`)
    for (const { miner } of this.#world.node(node).lines) miner.setHashrate(miner.options.hashrateHps * factor)
  }

  /** Nobody makes shares any more, hostile nodes included: theirs are as heavy as anybody's, so while they come nothing rests. */
  stopMining(): void {
    this.#note('stopMining')
    this.#world.mayForge = false
    for (const node of this.#world.nodes) this.setHashrate(node.node, 0)
  }

  #note(what: string): void {
    this.#world.trace.add(`${this.#world.clock.nowMs} ${what}`)
  }
}
