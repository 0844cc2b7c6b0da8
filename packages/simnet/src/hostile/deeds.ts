import { encodeShare } from '@p2poolv2/consensus'
import { encodeAnnouncement, encodeFrame, encodeMessage, type Protocol, type Topic } from '@p2poolv2/gossip'
import { concatBytes, shareHashFromWire, ZERO_SHARE_HASH } from '@p2poolv2/primitives'
import { below, happens, pick, pickSome } from '../chance.ts'
import type { Evil, Mischief } from './mischief.ts'

const REQUEST_TIMEOUT_MS = 10_000
const TOPICS: readonly Topic[] = ['shares', 'templates']
const PROTOCOLS: readonly Protocol[] = ['shares', 'templates', 'rules']

/** Sends what no encoder writes: random bytes in topics and streams, broken frames, whole frames of nonsense. */
export const sendGarbage: Mischief = evil => {
  const { world, node, rng } = evil
  evil.every(5_000, () => world.peers.publish(node.node, pick(rng, TOPICS), rng.bytes(below(rng, 2_000))))
  evil.every(5_000, () => {
    const garbage = rng.bytes(1 + below(rng, 500))
    const frame = happens(rng, 0.5) ? garbage : encodeFrame(garbage)
    sendFrame(evil, frame)
  })
  evil.every(20_000, () => {
    // A frame that promises far more than it brings.
    const head = new Uint8Array(8)
    new DataView(head.buffer).setUint32(0, 0xffff_ffff, true)
    sendFrame(evil, concatBytes(head, rng.bytes(20)))
  })
}

/** Asks and announces as fast as a line carries, in bursts. */
export const flood: Mischief = evil => {
  const { world, node, rng } = evil
  evil.every(60_000, () => {
    evil.burst(400, 2_000, () => {
      const locator = [shareHashFromWire(rng.bytes(32))]
      sendFrame(evil, encodeFrame(encodeMessage({ type: 'getShareHeaders', locator, stop: ZERO_SHARE_HASH })))
    })
    evil.burst(400, 2_000, () => {
      const hash = node.chain.confirmedTip().hash
      sendFrame(evil, encodeFrame(encodeMessage({ type: 'getData', kind: 'share', hash })))
    })
    evil.burst(200, 2_000, () => {
      const tipHash = shareHashFromWire(rng.bytes(32))
      sendFrame(evil, encodeFrame(encodeMessage({ type: 'handshake', tipHeight: below(rng, 1_000_000), tipHash })))
    })
    evil.burst(200, 2_000, () => world.peers.publish(node.node, 'templates', announcement(evil)))
  })
}

/** Asks for much, all the time, and takes so much of the answers. */
const askAndRead =
  (bytesPerSec: number): Mischief =>
  evil => {
    const { world, node } = evil
    world.peers.readSlowly(node.node, bytesPerSec)
    evil.every(100, () => {
      const hash = node.chain.confirmedTip().hash
      sendFrame(evil, encodeFrame(encodeMessage({ type: 'getData', kind: 'share', hash })), 'shares')
      const locator = [node.chain.locator(1_000).at(-1) ?? ZERO_SHARE_HASH]
      const question = encodeMessage({ type: 'getShareHeaders', locator, stop: ZERO_SHARE_HASH })
      sendFrame(evil, encodeFrame(question), 'shares')
    })
  }

/** Asks for much, all the time, and takes no answer. */
export const neverRead: Mischief = askAndRead(0)

/** Asks for much, all the time, and takes a few bytes of the answers now and then. */
export const readSlowly: Mischief = askAndRead(200)

/** Mines several shares where one would do and tells each to other peers: everybody sees another uncle first. */
export const equivocate: Mischief = evil => {
  const { world, node, rng } = evil
  evil.every(20_000, () => {
    const tip = node.chain.confirmedTip()
    if (tip.height < 2) return
    const parent = happens(rng, 0.5) ? tip.hash : tip.prevHash
    const peers = world.peers.peersOf(node.node)
    for (let i = 0; i < 4; i++) {
      const share = evil.forge({ parent })
      if (share === null) return
      const some = pickSome(rng, peers, Math.ceil(peers.length / 3))
      world.peers.publishTo(node.node, some, { topic: 'shares', data: encodeShare(share) })
    }
  })
}

/** Mines far more shares at one height than a chain keeps, and publishes them all. */
export const crowdHeights: Mischief = evil => {
  const { world, node } = evil
  evil.every(120_000, () => {
    const { hash: parent, height } = node.chain.confirmedTip()
    if (height < 2) return
    evil.burst(60, 10_000, () => {
      if (node.chain.facts(parent) === undefined) return
      const share = evil.forge({ parent })
      if (share !== null) world.peers.publish(node.node, 'shares', encodeShare(share))
    })
  })
}

/** As late as a share can be dated. */
const WILD_TIME_SEC = 0xfffff000

/** Mines shares dated in another century, publishes them, and names each as the uncle of a good one. */
export const datedFarAhead: Mischief = evil => {
  const { world, node } = evil
  evil.every(30_000, () => {
    const { hash: parent, height } = node.chain.confirmedTip()
    if (height < 2) return
    const wild = evil.forge({ parent, timeSec: WILD_TIME_SEC })
    const next = evil.forge({ parent })
    if (wild === null || next === null) return
    for (const share of [wild, next]) world.peers.publish(node.node, 'shares', encodeShare(share))
    evil.burst(1, 20_000, () => {
      if (node.chain.facts(next.hash) === undefined) return
      const nephew = evil.forge({ parent: next.hash, uncles: [wild.hash] })
      if (nephew !== null) world.peers.publish(node.node, 'shares', encodeShare(nephew))
    })
  })
}

/** Publishes shares with all their work and a true proof that pay everything to their maker. */
export const payMyself: Mischief = evil => {
  const { world, node } = evil
  evil.every(30_000, () => {
    const share = evil.forge({ payouts: 'everything-to-me' })
    if (share !== null) world.peers.publish(node.node, 'shares', encodeShare(share))
  })
}

/** To some peer, on some protocol unless one is named. */
function sendFrame(evil: Evil, frame: Uint8Array, protocol: Protocol = pick(evil.rng, PROTOCOLS)): void {
  const { world, node, rng } = evil
  const peers = world.peers.peersOf(node.node)
  if (peers.length === 0) return
  world.peers.requestFrame(node.node, pick(rng, peers), {
    requestId: evil.takeRequestId(),
    protocol,
    frame,
    timeoutMs: REQUEST_TIMEOUT_MS
  })
}

/** A well-formed announcement of a template that does not exist. */
function announcement({ rng, world }: Evil): Uint8Array {
  const { tip } = world.bitcoin
  return encodeAnnouncement({
    prevHash: tip.hash,
    bitcoinHeight: tip.bitcoinHeight + 1,
    coinbaseValueSats: 5_000_000_000n,
    transactionCount: 1 + below(rng, 200),
    branchKey: rng.bytes(32)
  })
}
