import { ChainBuilder } from '@p2poolv2/sharechain/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ARRIVALS } from './cases/arrivals.ts'
import { FRAME_CASES } from './cases/frames.ts'
import { GOSSIP_CASES } from './cases/gossip.ts'
import { LAYER_CASES, SLOW_CASES } from './cases/layers.ts'
import { LiveNode } from './live-node.ts'
import { ACK, inventory } from './raw/messages.ts'
import { RawPeer } from './raw/raw-peer.ts'

const SESSION_CASES = [
  ...FRAME_CASES.map(one => ({ ...one, isOurs: false })),
  ...LAYER_CASES.map(one => ({ ...one, isOurs: false })),
  ...GOSSIP_CASES.map(one => ({ ...one, isOurs: true }))
]

// Each with a peer of its own, while an honest one wants its answers.
describe('what no honest peer does', () => {
  const builder = new ChainBuilder()
  let live: LiveNode
  let honest: RawPeer

  beforeAll(async () => {
    live = await LiveNode.start(builder.params, builder.row(builder.genesis, 5))
    honest = await RawPeer.dial({ port: live.port, base: live.base })
  })

  afterAll(async () => {
    honest?.close()
    await live?.stop()
  })

  /** Nothing is left of it but the honest peer, and that one is served. */
  const isOver = async (): Promise<void> => {
    await live.until(() => live.network.connections().every(({ peer }) => peer === honest.name))
    expect(await honest.ask(inventory([]))).toEqual(ACK)
  }

  it.each(SESSION_CASES)('on a connection: $name', async ({ act, fate, endsConnection, isOurs }) => {
    const peer = await RawPeer.dial({ port: live.port, base: live.base, isOurs })
    expect(await act(peer)).toBe(fate)
    if (endsConnection !== true) expect(await peer.ask(inventory([]))).toEqual(ACK)
    peer.close()
    await isOver()
  })

  it.each(ARRIVALS.filter(({ isSlow }) => isSlow !== true))('before there is a session: $name', async ({ come }) => {
    await come(live.port, live.base)
    await isOver()
  })

  it('is done with what says nothing more, in its own time', async () => {
    const patient = async ({ act, fate }: (typeof SLOW_CASES)[number]): Promise<void> => {
      const peer = await RawPeer.dial({ port: live.port, base: live.base })
      expect(await act(peer)).toBe(fate)
      expect(await peer.ask(inventory([]))).toEqual(ACK)
      peer.close()
    }
    const slow = ARRIVALS.filter(({ isSlow }) => isSlow === true)
    await Promise.all([...SLOW_CASES.map(patient), ...slow.map(({ come }) => come(live.port, live.base))])
    await isOver()
  })

  it('gets an answer to each of two hundred requests at once, or a reset, and keeps its connection', async () => {
    const peer = await RawPeer.dial({ port: live.port, base: live.base })
    const asked = Array.from({ length: 200 }, () =>
      peer.ask(inventory([])).then(
        answer => answer?.toString('hex'),
        () => 'rst'
      )
    )
    const seen = await Promise.all(asked)
    expect(seen.filter(one => one === '09').length).toBeGreaterThanOrEqual(100)
    expect(seen.filter(one => one !== '09' && one !== 'rst')).toEqual([])
    await honest.ping()
    peer.close()
    await isOver()
  })

  it('is called each thing by one name', () => {
    const names = [...SESSION_CASES, ...SLOW_CASES, ...ARRIVALS].map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names.length).toBeGreaterThanOrEqual(75)
  })
})
