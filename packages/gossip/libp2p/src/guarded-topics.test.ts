import '@p2poolv2/runtime/with-resolvers'
import type { GossipSub } from '@chainsafe/libp2p-gossipsub'
import { describe, expect, it } from 'vitest'
import { guardedTopics } from './guarded-topics.ts'

/** As much of the library as is guarded, and what it was handed. */
class Library {
  readonly read: Uint8Array[] = []
  readonly sent: unknown[][] = []
  readonly penalties: string[] = []
  readonly score = { addPenalty: (_peer: string, _points: number, label: string) => this.penalties.push(label) }
  isDeaf = false
  packets: AsyncIterable<Uint8Array> = noPackets()

  acceptFrom(_peer: string): boolean {
    return !this.isDeaf
  }

  decodeRpc(packet: Uint8Array): object {
    if (packet[0] === 0xff) throw new RangeError('unreadable')
    const names = { messageIDs: Array.from({ length: packet[0] ?? 0 }) }
    return { packet, control: { ihave: [names, names], iwant: [names], idontwant: [names] } }
  }

  async handleReceivedRpc(_from: unknown, rpc: { readonly packet: Uint8Array }): Promise<void> {
    this.read.push(rpc.packet)
  }

  handlePeerReadStreamError(error: Error): void {
    throw error
  }

  createInboundStream(from: unknown, _stream: unknown): void {
    this.reading = this.pipePeerReadStream(from, this.packets)
  }

  reading: Promise<void> = Promise.resolve()

  async pipePeerReadStream(_from: unknown, _packets: AsyncIterable<Uint8Array>): Promise<void> {
    throw new Error('the library does not read by itself')
  }

  sendRpc(_to: string, rpc: { readonly messages: readonly unknown[] }): boolean {
    this.sent.push([...rpc.messages])
    return true
  }
}

/** A stream that is read, until it is paused. */
class PausableStream extends EventTarget {
  readonly status = 'open'
  readStatus = 'readable'
  maxStreamWindowSize = 16_777_216
  readonly paused = Promise.withResolvers<void>()

  pause(): void {
    this.readStatus = 'paused'
    this.paused.resolve()
  }

  resume(): void {
    this.readStatus = 'readable'
  }
}

async function* noPackets(): AsyncGenerator<Uint8Array> {}

async function* manyOf(packet: Uint8Array, count = 10_000): AsyncGenerator<Uint8Array> {
  for (let n = 0; n < count; n++) yield packet
}

function guarded(): { readonly library: Library; readonly ignored: string[] } {
  const library = new Library()
  const ignored: string[] = []
  guardedTopics(
    () => library as unknown as GossipSub,
    peer => ignored.push(peer)
  )({})
  return { library, ignored }
}

describe('the reading of topics', () => {
  it.each([
    ['packets without anything in them', new Uint8Array(), 4_097],
    ['packets full of names', Uint8Array.of(252), 65],
    ['the largest packets', new Uint8Array(1_310_719), 4]
  ])('stops a stream that brings too many of %s', async (_what, packet, most) => {
    const { library } = guarded()
    const stream = new PausableStream()
    library.packets = manyOf(packet)
    library.createInboundStream('ann', stream)
    await stream.paused.promise
    expect(library.read.length).toBeGreaterThan(0)
    // Time goes on while they are read: a few more.
    expect(library.read.length).toBeLessThan(most + 500)
    expect(stream.maxStreamWindowSize).toBe(1_048_576)
    stream.dispatchEvent(new Event('close'))
  })

  it('gives a second stream no second budget', async () => {
    const { library } = guarded()
    const [first, second] = [new PausableStream(), new PausableStream()]
    library.packets = manyOf(new Uint8Array(1_000_000))
    library.createInboundStream('ann', first)
    await first.paused.promise
    const read = library.read.length
    library.packets = manyOf(new Uint8Array(1_000_000))
    library.createInboundStream('ann', second)
    await second.paused.promise
    expect(library.read.length).toBe(read)
  })

  it('looks at nothing of a peer that is not listened to, and says so', async () => {
    const { library, ignored } = guarded()
    library.isDeaf = true
    library.packets = manyOf(new Uint8Array(10), 3)
    library.createInboundStream('ann', new PausableStream())
    await library.reading
    expect([library.read, ignored]).toEqual([[], ['ann', 'ann', 'ann']])
  })

  it('counts what cannot be read against its sender', async () => {
    const { library } = guarded()
    library.packets = manyOf(Uint8Array.of(0xff), 2)
    library.createInboundStream('ann', new PausableStream())
    await library.reading
    expect(library.penalties).toEqual(['unreadable', 'unreadable'])
  })
})

it('several messages that were asked for leave in packets of their own', () => {
  const { library } = guarded()
  library.sendRpc('ann', { messages: ['a', 'b', 'c'] })
  library.sendRpc('ann', { messages: [] })
  expect(library.sent).toEqual([['a'], ['b'], ['c'], []])
})
