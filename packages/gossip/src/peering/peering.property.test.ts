import { seededRng } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Answer, DialledNet, groupText, peerOf, SELF } from '../testing/dialled-net.ts'
import type { PeeringEvent } from './contract.ts'

/** Few hosts, ports and peers, so that they meet: public, private, both families, two forms of one address, this node's own. */
const HOSTS = ['11.0.0.1', '11.0.0.2', '11.0.9.9', '12.0.0.1', '13.5.0.1', '192.168.1.5', '127.0.0.1']
const addresses = fc.oneof(
  fc.tuple(fc.constantFrom(...HOSTS), fc.constantFrom(1, 2, 6884)).map(([host, port]) => `/ip4/${host}/tcp/${port}`),
  fc.constantFrom('/ip6/2a00:1::1/tcp/1', '/ip6/2A00:1:0::1/tcp/1', '/ip6/::ffff:11.0.0.1/tcp/1', '/ip6/2a01::1/tcp/2'),
  fc.constantFrom('', '/dns4/x/tcp/1', '/ip4/0.0.0.0/tcp/1', '/ip4/11.0.0.1/tcp/1/ws')
)
const peers = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'self').map(peerOf)
const failures = fc.constantFrom(
  'refused',
  'timeout',
  'unreachable',
  'network',
  'wrong-peer',
  'self',
  'not-admitted',
  'failed'
)
const answers: fc.Arbitrary<Answer> = fc.oneof(
  peers,
  failures.map(fails => ({ fails }) as const)
)
const banMs = fc.constantFrom(0, 1, 10_000, 600_000, 1e15, -5)

type Step =
  | { readonly do: 'tell'; readonly event: PeeringEvent }
  | { readonly do: 'inbound'; readonly peer: string; readonly address: string }
  | { readonly do: 'answer'; readonly address: string; readonly answer: Answer }
  | { readonly do: 'run' | 'jump'; readonly ms: number }
  | { readonly do: 'restart' }

const told: fc.Arbitrary<PeeringEvent> = fc.oneof(
  fc.record({
    type: fc.constant('learned' as const),
    source: fc.constantFrom('config', 'invite', 'command', 'mdns', 'kademlia', 'identify'),
    peer: fc.option(peers),
    addresses: fc.array(addresses, { maxLength: 12 })
  }),
  fc.record({
    type: fc.constant('identified' as const),
    peer: peers,
    agent: fc.string(),
    dialect: fc.constantFrom('ours', 'reference'),
    addresses: fc.array(addresses, { maxLength: 12 }),
    observed: fc.option(addresses)
  }),
  fc.record({ type: fc.constant('closed' as const), peer: peers }),
  fc.record({ type: fc.constant('dropped' as const), peer: peers, reason: fc.constant('share-work'), banMs }),
  fc.record({
    type: fc.constant('ban' as const),
    key: fc.constantFrom('ip:11.0.0.1', 'ip:2a00:1::/64', `peer:${peerOf('a')}`),
    reason: fc.string(),
    banMs
  }),
  fc.record({ type: fc.constant('unban' as const), key: fc.constantFrom('ip:11.0.0.1', 'ip:2a00:1::/64') }),
  fc.record({ type: fc.constant('unwanted' as const), address: addresses }),
  fc.record({ type: fc.constant('useful' as const), peer: peers }),
  fc.record({ type: fc.constant('listening' as const), addresses: fc.array(addresses, { maxLength: 3 }) }),
  // What nobody asked for: a network may be late, or tell what was never dialled.
  fc.record({
    type: fc.constant('connected' as const),
    peer: peers,
    address: addresses,
    direction: fc.constant('outbound' as const)
  }),
  fc.record({ type: fc.constant('dialFailed' as const), address: addresses, reason: failures }),
  fc.constant({ type: 'deadline' as const })
)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: told.map(event => ({ do: 'tell' as const, event })) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('inbound' as const), peer: peers, address: addresses }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('answer' as const), address: addresses, answer: answers }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('run' as const), ms: fc.constantFrom(0, 49, 1_000, 61_000, 700_000) })
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('jump' as const), ms: fc.constantFrom(-1e12, -60_000, 60_000, 1e12) })
  },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) }
)

function take(net: DialledNet, one: Step): void {
  switch (one.do) {
    case 'tell':
      net.tell(one.event)
      return
    case 'inbound':
      net.dialledBy(one.peer, one.address)
      return
    case 'answer':
      net.answers.set(one.address, one.answer)
      return
    case 'run':
      net.run(one.ms)
      return
    case 'jump':
      net.jump(one.ms)
      return
    case 'restart':
      net.restart()
      return
    default:
      one satisfies never
  }
}

it('whatever happens, limits hold, nobody banned or connected is dialled, and a deadline is never in the past', () => {
  // What must hold is checked by the net after every event.
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: 'max' }), fc.boolean(), (steps, acceptsPrivate) => {
      const net = new DialledNet({ maxInbound: 3, maxOutbound: 4, outbound: 3, acceptsPrivate })
      for (const one of steps) take(net, one)
      net.run(3_600_000)
      for (const record of net.records.values()) if (record.type === 'address') expect(record.peer).not.toBe(SELF)
    }),
    { numRuns: 200 }
  )
})

it('the same events and the same chance give the same effects', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), steps => {
      const [one, two] = [new DialledNet(), new DialledNet()]
      for (const net of [one, two]) for (const each of steps) take(net, each)
      expect(one.dials).toEqual(two.dials)
      expect([...one.records]).toEqual([...two.records])
    }),
    { numRuns: 50 }
  )
})

it('a flood of addresses of few groups, all of which answer, leaves places to the honest ones', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.integer({ min: 2, max: 12 }),
      fc.integer({ min: 1, max: 30 }),
      (seed, honestCount, hostileGroups) => {
        const rng = seededRng(seed)
        const net = new DialledNet()
        const honest = Array.from({ length: honestCount }, (_, i) => `/ip4/${100 + i}.7.0.1/tcp/6884`)
        const hostile = Array.from(
          { length: 2_000 },
          () =>
            `/ip4/50.${rng.u32() % hostileGroups}.${rng.u32() % 256}.${rng.u32() % 256}/tcp/${1 + (rng.u32() % 65_535)}`
        )
        for (const address of [...honest, ...hostile]) net.answers.set(address, peerOf(address))
        // The honest ones are told one at a time, somewhere in the flood.
        const places = new Map(honest.map(address => [rng.u32() % 60, address]))
        for (let i = 0; i < 60; i++) {
          net.tell({ type: 'learned', source: 'kademlia', peer: null, addresses: hostile.slice(i * 33, i * 33 + 33) })
          const address = places.get(i)
          if (address !== undefined) net.tell({ type: 'learned', source: 'kademlia', peer: null, addresses: [address] })
          net.run(1_000)
        }
        net.run(600_000)
        const groups = net.outbound().map(groupText)
        const reached = net.outbound().filter(address => honest.includes(address))
        expect(new Set(groups).size, 'as many groups as there are').toBe(Math.min(8, hostileGroups + places.size))
        expect(reached.length).toBeGreaterThanOrEqual(Math.min(places.size, 8 - hostileGroups, 8))
      }
    ),
    { numRuns: 8 }
  )
})

it('a flood of addresses where nobody is does not keep a node from those that it knew', () => {
  const net = new DialledNet()
  const honest = Array.from({ length: 12 }, (_, i) => `/ip4/${100 + i}.7.0.1/tcp/6884`)
  for (const address of honest) net.answers.set(address, peerOf(address))
  net.tell({ type: 'learned', source: 'kademlia', peer: null, addresses: honest })
  net.run(120_000)
  const rng = seededRng('nobody')
  const nobody = () => `/ip4/${20 + (rng.u32() % 70)}.${rng.u32() % 256}.0.1/tcp/6884`
  for (const peer of [...net.connected.keys()]) net.tell({ type: 'closed', peer })
  for (let i = 0; i < 100; i++) {
    const addresses = Array.from({ length: 60 }, nobody)
    for (const address of addresses) net.answers.set(address, { fails: 'timeout' })
    net.tell({ type: 'learned', source: 'kademlia', peer: null, addresses })
  }
  net.run(120_000)
  expect(net.outbound()).toHaveLength(8)
  expect(net.outbound().every(address => honest.includes(address))).toBe(true)
})
