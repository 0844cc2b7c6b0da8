import '@p2poolv2/runtime/with-resolvers'
import { ChainBuilder } from '@p2poolv2/sharechain/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LiveNode } from './live-node.ts'
import { ACK, inventory } from './raw/messages.ts'
import { RawPeer } from './raw/raw-peer.ts'
import { encodeFields, prefixed } from './raw/varint.ts'

/** As in guarded-topics.ts: four megabytes at once, and 256 a millisecond. */
const BURST_BYTES = 4_194_304
const BYTES_PER_MS = 256
/** What is on its way unread: the stream's window, one packet, and what other streams carry. */
const UNREAD_BYTES = 4 * 1_048_576

/** Fields that nobody knows, as many as a packet can hold. */
const NOISE = prefixed(Buffer.concat(Array.from({ length: 80 }, () => encodeFields([[15, Buffer.alloc(16_000, 9)]]))))

describe('a peer that is loud in topics', () => {
  const builder = new ChainBuilder()
  let live: LiveNode
  let honest: RawPeer
  let loud: RawPeer

  beforeEach(async () => {
    live = await LiveNode.start(builder.params, builder.row(builder.genesis, 5))
    honest = await RawPeer.dial({ port: live.port, base: live.base })
    loud = await RawPeer.dial({ port: live.port, base: live.base, isOurs: true })
  })

  afterEach(async () => {
    honest.close()
    loud.close()
    await live.stop()
  })

  const bytesOfLoud = (): number => live.network.connections().find(({ peer }) => peer === loud.name)?.bytesIn ?? 0

  it('is read at the pace of its budget, and waits', async () => {
    const startMs = performance.now()
    const out = await loud.joinTopics()
    const shouting = (async () => {
      for (let n = 0; n < 48; n++) await out.send(NOISE)
    })()
    for (let n = 0; n < 60; n++) expect(await honest.ask(inventory([]))).toEqual(ACK)
    const elapsedMs = performance.now() - startMs
    expect(bytesOfLoud()).toBeLessThan(BURST_BYTES + BYTES_PER_MS * elapsedMs + UNREAD_BYTES)
    loud.close()
    await shouting
    await live.until(() => live.network.connections().length === 1)
  })

  it('is put out once it has sent nothing that can be read for long', async () => {
    const out = await loud.joinTopics()
    const rubbish = prefixed(Buffer.alloc(100, 0xff))
    // What it is thought of is looked at once a second.
    while (loud.over === null) {
      for (let n = 0; n < 20; n++) await out.send(rubbish)
      await loud.ping().catch(() => loud.closed())
    }
    expect(await honest.ask(inventory([]))).toEqual(ACK)
  })
})
