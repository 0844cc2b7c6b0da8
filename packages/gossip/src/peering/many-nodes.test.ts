import { type Moment, type SeededRng, seededRng, steadyMs, unixMs } from '@p2poolv2/primitives'
import { expect, it } from 'vitest'
import type { PeerId } from '../network-port.ts'
import { groupText, PEERING_OPTIONS, peerOf } from '../testing/dialled-net.ts'
import type { Direction, PeerAddress, PeeringEvent } from './contract.ts'
import { Peering } from './peering.ts'

const MINUTE = 60_000
const OPTIONS = { ...PEERING_OPTIONS, maxInbound: 6, maxOutbound: 10, outbound: 4 }

interface House {
  readonly index: number
  address: PeerAddress
  peering: Peering
  isUp: boolean
  /** Who is connected, by number, and who dialled. */
  readonly peers: Map<number, Direction>
}

/** Many nodes that dial each other under virtual time, and tell each other every minute whom they are connected with. */
class Town {
  readonly houses: House[]
  /** Dials of addresses where nobody lives. */
  inVain = 0
  readonly #rng: SeededRng
  readonly #queue: { readonly atMs: number; readonly run: () => void }[] = []
  #nowMs = 1_000

  constructor(count: number, seed: string) {
    this.#rng = seededRng(seed)
    this.houses = Array.from({ length: count }, (_, index) => {
      const rng = this.#rng.fork(`house ${index}`)
      const address = `/ip4/${20 + (index % 25)}.${Math.floor(index / 25)}.0.1/tcp/6884`
      const peering = new Peering({ ...OPTIONS, self: peerOf(`${index}`) }, { rng })
      return { index, address, peering, isUp: true, peers: new Map() }
    })
  }

  get now(): Moment {
    return { steadyMs: steadyMs(this.#nowMs), wallMs: unixMs(1_700_000_000_000 + this.#nowMs) }
  }

  tell(house: House, event: PeeringEvent): void {
    if (!house.isUp) return
    for (const effect of house.peering.handle(event, this.now)) {
      if (effect.type === 'dial') this.#later(20 + (this.#rng.u32() % 100), () => this.#dial(house, effect))
      if (effect.type === 'close')
        this.#part(
          house,
          this.houses.findIndex(({ index }) => peerOf(`${index}`) === effect.peer)
        )
    }
    house.peering.checkInvariants()
  }

  /** The node's router gets another address, and all connections end. */
  move(house: House, address: PeerAddress): void {
    for (const other of [...house.peers.keys()]) this.#part(house, other)
    house.address = address
  }

  fall(house: House): void {
    for (const other of [...house.peers.keys()]) this.#part(house, other)
    house.isUp = false
  }

  run(minutes: number): void {
    for (let minute = 0; minute < minutes; minute++) {
      for (const house of this.houses) this.#gossip(house)
      const untilMs = this.#nowMs + MINUTE
      for (;;) {
        const deadlines = this.houses.filter(({ isUp }) => isUp).map(({ peering }) => peering.nextDeadlineMs ?? untilMs)
        const next = Math.min(untilMs, this.#queue[0]?.atMs ?? untilMs, ...deadlines)
        this.#nowMs = Math.max(this.#nowMs, next)
        if (next >= untilMs) break
        if (this.#queue[0]?.atMs === next) this.#queue.shift()?.run()
        else
          for (const house of this.houses)
            if (house.peering.nextDeadlineMs === next) this.tell(house, { type: 'deadline' })
      }
    }
  }

  /** How many of the nodes that are up the first of them reaches over others. */
  reached(): number {
    const first = this.houses.find(({ isUp }) => isUp)
    const seen = new Set(first === undefined ? [] : [first.index])
    for (const index of seen) for (const peer of this.houses[index]?.peers.keys() ?? []) seen.add(peer)
    return seen.size
  }

  #gossip(house: House): void {
    const [peer] = [...house.peers.keys()].slice(this.#rng.u32() % Math.max(1, house.peers.size))
    const teller = this.houses[peer ?? -1]
    if (teller === undefined) return
    for (const index of teller.peers.keys()) {
      const address = this.houses[index]?.address ?? ''
      this.tell(house, { type: 'learned', source: 'kademlia', peer: peerOf(`${index}`), addresses: [address] })
    }
  }

  #dial(house: House, { address, peer }: { readonly address: PeerAddress; readonly peer: PeerId | null }): void {
    const other = this.houses.find(one => one.address === address)
    const asked = { direction: 'inbound', address: house.address, peer: peerOf(`${house.index}`) } as const
    if (other === undefined) this.inVain++
    if (other === undefined || !other.isUp) this.tell(house, { type: 'dialFailed', address, reason: 'unreachable' })
    else if (peer !== null && peer !== peerOf(`${other.index}`))
      this.tell(house, { type: 'dialFailed', address, reason: 'wrong-peer' })
    else if (other === house) this.tell(house, { type: 'dialFailed', address, reason: 'self' })
    else if (house.peers.has(other.index)) this.tell(house, { type: 'dialFailed', address, reason: 'not-admitted' })
    else if (other.peering.admits(asked, this.now.steadyMs) !== null) {
      this.tell(house, { type: 'dialFailed', address, reason: 'refused' })
    } else if (house.isUp) this.#meet(house, other)
  }

  #meet(dialler: House, dialled: House): void {
    dialler.peers.set(dialled.index, 'outbound')
    dialled.peers.set(dialler.index, 'inbound')
    this.tell(dialler, {
      type: 'connected',
      peer: peerOf(`${dialled.index}`),
      address: dialled.address,
      direction: 'outbound'
    })
    const from = dialler.address.replace('6884', '50123')
    this.tell(dialled, { type: 'connected', peer: peerOf(`${dialler.index}`), address: from, direction: 'inbound' })
    for (const [one, two] of [
      [dialler, dialled],
      [dialled, dialler]
    ] as const) {
      if (!one.peers.has(two.index)) continue
      const said = { agent: 'x', dialect: 'ours', addresses: [two.address], observed: null } as const
      this.tell(one, { type: 'identified', peer: peerOf(`${two.index}`), ...said })
    }
  }

  #part(house: House, other: number): void {
    const peer = this.houses[other]
    if (peer === undefined || !house.peers.delete(other)) return
    peer.peers.delete(house.index)
    this.tell(house, { type: 'closed', peer: peerOf(`${other}`) })
    this.tell(peer, { type: 'closed', peer: peerOf(`${house.index}`) })
  }

  #later(ms: number, run: () => void): void {
    this.#queue.push({ atMs: this.#nowMs + ms, run })
    this.#queue.sort((a, b) => a.atMs - b.atMs)
  }
}

it('nodes in a line, each told of the one before it, grow together and stay so when a third of them falls', () => {
  const town = new Town(45, 'line')
  for (const [i, house] of town.houses.entries()) {
    const before = town.houses[i - 1]
    if (before === undefined) continue
    town.tell(house, { type: 'learned', source: 'invite', peer: peerOf(`${i - 1}`), addresses: [before.address] })
  }
  town.run(20)
  expect(town.reached()).toBe(45)
  for (const { peers, index } of town.houses) {
    const outbound = [...peers].filter(([, direction]) => direction === 'outbound').map(([peer]) => peer)
    expect(peers.size, `${index}`).toBeGreaterThanOrEqual(3)
    const groups = new Set(outbound.map(peer => groupText(town.houses[peer]?.address ?? '')))
    expect(groups.size, `groups of ${index}`).toBeGreaterThanOrEqual(Math.min(2, outbound.length))
  }
  for (const house of town.houses) if (house.index % 3 === 1) town.fall(house)
  town.run(20)
  expect(town.reached()).toBe(30)
})

it('nodes whose addresses change all the time stay together, and where nobody lives any more is given up', () => {
  const town = new Town(24, 'moves')
  for (const [i, house] of town.houses.entries()) {
    const before = town.houses[i - 1]
    if (before === undefined) continue
    town.tell(house, { type: 'learned', source: 'kademlia', peer: peerOf(`${i - 1}`), addresses: [before.address] })
  }
  town.run(10)
  expect(town.reached()).toBe(24)
  // One a minute moves; every second one to where another has just moved away from.
  const left: PeerAddress[] = []
  for (let minute = 0; minute < 48; minute++) {
    const house = town.houses[(minute * 7) % 24]
    if (house === undefined) continue
    const address = (minute % 2 === 1 ? left.pop() : undefined) ?? `/ip4/${60 + minute}.1.0.1/tcp/6884`
    left.push(house.address)
    town.move(house, address)
    town.run(1)
    expect(town.reached(), `minute ${minute}`).toBeGreaterThanOrEqual(23)
  }
  town.run(10)
  expect(town.reached()).toBe(24)
  for (const { peering } of town.houses) expect(peering.status().bans).toEqual([])
  town.inVain = 0
  town.run(60)
  expect(town.inVain).toBeLessThan(24 * 12)
})
