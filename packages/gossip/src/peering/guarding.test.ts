import { seededRng } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { DialledNet, peerOf } from '../testing/dialled-net.ts'
import { MAX_FRESH, MAX_FRESH_PER_GROUP, MAX_FRESH_PER_KADEMLIA_TELLER, MAX_FRESH_PER_TELLER } from './address-book.ts'
import { banKeyOf, MAX_BAN_MS, MAX_BANS } from './bans.ts'
import { loadPeering } from './records.ts'

const MINUTE = 60_000
const HOUR = 3_600_000
const at = (host: string) => `/ip4/${host}/tcp/6884`

describe('a ban', () => {
  it('of a peer that broke rules keeps it and its host out, for as long as it was meant', () => {
    const net = new DialledNet()
    net.dialledBy(peerOf('bad'), at('11.0.0.1'))
    net.tell({ type: 'dropped', peer: peerOf('bad'), reason: 'share-work', banMs: 10 * MINUTE })
    net.run(1)
    expect(net.closes).toEqual([{ peer: peerOf('bad'), reason: 'share-work' }])
    expect(net.dialledBy(peerOf('bad'), at('12.0.0.1'))).toBe(false)
    expect(net.dialledBy(peerOf('other'), at('11.0.0.1'))).toBe(false)
    expect(net.dialledBy(peerOf('other'), '/ip6/::ffff:11.0.0.1/tcp/1')).toBe(false)
    expect(net.dialledBy(peerOf('third'), at('11.0.0.2'))).toBe(true)
    net.run(10 * MINUTE)
    expect(net.dialledBy(peerOf('bad'), at('11.0.0.1'))).toBe(true)
    expect(net.records.size).toBe(0)
  })

  it('of a peer that broke rules leaves those alone that were at its host before', () => {
    const net = new DialledNet()
    for (const name of ['good', 'bad']) net.dialledBy(peerOf(name), at('11.0.0.1'))
    net.answers.set(at('11.0.0.1'), peerOf('dialled'))
    net.tell({ type: 'dropped', peer: peerOf('bad'), reason: 'share-work', banMs: 10 * MINUTE })
    net.run(MINUTE)
    expect(net.inbound()).toEqual([peerOf('good')])
    expect(net.dialledBy(peerOf('late'), at('11.0.0.1'))).toBe(false)
    net.tell({ type: 'ban', key: 'ip:12.0.0.1', reason: 'by hand', banMs: HOUR })
    net.run(MINUTE)
    expect(net.inbound()).toEqual([peerOf('good')])
    net.tell({ type: 'ban', key: 'ip:11.0.0.1', reason: 'by hand', banMs: HOUR })
    net.run(MINUTE)
    expect(net.inbound()).toEqual([])
  })

  it('for a breach does not cut off whom the operator wants, whoever dials, and is for all others there', () => {
    const net = new DialledNet()
    const friend = peerOf('friend')
    net.tell({ type: 'learned', source: 'config', peer: friend, addresses: [at('50.0.0.1')] })
    for (const [name, host] of [
      ['bad', '11.0.0.1'],
      ['worse', '12.0.0.1']
    ] as const) {
      net.dialledBy(peerOf(name), at(host))
      net.tell({ type: 'dropped', peer: peerOf(name), reason: 'share-work', banMs: 10 * MINUTE })
    }
    net.run(1)
    expect(net.dialledBy(peerOf('other'), at('11.0.0.1'))).toBe(false)
    net.restart()
    net.tell({ type: 'learned', source: 'config', peer: friend, addresses: [at('50.0.0.1')] })
    expect(net.dialledBy(friend, at('11.0.0.1'))).toBe(true)
    // Nobody is missing any more, so nobody from there has to say who it is.
    const stranger = { direction: 'inbound', address: at('11.0.0.1'), peer: null } as const
    expect(net.peering.admits(stranger, net.now.steadyMs)).toBe('banned')
    net.answers.set(at('12.0.0.1'), peerOf('second'))
    net.tell({ type: 'learned', source: 'command', peer: null, addresses: [at('12.0.0.1')] })
    net.run(MINUTE)
    expect(net.outbound()).toEqual([at('12.0.0.1')])
    expect(net.dialledBy(peerOf('worse'), at('12.0.0.1'))).toBe(false)
  })

  it('of the operator is for those too whom the operator wants, also at a host that was banned for a breach', () => {
    const net = new DialledNet()
    const friend = peerOf('friend')
    net.tell({ type: 'learned', source: 'config', peer: friend, addresses: [at('50.0.0.1')] })
    net.dialledBy(peerOf('bad'), at('11.0.0.1'))
    net.tell({ type: 'dropped', peer: peerOf('bad'), reason: 'share-work', banMs: 10 * MINUTE })
    net.tell({ type: 'ban', key: 'ip:11.0.0.1', reason: 'by hand', banMs: MINUTE })
    net.run(1)
    expect(net.dialledBy(friend, at('11.0.0.1'))).toBe(false)
    net.run(MINUTE)
    expect(net.dialledBy(friend, at('11.0.0.1'))).toBe(false)
    net.run(9 * MINUTE)
    expect(net.dialledBy(friend, at('11.0.0.1'))).toBe(true)
  })

  it('comes to a host whose peers break rules under many names, and not to one where it is forgotten in between', () => {
    const breach = (net: DialledNet, host: string, name: string): boolean => {
      if (!net.dialledBy(peerOf(name), at(host))) return false
      net.tell({ type: 'penalised', peer: peerOf(name), points: 50 })
      net.tell({ type: 'closed', peer: peerOf(name) })
      return true
    }
    const net = new DialledNet()
    expect([1, 2, 3].map(n => breach(net, '11.0.0.1', `${n}`))).toEqual([true, true, false])
    expect([1, 2, 3].map(n => breach(net, '192.168.1.5', `near ${n}`))).toEqual([true, true, true])
    net.run(10 * MINUTE)
    const seen = [4, 5, 6].map(n => {
      net.run(6 * MINUTE)
      return breach(net, '11.0.0.1', `${n}`)
    })
    expect(seen).toEqual([true, true, true])
  })

  it.each(['192.168.1.5', '10.0.0.5', '127.0.0.1'])('of a peer at %s leaves its household alone', host => {
    const net = new DialledNet()
    net.dialledBy(peerOf('bad'), at(host))
    net.tell({ type: 'dropped', peer: peerOf('bad'), reason: 'share-work', banMs: HOUR })
    net.run(1)
    expect(net.dialledBy(peerOf('bad'), at(host))).toBe(false)
    expect(net.dialledBy(peerOf('good'), at(host))).toBe(true)
  })

  it('of a peer that the operator wants leaves its host alone', () => {
    const net = new DialledNet()
    net.answers.set(at('11.0.0.1'), peerOf('friend'))
    net.tell({ type: 'learned', source: 'config', peer: null, addresses: [at('11.0.0.1')] })
    net.run(MINUTE)
    net.tell({ type: 'dropped', peer: peerOf('friend'), reason: 'share-work', banMs: 10 * MINUTE })
    net.run(9 * MINUTE)
    expect(net.dials).toHaveLength(1)
    net.answers.set(at('11.0.0.1'), peerOf('friend as new'))
    net.run(MINUTE + 100)
    expect(net.connected.has(peerOf('friend as new'))).toBe(true)
  })

  it('of IPv6 covers what one household has', () => {
    const net = new DialledNet()
    net.dialledBy(peerOf('bad'), '/ip6/2a00:1:2:3::1/tcp/1')
    net.tell({ type: 'dropped', peer: peerOf('bad'), reason: 'share-work', banMs: HOUR })
    net.run(1)
    expect(net.dialledBy(peerOf('other'), '/ip6/2a00:1:2:3:ffff::9/tcp/1')).toBe(false)
    expect(net.dialledBy(peerOf('other'), '/ip6/2a00:1:2:4::1/tcp/1')).toBe(true)
  })

  it('that the operator gives closes connections, stops dials, and ends when he says so', () => {
    const net = new DialledNet({ acceptsPrivate: true })
    for (const host of ['192.168.1.5', '192.168.1.6']) net.answers.set(at(host), peerOf(host))
    net.tell({ type: 'learned', source: 'kademlia', peer: null, addresses: [at('192.168.1.5'), at('192.168.1.6')] })
    net.run(1_000)
    const key = banKeyOf('192.168.1.5') ?? ''
    net.tell({ type: 'ban', key, reason: 'by hand', banMs: HOUR })
    net.run(30 * MINUTE)
    expect([net.outbound(), net.dials.length]).toEqual([[at('192.168.1.6')], 2])
    expect(net.peering.status().bans).toMatchObject([{ key: 'ip:192.168.1.5', reason: 'by hand' }])
    net.tell({ type: 'unban', key })
    net.run(1_000)
    expect(net.outbound()).toHaveLength(2)
  })

  it.each([
    [peerOf('x'), `peer:${peerOf('x')}`],
    [`peer:${peerOf('x')}`, `peer:${peerOf('x')}`],
    ['192.0.2.7', 'ip:192.0.2.7'],
    ['ip:192.0.2.7', 'ip:192.0.2.7'],
    ['::ffff:192.0.2.7', 'ip:192.0.2.7'],
    [`/ip4/192.0.2.7/tcp/6884/p2p/${peerOf('x')}`, 'ip:192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', 'ip:2001:db8:1:2::/64'],
    ['ip:2001:db8:1:2::/64', 'ip:2001:db8:1:2::/64'],
    ['node.example', null],
    ['192.0.2.7/24', null]
  ])('is named as people write it: %s', (text, key) => {
    expect(banKeyOf(text)).toBe(key)
  })

  it.each([0, 400 * 24 * HOUR, -400 * 24 * HOUR])(
    'lasts over a restart with the wall clock %d ms off, and never longer than meant',
    offMs => {
      const net = new DialledNet()
      net.tell({ type: 'ban', key: 'ip:11.0.0.1', reason: 'by hand', banMs: HOUR })
      net.run(20 * MINUTE)
      net.jump(offMs)
      net.restart()
      const isThere = (): boolean => !net.dialledBy(peerOf(`at ${net.now.steadyMs}`), at('11.0.0.1'))
      expect(isThere()).toBe(offMs <= 0)
      net.jump(-offMs)
      net.run(39 * MINUTE)
      if (offMs <= 0) expect(isThere()).toBe(true)
      net.run(22 * MINUTE)
      expect([isThere(), net.records.size]).toEqual([false, 0])
    }
  )

  it('too many end the first to end, and none lasts longer than a year', () => {
    const net = new DialledNet()
    net.tell({ type: 'ban', key: 'ip:11.0.0.1', reason: 'by hand', banMs: Number.MAX_SAFE_INTEGER })
    for (let i = 0; i < MAX_BANS + 100; i++) {
      net.tell({ type: 'ban', key: `peer:${peerOf(`${i}`)}`, reason: 'share-work', banMs: 10 * MINUTE + i })
    }
    expect(net.records.size).toBe(MAX_BANS)
    expect(net.dialledBy(peerOf('any'), at('11.0.0.1'))).toBe(false)
    expect(net.dialledBy(peerOf('0'), at('12.0.0.1'))).toBe(true)
    net.run(MAX_BAN_MS)
    expect(net.records.size).toBe(0)
  })
})

describe('a full house', () => {
  const fill = (net: DialledNet) => {
    for (let i = 0; i < 50; i++) {
      expect(net.dialledBy(peerOf(`${i}`), at(`${20 + (i % 25)}.1.0.${i + 1}`))).toBe(true)
      net.run(1_000)
    }
  }

  it('never closes a peer that the operator wants, nor the longest connected, nor the last to be useful', () => {
    const net = new DialledNet()
    const friends = ['friend', 'other friend']
    for (const [i, name] of friends.entries()) {
      net.tell({ type: 'learned', source: 'config', peer: peerOf(name), addresses: [at(`60.0.0.${i}`)] })
    }
    for (let i = 0; i < 40; i++) net.dialledBy(peerOf(`${i}`), at(`20.1.0.${i + 1}`))
    for (const name of friends) net.dialledBy(peerOf(name), at('20.1.0.200'))
    for (let i = 40; i < 48; i++) net.dialledBy(peerOf(`${i}`), at(`20.1.0.${i + 1}`))
    const useful = [33, 34, 35].map(i => peerOf(`${i}`))
    for (const peer of useful) net.tell({ type: 'useful', peer })
    for (let i = 0; i < 500; i++) {
      net.dialledBy(peerOf(`new ${i}`), at(`${30 + (i % 100)}.${Math.floor(i / 100)}.0.1`))
      net.run(500)
    }
    for (const name of friends) expect(net.connected.has(peerOf(name)), name).toBe(true)
    for (const peer of useful) expect(net.connected.has(peer)).toBe(true)
    for (let i = 0; i < 8; i++) expect(net.connected.has(peerOf(`${i}`)), `${i}`).toBe(true)
    expect(net.inbound()).toHaveLength(50)
  })

  it('lets somebody in from elsewhere in place of the youngest of the largest group', () => {
    const net = new DialledNet()
    fill(net)
    for (let i = 0; i < 10; i++) net.tell({ type: 'closed', peer: peerOf(`${i + 9}`) })
    for (let i = 0; i < 10; i++) expect(net.dialledBy(peerOf(`crowd ${i}`), at(`90.1.0.${i}`))).toBe(true)
    expect(net.dialledBy(peerOf('newcomer'), at('91.1.0.1'))).toBe(true)
    net.run(1)
    expect(net.closes).toEqual([{ peer: peerOf('crowd 9'), reason: 'full' }])
  })

  it('turns away who comes from the largest group already, however often', () => {
    const net = new DialledNet()
    fill(net)
    const before = net.inbound()
    for (let i = 0; i < 500; i++) {
      net.dialledBy(peerOf(`attacker ${i}`), at(`90.1.${i >> 8}.${i & 255}`))
      net.run(100)
    }
    const left = net.inbound().filter(peer => before.includes(peer))
    expect(before.length - left.length).toBeLessThanOrEqual(2)
  })

  it('still lets in who the operator wants, and dials who it wants', () => {
    const net = new DialledNet({ outbound: 8, maxOutbound: 10 })
    fill(net)
    net.tell({ type: 'learned', source: 'invite', peer: peerOf('friend'), addresses: [at('60.0.0.1')] })
    expect(net.dialledBy(peerOf('friend'), at('20.1.0.99'))).toBe(true)
    const addresses = Array.from({ length: 30 }, (_, i) => at(`${100 + i}.0.0.1`))
    for (const address of addresses) net.answers.set(address, peerOf(address))
    net.tell({ type: 'learned', source: 'kademlia', peer: null, addresses })
    net.run(MINUTE)
    expect(net.outbound()).toHaveLength(8)
  })
})

describe('a peer of other rules', () => {
  it('gives its place to another as soon as one is known, and is dialled again an hour later', () => {
    const net = new DialledNet({ outbound: 2, maxOutbound: 10 })
    const strange = at('20.0.0.1')
    const addresses = [strange, at('21.0.0.1')]
    for (const address of addresses) net.answers.set(address, peerOf(address))
    net.tell({ type: 'learned', source: 'kademlia', peer: null, addresses })
    net.run(MINUTE)
    net.tell({ type: 'otherRules', peer: peerOf(strange) })
    net.run(MINUTE)
    expect(net.outbound().sort()).toEqual(addresses)
    net.answers.set(at('22.0.0.1'), peerOf('third'))
    net.tell({ type: 'learned', source: 'kademlia', peer: null, addresses: [at('22.0.0.1')] })
    net.run(MINUTE)
    expect(net.outbound().sort()).toEqual([at('21.0.0.1'), at('22.0.0.1')])
    expect(net.closes).toEqual([{ peer: peerOf(strange), reason: 'other rules' }])
    net.tell({ type: 'closed', peer: peerOf('third') })
    net.answers.delete(at('22.0.0.1'))
    net.run(50 * MINUTE)
    expect(net.outbound()).toEqual([at('21.0.0.1')])
    net.run(30 * MINUTE)
    expect(net.outbound().sort()).toEqual(addresses)
  })

  it('stays where the operator wants it', () => {
    const net = new DialledNet({ outbound: 1, maxOutbound: 10 })
    for (const address of [at('20.0.0.1'), at('21.0.0.1')]) net.answers.set(address, peerOf(address))
    net.tell({ type: 'learned', source: 'config', peer: null, addresses: [at('20.0.0.1')] })
    net.run(MINUTE)
    net.tell({ type: 'otherRules', peer: peerOf(at('20.0.0.1')) })
    net.tell({ type: 'learned', source: 'kademlia', peer: null, addresses: [at('21.0.0.1')] })
    net.run(MINUTE)
    expect(net.outbound()).toContain(at('20.0.0.1'))
  })

  it('is the first to give way in a full house', () => {
    const net = new DialledNet({ maxInbound: 20 })
    for (let i = 0; i < 20; i++) net.dialledBy(peerOf(`${i}`), at(`${20 + i}.1.0.1`))
    net.tell({ type: 'otherRules', peer: peerOf('3') })
    expect(net.dialledBy(peerOf('new'), at('90.0.0.1'))).toBe(true)
    net.run(1)
    expect(net.closes).toEqual([{ peer: peerOf('3'), reason: 'full' }])
  })
})

describe('what strangers tell', () => {
  it('over Kademlia cannot crowd out what others tell, however many parts of the internet it is in', () => {
    const net = new DialledNet()
    net.dialledBy(peerOf('liar'), at('11.0.0.1'))
    net.dialledBy(peerOf('honest'), at('12.0.0.1'))
    const dead = Array.from({ length: 2_000 }, (_, i) => at(`${20 + (i >> 8)}.${i & 255}.0.1`))
    for (let i = 0; i < dead.length; i += 20) {
      const addresses = dead.slice(i, i + 20)
      net.tell({ type: 'learned', source: 'kademlia', peer: null, addresses, teller: peerOf('liar') })
    }
    const addresses = Array.from({ length: 20 }, (_, i) => at(`${100 + i}.0.0.1`))
    for (const address of addresses) net.answers.set(address, peerOf(address))
    net.tell({ type: 'learned', source: 'kademlia', peer: null, addresses, teller: peerOf('honest') })
    const known = net.peering.status().addresses.map(({ address }) => address)
    expect(known).toEqual(expect.arrayContaining(addresses))
    expect(known.length).toBeLessThanOrEqual(MAX_FRESH_PER_KADEMLIA_TELLER + addresses.length)
    net.run(HOUR)
    expect(net.outbound()).toHaveLength(8)
    for (let i = 0; i < dead.length; i += 20) {
      const lies = dead.slice(i, i + 20).map(address => address.replace('6884', '6885'))
      net.tell({ type: 'learned', source: 'kademlia', peer: null, addresses: lies, teller: peerOf('liar') })
    }
    const good = net.peering.status().addresses.filter(({ lastGoodMs }) => lastGoodMs !== null)
    expect(good.length).toBeGreaterThanOrEqual(8)
  })

  const identified = (net: DialledNet, peer: string, addresses: readonly string[]) => {
    net.tell({ type: 'identified', peer, agent: 'x', dialect: 'ours', addresses, observed: null })
  }
  const known = (net: DialledNet) => net.peering.status().addresses.map(({ address }) => address)

  it('of private addresses is not taken, unless they are seen there themselves or it is a network to try things out', () => {
    const lan = at('192.168.1.9')
    const host = at('127.0.0.1')
    const cases = [
      [{}, at('11.0.0.1'), []],
      [{}, at('192.168.1.7'), [lan]],
      [{}, at('127.0.0.1'), [lan, host]],
      [{ acceptsPrivate: true }, at('11.0.0.1'), [lan, host]]
    ] as const
    for (const [options, seen, taken] of cases) {
      const net = new DialledNet(options)
      net.dialledBy(peerOf('teller'), seen)
      identified(net, peerOf('teller'), [
        lan,
        host,
        at('0.0.0.0'),
        at('198.51.100.1'),
        '/dns4/x/tcp/1',
        '/ip6/fe80::1/tcp/1'
      ])
      expect(known(net), seen).toEqual(taken)
    }
    const net = new DialledNet()
    net.tell({ type: 'learned', source: 'kademlia', peer: null, addresses: [lan, host] })
    expect(known(net)).toEqual([])
    net.tell({ type: 'learned', source: 'mdns', peer: null, addresses: [lan, host] })
    expect(known(net)).toEqual([lan])
  })

  it('of others does not keep this node from dialling them', () => {
    const net = new DialledNet()
    const victim = at('50.0.0.1')
    net.answers.set(victim, peerOf('victim'))
    net.dialledBy(peerOf('liar'), at('11.0.0.1'))
    identified(net, peerOf('liar'), [victim])
    net.tell({ type: 'learned', source: 'kademlia', peer: peerOf('liar'), addresses: [victim] })
    net.run(1_000)
    expect(net.outbound()).toEqual([victim])
  })

  it('of themselves keeps this node from dialling whom it is connected with', () => {
    const net = new DialledNet()
    net.dialledBy(peerOf('peer'), '/ip4/11.0.0.1/tcp/50123')
    net.peering.handle(
      {
        type: 'identified',
        peer: peerOf('peer'),
        agent: 'p2poolv2-ts/0.1.0',
        dialect: 'ours',
        addresses: [at('11.0.0.1')],
        observed: null
      },
      net.now
    )
    net.run(HOUR)
    expect(net.dials).toEqual([])
  })

  it('fills no more of the book than one teller’s part and one group’s', () => {
    const net = new DialledNet({ outbound: 1 })
    net.answers.set(at('11.0.0.1'), peerOf('first'))
    net.tell({ type: 'learned', source: 'kademlia', peer: null, addresses: [at('11.0.0.1')] })
    net.run(MINUTE)
    const rng = seededRng('flood')
    const flood = () =>
      Array.from(
        { length: 8 },
        () => `/ip4/${20 + (rng.u32() % 80)}.${rng.u32() % 256}.0.1/tcp/${1 + (rng.u32() % 60_000)}`
      )
    net.dialledBy(peerOf('liar'), at('12.0.0.1'))
    for (let i = 0; i < 200; i++) identified(net, peerOf('liar'), flood())
    expect(known(net)).toHaveLength(1 + MAX_FRESH_PER_TELLER)
    for (let i = 0; i < 20; i++) {
      net.dialledBy(peerOf(`liar ${i}`), at(`13.${i}.0.1`))
      for (let j = 0; j < 20; j++) identified(net, peerOf(`liar ${i}`), flood())
    }
    expect(known(net).length).toBeLessThanOrEqual(1 + MAX_FRESH)
    expect(known(net)[0]).toBe(at('11.0.0.1'))
    net.dialledBy(peerOf('honest'), at('14.0.0.1'))
    identified(net, peerOf('honest'), [at('14.0.0.1'), at('15.0.0.1')])
    expect(known(net)).toContain(at('15.0.0.1'))
    const crowd = Array.from({ length: 60 }, (_, i) => at(`16.0.${i}.1`))
    net.tell({ type: 'learned', source: 'kademlia', peer: null, addresses: crowd })
    expect(known(net).filter(address => address.startsWith('/ip4/16.0.')).length).toBe(MAX_FRESH_PER_GROUP)
  })
})

describe('records', () => {
  it('that are none are counted and cost nothing else', () => {
    const net = new DialledNet()
    const address = at('11.0.0.1')
    const good = { type: 'address', key: address, peer: null, source: 'kademlia', lastGoodMs: 1, goodForMs: 0 }
    const ban = { type: 'ban', key: 'ip:12.0.0.1', reason: 'x', untilMs: net.now.wallMs + 1_000, banMs: 1_000 }
    const bad = [
      ...[null, undefined, 7, 'x', [], {}, { type: 'other', key: 'x' }],
      ...[{ key: 'x' }, { key: '/ip4/11.0.0.01/tcp/1' }, { peer: 'x' }, { source: 'x' }, { lastGoodMs: -1 }].map(
        wrong => ({
          ...good,
          ...wrong
        })
      ),
      ...[{ lastGoodMs: null }, { lastGoodMs: Number.NaN }, { goodForMs: '0' }, {}].map(wrong => ({
        ...good,
        ...wrong
      })),
      ...[{ untilMs: 1.5 }, { banMs: 2 * MAX_BAN_MS }, { key: 'x:y' }, { reason: 1 }].map(wrong => ({
        ...ban,
        ...wrong
      }))
    ]
    const options = {
      self: peerOf('me'),
      maxInbound: 50,
      maxOutbound: 50,
      outbound: 8,
      acceptsPrivate: false,
      reachesOnion: false
    }
    const { peering, skipped } = loadPeering([good, ...bad, ban], options, { rng: seededRng(1), now: net.now })
    expect(skipped).toBe(bad.length)
    expect(peering.status().addresses.map(known => known.address)).toEqual([address])
    expect(peering.status().bans).toHaveLength(1)
  })
})
