import '@p2poolv2/runtime/with-resolvers'
import { CommandRefused } from '@p2poolv2/api'
import { devnetParams } from '@p2poolv2/consensus'
import { type DialFailure, type PeerId, Peering, type PeeringEvent } from '@p2poolv2/gossip'
import { type Moment, seededRng, steadyMs, unixMs } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { DialResults } from './dial-results.ts'
import { peerCommands } from './peer-commands.ts'

const SELF = '12D3KooWGRUVh8t4dXqZ8QJX7bXSCyGmNzuUq1vgBbUe3nSh1wJ8'
const ANN = '12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5'
const AT = '/ip4/11.0.0.1/tcp/6884'

/** The commands on a peering machine whose dials are answered at once, or never. */
function bench(answers: Readonly<Record<string, PeerId | { readonly fails: DialFailure }>> = {}) {
  const now: Moment = { steadyMs: steadyMs(1_000), wallMs: unixMs(1_700_000_000_000) }
  const limits = { maxInbound: 10, maxOutbound: 10, outbound: 2 }
  const peering = new Peering(
    { self: SELF, ...limits, acceptsPrivate: false, reachesOnion: false },
    { rng: seededRng('commands') }
  )
  const dials = new DialResults()
  const hear = (event: PeeringEvent): void => {
    post(event)
    dials.hear(event)
  }
  const post = (event: PeeringEvent): void => {
    for (const effect of peering.handle(event, now)) {
      if (effect.type !== 'dial') continue
      const { address } = effect
      const answer = answers[address]
      if (answer === undefined) continue
      queueMicrotask(() =>
        hear(
          typeof answer === 'string'
            ? { type: 'connected', peer: answer, address, direction: 'outbound' }
            : { type: 'dialFailed', address, reason: answer.fails }
        )
      )
    }
  }
  const params = devnetParams({ genesisTimeSec: 1_700_000_000 })
  const commands = peerCommands({ params, self: SELF, status: () => peering.status(), dials, post })
  return { commands, peering, hear }
}

const wanted = (peering: Peering): string[] =>
  peering
    .status()
    .addresses.filter(({ isWanted }) => isWanted)
    .map(({ address }) => address)

describe('adding a peer says what came of it:', () => {
  it('connected', async () => {
    const { commands } = bench({ [AT]: ANN })
    expect(await commands.add('11.0.0.1:6884')).toBe(`connected: ${ANN} at ${AT}; dialled again whenever it is gone`)
    expect(await commands.add(AT)).toBe(`connected already: ${ANN}; dialled again whenever it is gone`)
  })

  it.each([
    ['refused', 'refused: nobody listens there, or who does takes no more peers; keeps trying'],
    ['network', 'refused: who is there is not of this share chain; keeps trying'],
    ['timeout', 'no answer yet: keeps trying; ./p2poolv2 peers shows when it is connected'],
    ['unreachable', 'no answer yet: keeps trying; ./p2poolv2 peers shows when it is connected']
  ] as const)('%s', async (fails, said) => {
    const { commands, peering } = bench({ [AT]: { fails } })
    expect(await commands.add('11.0.0.1:6884')).toBe(said)
    expect(wanted(peering)).toEqual([AT])
  })

  it('this node itself, which is not wanted', async () => {
    const { commands, peering } = bench({ [AT]: { fails: 'self' } })
    await expect(commands.add(AT)).rejects.toThrow('that is this node itself')
    expect(wanted(peering)).toEqual([])
    await expect(commands.add(`${AT}/p2p/${SELF}`)).rejects.toThrow('this node itself')
  })

  it.each([
    ['ip:11.0.0.1', AT],
    [`peer:${ANN}`, `${AT}/p2p/${ANN}`]
  ])('banned as %s', async (key, text) => {
    const { commands, peering } = bench({ [AT]: ANN })
    commands.ban(key, 60)
    await expect(commands.add(text)).rejects.toThrow(`unban ${key}`)
    expect(wanted(peering)).toEqual([])
    commands.unban(key)
    expect(await commands.add(text)).toMatch(/^connected: /)
  })

  it('how to write it', async () => {
    const { commands } = bench()
    const refused = commands.add('node.example:6884')
    await expect(refused).rejects.toBeInstanceOf(CommandRefused)
    await expect(refused).rejects.toThrow('192.0.2.1:6884')
  })
})

describe('removing a peer', () => {
  it('ends what was asked for, by address or by who is there, and keeps the connection', async () => {
    for (const who of ['11.0.0.1:6884', ANN]) {
      const { commands, peering } = bench({ [AT]: ANN })
      await commands.add(AT)
      expect(commands.remove(who)).toBe(`no longer wanted: ${AT}; a connection that stands stays`)
      expect([wanted(peering), peering.status().connections.length]).toEqual([[], 1])
    }
  })

  it('says when the configuration will ask again, and who was asked for when it was somebody else', () => {
    const { commands } = bench()
    commands.wanted(AT)
    expect(() => commands.remove('12.0.0.1:1')).toThrow(`asked for: ${AT}`)
    expect(commands.remove(AT)).toContain('p2p.dial_peers asks again')
    expect(() => commands.remove(AT)).toThrow('asked for: nobody')
  })
})
