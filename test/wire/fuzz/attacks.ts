import type { SeededRng } from '@p2poolv2/primitives'
import { ARRIVALS } from '../cases/arrivals.ts'
import { FRAME_CASES } from '../cases/frames.ts'
import { GOSSIP_CASES } from '../cases/gossip.ts'
import { LAYER_CASES } from '../cases/layers.ts'
import { frame, getShare, getShareBlocks, getShareHeaders, handshake, inventory, sha256d } from '../raw/messages.ts'
import { line } from '../raw/multistream.ts'
import { graft, publish, subscribe } from '../raw/pubsub.ts'
import { dialSocket, RawPeer } from '../raw/raw-peer.ts'
import { prefixed } from '../raw/varint.ts'
import type { Stream } from '../raw/yamux.ts'

export interface Victim {
  readonly port: number
  readonly base: string
}

/** Chance, in the words that attacks need. */
export class Dice {
  readonly #rng: SeededRng

  constructor(rng: SeededRng) {
    this.#rng = rng
  }

  /** 0 to `below` - 1. */
  below(below: number): number {
    return this.#rng.u32() % below
  }

  oneOf<T>(list: readonly T[]): T {
    const chosen = list[this.below(list.length)]
    if (chosen === undefined) throw new Error('nothing to choose from')
    return chosen
  }

  bytes(length: number): Buffer {
    return Buffer.from(this.#rng.bytes(length))
  }

  /** The bytes with a few changed, cut off, doubled or put in. */
  mutated(bytes: Buffer): Buffer {
    let out = Buffer.from(bytes)
    for (let n = 1 + this.below(4); n > 0 && out.length > 0; n--) {
      const at = this.below(out.length)
      const kind = this.below(5)
      if (kind === 0) out[at] = this.below(256)
      else if (kind === 1) out = out.subarray(0, at)
      else if (kind === 2) out = Buffer.concat([out.subarray(0, at), this.bytes(1 + this.below(8)), out.subarray(at)])
      else if (kind === 3) out = Buffer.concat([out, out.subarray(at)])
      else out.fill(this.oneOf([0, 0xff, 0xfd]), at, Math.min(at + 4, out.length))
    }
    return out
  }
}

type Attack = (victim: Victim, dice: Dice, patience: Promise<void>) => Promise<void>

const messages = (dice: Dice): Buffer =>
  dice.oneOf([
    handshake(dice.below(1_000), dice.bytes(32)),
    getShareHeaders(Array.from({ length: dice.below(12) }, () => dice.bytes(32))),
    getShareBlocks([dice.bytes(32)]),
    getShare(dice.bytes(32)),
    inventory(Array.from({ length: dice.below(9) }, () => dice.bytes(32))),
    Buffer.from([4, 0, 0]),
    Buffer.concat([Buffer.from([5]), dice.bytes(dice.below(900))]),
    dice.bytes(dice.below(2_000))
  ])

/** A peer of its own, which leaves whatever comes of it, in time or not. */
const withPeer = (act: (peer: RawPeer, dice: Dice) => Promise<void>, isOurs = false): Attack => {
  return async ({ port, base }, dice, patience) => {
    const peer = await RawPeer.dial({ port, base, isOurs })
    try {
      await Promise.race([act(peer, dice), patience])
    } finally {
      if (dice.below(3) === 0) peer.reset()
      else peer.close()
    }
  }
}

/** Ends a stream in one of the ways there are. */
function leave(stream: Stream, dice: Dice): void {
  const way = dice.below(4)
  if (way === 0) stream.reset()
  else if (way < 3) stream.finish()
}

const ATTACKS: readonly Attack[] = [
  // Right frames around mutated messages.
  withPeer(async (peer, dice) => {
    for (let n = 0; n < 8; n++) {
      const stream = await peer.openRequest()
      await stream.send(frame(dice.mutated(messages(dice))))
      leave(stream, dice)
    }
  }),
  // Mutated frames around right messages, in pieces.
  withPeer(async (peer, dice) => {
    for (let n = 0; n < 8; n++) {
      const stream = await peer.openRequest()
      const bytes = dice.mutated(frame(messages(dice)))
      const cut = dice.below(bytes.length + 1)
      stream.write(bytes.subarray(0, cut))
      stream.write(bytes.subarray(cut))
      leave(stream, dice)
    }
  }),
  // Large payloads that say nothing.
  withPeer(async (peer, dice) => {
    const payload = Buffer.alloc(dice.below(1_048_577), dice.below(256))
    const stream = await peer.openRequest()
    await stream.send(
      dice.below(2) === 0 ? frame(payload) : Buffer.concat([frame(payload).subarray(0, 8), sha256d(payload)])
    )
    leave(stream, dice)
  }),
  // Streams of any protocol with anything on them.
  withPeer(async (peer, dice) => {
    const names = ['1.0.0', 'kad/1.0.0', 'templates/1.0.0', 'rules/1.0.0'].map(rest => `${peer.base}/${rest}`)
    const all = [...names, '/ipfs/id/1.0.0', '/ipfs/id/push/1.0.0', '/ipfs/ping/1.0.0', '/meshsub/1.1.0', '/none']
    for (let n = 0; n < 10; n++) {
      const stream = peer.mux.open()
      stream.write(
        Buffer.concat([line('/multistream/1.0.0'), line(dice.oneOf(all)), prefixed(dice.bytes(dice.below(600)))])
      )
      leave(stream, dice)
    }
  }),
  // Frames of yamux with any field, and then none at all.
  withPeer(async (peer, dice) => {
    for (let n = 0; n < 20; n++) {
      peer.mux.send({
        kind: dice.below(5),
        flags: dice.below(16),
        stream: dice.oneOf([0, 1, 2, 3, dice.below(2 ** 31)]),
        length: dice.oneOf([0, 1, dice.below(300_000), 0xffff_ffff]),
        data: dice.bytes(dice.below(50))
      })
    }
    await peer.ping()
  }),
  // Below Noise.
  withPeer(async (peer, dice) => {
    peer.writeBare(dice.bytes(1 + dice.below(3_000)))
    await peer.ping()
  }),
  // Gossip.
  withPeer(async (peer, dice) => {
    const out = await peer.joinTopics()
    for (let n = 0; n < 20; n++) {
      const topic = dice.oneOf([peer.topic('shares'), peer.topic('templates'), '/none'])
      const rpc = dice.oneOf([publish(topic, dice.bytes(dice.below(800))), graft(topic), subscribe([topic])])
      await out.send(dice.below(2) === 0 ? rpc : prefixed(dice.mutated(rpc.subarray(1))))
    }
    await peer.ping()
  }, true),
  // Before there is a session.
  async ({ port }, dice) => {
    const { socket } = await dialSocket(port)
    const start = Buffer.concat([line('/multistream/1.0.0'), line('/noise')])
    socket.write(dice.below(2) === 0 ? dice.mutated(start) : Buffer.concat([start, dice.bytes(dice.below(300))]))
    if (dice.below(2) === 0) socket.resetAndDestroy()
    else socket.end(() => socket.destroy())
  },
  // Everything in the tables.
  withPeer(async (peer, dice) => {
    await dice.oneOf([...FRAME_CASES, ...LAYER_CASES]).act(peer)
  }),
  withPeer(async (peer, dice) => {
    await dice.oneOf(GOSSIP_CASES).act(peer)
  }, true),
  ({ port, base }, dice) => dice.oneOf(ARRIVALS.filter(({ isSlow }) => isSlow !== true)).come(port, base)
]

/** One attack, whichever comes up. What becomes of it is not asked. */
export async function attack(victim: Victim, dice: Dice, withinMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<void>(resolve => {
    timer = setTimeout(resolve, withinMs)
  })
  await Promise.race([
    dice
      .oneOf(ATTACKS)(victim, dice, patience)
      .catch(() => undefined),
    patience
  ])
  clearTimeout(timer)
}
