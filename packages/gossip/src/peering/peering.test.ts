import { describe, expect, it } from 'vitest'
import { DialledNet, groupText, peerOf } from '../testing/dialled-net.ts'
import { MAX_FRESH_PER_HOST } from './address-book.ts'
import { DIAL_LIMIT_MS } from './peering.ts'

const FRIEND = '/ip4/11.0.0.1/tcp/6884'
const MINUTE = 60_000
const HOUR = 3_600_000

/** Addresses of as many parts of the internet. */
const spread = (count: number) => Array.from({ length: count }, (_, i) => `/ip4/${20 + i}.1.0.1/tcp/6884`)
const learn = (
  net: DialledNet,
  addresses: readonly string[],
  source: 'kademlia' | 'config' | 'command' = 'kademlia'
) => {
  for (let i = 0; i < addresses.length; i += 10) {
    net.tell({ type: 'learned', source, peer: null, addresses: addresses.slice(i, i + 10) })
  }
}
const answerAll = (net: DialledNet, addresses: readonly string[]) => {
  for (const address of addresses) net.answers.set(address, peerOf(address))
}
const waits = (net: DialledNet) => net.dials.slice(1).map(({ atMs }, i) => atMs - (net.dials[i]?.atMs ?? 0))

describe('a wanted peer', () => {
  it('is dialled at once, and again after longer and longer waits up to five minutes', () => {
    const net = new DialledNet()
    learn(net, [FRIEND], 'config')
    net.run(6 * HOUR)
    const all = waits(net)
    for (const [i, ms] of all.entries()) {
      const longest = Math.min(300_000, 10_000 * 2 ** i)
      expect(ms, `wait ${i}`).toBeGreaterThanOrEqual(longest / 2)
      expect(ms, `wait ${i}`).toBeLessThanOrEqual(longest + 50)
    }
    expect(all.length).toBeGreaterThan(6 * 12)
    expect(new Set(all).size, 'waits have jitter').toBeGreaterThan(all.length / 2)
  })

  it('that closes at once waits as if it had not answered, and one that stood a minute begins anew', () => {
    const net = new DialledNet()
    net.answers.set(FRIEND, peerOf('friend'))
    learn(net, [FRIEND], 'config')
    for (let i = 0; i < 8; i++) {
      while (!net.connected.has(peerOf('friend'))) net.run(1_000)
      net.run(MINUTE - 5_000)
      net.tell({ type: 'closed', peer: peerOf('friend') })
    }
    const closedAtMs = net.now.steadyMs
    while (!net.connected.has(peerOf('friend'))) net.run(1_000)
    expect(net.now.steadyMs - closedAtMs).toBeGreaterThan(140_000)
    net.run(MINUTE)
    net.tell({ type: 'closed', peer: peerOf('friend') })
    net.run(10_100)
    expect(net.connected.has(peerOf('friend'))).toBe(true)
  })

  it('waits by the steady clock, whatever the wall clock is set to', () => {
    const plain = new DialledNet()
    const jumping = new DialledNet()
    for (const net of [plain, jumping]) learn(net, [FRIEND], 'config')
    for (let i = 0; i < 60; i++) {
      plain.run(MINUTE)
      jumping.run(MINUTE)
      jumping.jump(i % 2 === 0 ? -400 * 24 * HOUR : 300 * 24 * HOUR)
    }
    expect(jumping.dials).toEqual(plain.dials)
  })

  it('is not dialled while it is connected by itself, and soon after it left', () => {
    const net = new DialledNet()
    net.answers.set(FRIEND, peerOf('friend'))
    net.dialledBy(peerOf('friend'), '/ip4/11.0.0.1/tcp/50123')
    net.tell({ type: 'learned', source: 'invite', peer: peerOf('friend'), addresses: [FRIEND] })
    net.run(HOUR)
    expect(net.dials).toEqual([])
    net.tell({ type: 'closed', peer: peerOf('friend') })
    net.run(10_100)
    expect(net.outbound()).toEqual([FRIEND])
  })

  it('with several addresses is dialled at one after another, and reached at the one that answers', () => {
    const net = new DialledNet()
    const addresses = ['/ip4/192.168.1.7/tcp/6884', FRIEND, '/ip6/2a00:1::1/tcp/6884']
    net.answers.set('/ip4/192.168.1.7/tcp/6884', { fails: 'timeout' })
    net.answers.set('/ip6/2a00:1::1/tcp/6884', peerOf('friend'))
    net.answers.set(FRIEND, peerOf('friend'))
    net.tell({ type: 'learned', source: 'invite', peer: peerOf('friend'), addresses })
    expect(net.dials.map(({ address }) => address)).toEqual(addresses.slice(0, 1))
    net.run(3_100)
    expect(net.outbound()).toEqual([FRIEND])
    net.run(HOUR)
    expect(net.dials.map(({ address }) => address)).toEqual(addresses.slice(0, 2))
  })

  it('that moved is dialled where it is said to be, once an address', () => {
    const net = new DialledNet()
    const moved = '/ip4/12.0.0.1/tcp/6884'
    net.answers.set(moved, peerOf('friend'))
    for (const address of spread(8)) net.answers.set(address, peerOf(address))
    learn(net, spread(8))
    net.tell({ type: 'learned', source: 'invite', peer: peerOf('friend'), addresses: [FRIEND] })
    net.run(MINUTE)
    expect(net.outbound()).toHaveLength(8)
    net.tell({ type: 'learned', source: 'kademlia', peer: peerOf('friend'), addresses: ['/ip4/13.0.0.1/tcp/1', moved] })
    net.run(MINUTE)
    expect(net.outbound()).toContain(moved)
    expect(net.dials.filter(({ address }) => address === '/ip4/13.0.0.1/tcp/1').length).toBeLessThanOrEqual(1)
  })

  it('who is somebody else is not taken for it', () => {
    const net = new DialledNet()
    net.answers.set(FRIEND, peerOf('stranger'))
    net.tell({ type: 'learned', source: 'command', peer: peerOf('friend'), addresses: [FRIEND] })
    net.run(MINUTE)
    expect(net.connected.size).toBe(0)
    expect(net.peering.status().addresses[0]).toMatchObject({
      address: FRIEND,
      isWanted: true,
      lastResult: 'wrong-peer'
    })
  })

  it('is there after a restart if an invite or a command named it, and until nobody wants it', () => {
    const net = new DialledNet()
    learn(net, ['/ip4/14.0.0.1/tcp/1'], 'config')
    learn(net, [FRIEND], 'command')
    net.run(MINUTE)
    net.restart()
    expect(net.dials.at(-1)).toMatchObject({ address: FRIEND, atMs: 500 })
    net.tell({ type: 'unwanted', address: FRIEND })
    net.restart()
    expect(net.peering.status().addresses).toEqual([])
    expect(net.records.size).toBe(0)
  })

  it('an unanswered dial has failed after a minute', () => {
    const net = new DialledNet()
    net.peering.handle({ type: 'learned', source: 'config', peer: null, addresses: [FRIEND] }, net.now)
    expect(net.peering.nextDeadlineMs).toBe(net.now.steadyMs + DIAL_LIMIT_MS)
    net.run(DIAL_LIMIT_MS - 1)
    expect(net.peering.status().dialling).toEqual([FRIEND])
    net.run(1)
    expect(net.peering.status()).toMatchObject({ dialling: [], addresses: [{ lastResult: 'timeout', failures: 1 }] })
  })
})

describe('peers of our choice', () => {
  it('are as many as wanted, each in a part of the internet of its own', () => {
    const net = new DialledNet()
    const addresses = spread(30).flatMap(address => [address, address.replace('.0.1/', '.0.2/')])
    answerAll(net, addresses)
    net.tell({ type: 'learned', source: 'kademlia', peer: null, addresses })
    net.run(HOUR)
    expect(net.outbound()).toHaveLength(8)
    expect(new Set(net.outbound().map(groupText)).size).toBe(8)
    expect(net.dials).toHaveLength(8)
  })

  it('share a part of the internet only if there is no other', () => {
    const net = new DialledNet()
    const home = ['/ip4/30.1.0.1/tcp/1', '/ip4/30.1.0.2/tcp/1', '/ip4/30.1.0.3/tcp/1']
    answerAll(net, home)
    learn(net, home)
    net.run(MINUTE)
    expect(net.outbound().sort()).toEqual(home)
  })

  it('give way to one elsewhere when all are neighbours', () => {
    const net = new DialledNet({ outbound: 4 })
    const home = Array.from({ length: 10 }, (_, i) => `/ip4/30.1.0.${i + 1}/tcp/1`)
    answerAll(net, [...home, ...spread(3)])
    learn(net, home)
    net.run(MINUTE)
    expect(net.outbound()).toHaveLength(4)
    learn(net, spread(3))
    net.run(MINUTE)
    expect(new Set(net.outbound().map(groupText)).size).toBe(4)
    expect(net.outbound()).toHaveLength(4)
    net.run(HOUR)
    expect(net.dials).toHaveLength(7)
  })

  it('are looked for beside wanted ones of one network until a second network is there', () => {
    const net = new DialledNet({ outbound: 2 })
    const home = ['/ip4/30.1.0.1/tcp/1', '/ip4/30.1.0.2/tcp/1', '/ip4/30.1.0.3/tcp/1']
    answerAll(net, [...home, ...spread(5)])
    learn(net, home, 'config')
    net.run(MINUTE)
    learn(net, spread(5))
    net.run(HOUR)
    expect(net.outbound().slice(0, 3).sort()).toEqual(home)
    expect(net.outbound()).toHaveLength(4)
  })

  it('are replaced when they go', () => {
    const net = new DialledNet()
    answerAll(net, spread(20))
    learn(net, spread(20))
    net.run(MINUTE)
    for (const peer of [...net.connected.keys()].slice(0, 5)) net.tell({ type: 'closed', peer })
    net.run(MINUTE)
    expect(net.outbound()).toHaveLength(8)
  })

  it('that answer once are tried again first after a restart', () => {
    const net = new DialledNet()
    answerAll(net, spread(8))
    learn(net, spread(8))
    net.run(2 * MINUTE)
    expect(net.restart()).toBe(0)
    net.run(1_000)
    expect(net.outbound().sort()).toEqual(spread(8).sort())
  })

  it('are forgotten if they never answer, and not while nobody at all can be reached', () => {
    const net = new DialledNet()
    const dead = spread(3)
    learn(net, dead)
    net.run(2 * HOUR)
    expect(net.peering.status().addresses).toHaveLength(3)
    answerAll(net, [FRIEND])
    learn(net, [FRIEND])
    net.run(24 * HOUR)
    expect(net.peering.status().addresses.map(({ address }) => address)).toEqual([FRIEND])
  })

  it('that never answer are dialled three times an hour, however often they are told', () => {
    const net = new DialledNet()
    answerAll(net, [FRIEND])
    learn(net, [FRIEND])
    const victim = '/ip4/50.0.0.1/tcp/80'
    for (let minute = 0; minute < 180; minute++) {
      learn(net, [victim])
      net.run(MINUTE)
    }
    const dials = net.dials.filter(({ address }) => address === victim)
    expect(dials.length).toBeGreaterThanOrEqual(6)
    expect(dials.length).toBeLessThanOrEqual(9)
    net.dialledBy(peerOf('back again'), '/ip4/50.0.0.1/tcp/50123')
    const said = { agent: 'x', dialect: 'ours', addresses: [victim], observed: null } as const
    net.tell({ type: 'identified', peer: peerOf('back again'), ...said })
    expect(net.peering.status().addresses.map(({ address }) => address)).toContain(victim)
  })

  it('are not looked for on every port of one host', () => {
    const net = new DialledNet({ acceptsPrivate: true })
    const ports = (host: string) => Array.from({ length: 20 }, (_, i) => `/ip4/${host}/tcp/${1_000 + i}`)
    learn(net, ports('50.0.0.1'))
    expect(net.peering.status().addresses).toHaveLength(MAX_FRESH_PER_HOST)
    learn(net, ports('127.0.0.1'))
    expect(net.peering.status().addresses).toHaveLength(MAX_FRESH_PER_HOST + 20)
  })

  it('are not this node', () => {
    const net = new DialledNet()
    net.tell({ type: 'listening', addresses: ['/ip4/40.0.0.1/tcp/6884', '/ip6/::FFFF:41.0.0.1/tcp/6884'] })
    learn(net, ['/ip4/40.0.0.1/tcp/6884', '/ip4/41.0.0.1/tcp/6884'], 'config')
    net.run(HOUR)
    expect(net.dials).toEqual([])
    net.answers.set('/ip4/42.0.0.1/tcp/6884', { fails: 'self' })
    learn(net, ['/ip4/42.0.0.1/tcp/6884'], 'config')
    net.run(HOUR)
    expect(net.dials).toHaveLength(1)
    net.tell({ type: 'listening', addresses: [] })
    net.run(1_000)
    expect(net.dials).toHaveLength(3)
  })
})
