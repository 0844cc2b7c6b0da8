import { isIPv6 } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  canonicalAddress,
  parseAddress,
  parseDialText,
  peerIdBytes,
  peerIdFromBytes,
  printAddress
} from './net-address.ts'
import { groupOf, isPrivate, isRoutable, reachOf } from './network-group.ts'

const ONION = '/onion3/pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd:6884'
const net = (text: string) => {
  const address = parseAddress(text)
  if (address === null) throw new Error(`${text} is an address`)
  return address
}
const at = (host: string) => net(host.includes(':') ? `/ip6/${host}/tcp/1` : `/ip4/${host}/tcp/1`)

describe('an address', () => {
  // The examples of RFC 5952 §4 and of RFC 4291 §2.2.
  it.each([
    ['/ip6/2001:0db8:0000:0000:0001:0000:0000:0001/tcp/1', '/ip6/2001:db8::1:0:0:1/tcp/1'],
    ['/ip6/2001:db8:0:1:1:1:1:1/tcp/1', '/ip6/2001:db8:0:1:1:1:1:1/tcp/1'],
    ['/ip6/2001:db8::0:1/tcp/1', '/ip6/2001:db8::1/tcp/1'],
    ['/ip6/2001:0:0:1:0:0:0:1/tcp/1', '/ip6/2001:0:0:1::1/tcp/1'],
    ['/ip6/2001:DB8::ABCD/tcp/1', '/ip6/2001:db8::abcd/tcp/1'],
    ['/ip6/0:0:0:0:0:0:0:1/tcp/1', '/ip6/::1/tcp/1'],
    ['/ip6/::/tcp/1', '/ip6/::/tcp/1'],
    ['/ip6/1::/tcp/1', '/ip6/1::/tcp/1'],
    ['/ip6/64:ff9b::192.0.2.33/tcp/1', '/ip6/64:ff9b::c000:221/tcp/1'],
    ['/ip6/::FFFF:192.0.2.1/tcp/6884', '/ip4/192.0.2.1/tcp/6884'],
    [ONION.toUpperCase().replace('/ONION3/', '/onion3/'), ONION]
  ])('has one text: %s', (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical)
  })

  it.each([
    '',
    '/',
    'ip4/192.0.2.1/tcp/1',
    '/ip4/192.0.2.1',
    '/ip4/192.0.2.1/tcp',
    '/ip4/192.0.2.1/tcp/',
    '/ip4/192.0.2.1/tcp/01',
    '/ip4/192.0.2.1/tcp/1/',
    '/ip4/192.0.2.1/tcp/1/ws',
    '/ip4/192.0.2.1/udp/1',
    '/ip4/192.0.2.256/tcp/1',
    '/ip4/192.0.2.01/tcp/1',
    '/ip4/192.0.2/tcp/1',
    '/ip6/1:2:3:4:5:6:7/tcp/1',
    '/ip6/1:2:3:4:5:6:7:8:9/tcp/1',
    '/ip6/1:2:3:4:5:6:7::8/tcp/1',
    '/ip6/1::2::3/tcp/1',
    '/ip6/:1:2:3:4:5:6:7:8/tcp/1',
    '/ip6/12345::/tcp/1',
    '/ip6/192.0.2.1::/tcp/1',
    '/ip6/fe80::1%eth0/tcp/1',
    '/ip6zone/eth0/ip6/fe80::1/tcp/1',
    '/dns4/node.example/tcp/1',
    `${ONION}/tcp/1`,
    ONION.replace('ryd:', 'rya:'),
    `/ip4/192.0.2.1/tcp/${'1'.repeat(300)}`
  ])('is not: %s', text => {
    expect(parseAddress(text)).toBeNull()
  })

  it('of IPv6 reads as Node.js reads it, and prints what reads the same', () => {
    const groups = fc.array(fc.oneof(fc.constant('0'), fc.stringMatching(/^[0-9a-fA-F]{1,4}$/)), { maxLength: 9 })
    const text = fc
      .tuple(groups, fc.constantFrom(':', '::'), groups)
      .map(([a, gap, b]) => a.join(':') + gap + b.join(':'))
    fc.assert(
      fc.property(fc.oneof(text, fc.ipV6()), host => {
        const address = parseAddress(`/ip6/${host}/tcp/1`)
        expect(address !== null).toBe(isIPv6(host))
        if (address === null) return
        expect(parseAddress(printAddress(address))).toEqual(address)
        const [, , canonical = ''] = printAddress(address).split('/')
        if (address.kind === 'ip6') expect(canonical).toBe(new URL(`http://[${host}]/`).hostname.slice(1, -1))
      }),
      { numRuns: 2_000 }
    )
  })

  it('may have a peer id behind it, of a key that we know', () => {
    // Of the test vectors in the peer ids specification of libp2p.
    const ed25519 = '12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq'
    const secp256k1 = '16Uiu2HAmLhLvBoYaoZfaMUKuibM6ac163GwKY74c5kiSLg5KvLpY'
    for (const peer of [ed25519, secp256k1]) {
      expect(peerIdFromBytes(peerIdBytes(peer) ?? new Uint8Array(0))).toBe(peer)
      expect(parseDialText(`/ip4/192.0.2.1/tcp/1/p2p/${peer}`)).toEqual({ address: '/ip4/192.0.2.1/tcp/1', peer })
    }
    expect(parseDialText('/ip4/192.0.2.1/tcp/1')).toEqual({ address: '/ip4/192.0.2.1/tcp/1', peer: null })
    for (const none of [
      '',
      'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
      ed25519.slice(1),
      `${ed25519}1`,
      '0OIl'
    ]) {
      expect(parseDialText(`/ip4/192.0.2.1/tcp/1/p2p/${none}`), none).toBeNull()
    }
  })
})

describe('a host', () => {
  // The reference's filter, range by range: the first and the last address of each, and their neighbours.
  it.each([
    ['0.0.0.0', '0.255.255.255', 'nobody'],
    ['10.0.0.0', '10.255.255.255', 'private'],
    ['100.64.0.0', '100.127.255.255', 'private'],
    ['127.0.0.0', '127.255.255.255', 'loopback'],
    ['169.254.0.0', '169.254.255.255', 'private'],
    ['172.16.0.0', '172.31.255.255', 'private'],
    ['192.0.2.0', '192.0.2.255', 'nobody'],
    ['192.168.0.0', '192.168.255.255', 'private'],
    ['198.18.0.0', '198.19.255.255', 'nobody'],
    ['198.51.100.0', '198.51.100.255', 'nobody'],
    ['203.0.113.0', '203.0.113.255', 'nobody'],
    ['224.0.0.0', '239.255.255.255', 'nobody'],
    ['240.0.0.0', '255.255.255.255', 'nobody'],
    ['::', '::', 'nobody'],
    ['::1', '::1', 'loopback'],
    ['::2', '0:0:0:0:0:fffe:ffff:ffff', 'nobody'],
    ['100::', '100::ffff:ffff:ffff:ffff', 'nobody'],
    ['2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', 'nobody'],
    ['fc00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'private'],
    ['fe80::', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'nobody'],
    ['ff00::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'nobody']
  ])('from %s to %s is reached by: %s', (first, last, reach) => {
    expect([reachOf(at(first)), reachOf(at(last))]).toEqual([reach, reach])
    expect([isRoutable(at(first)), isRoutable(at(last))]).toEqual([false, false])
  })

  it.each([
    ...['1.0.0.0', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.0'],
    ...[
      '169.253.255.255',
      '169.255.0.0',
      '172.15.255.255',
      '172.32.0.0',
      '192.0.1.255',
      '192.0.3.0',
      '192.167.255.255'
    ],
    ...['192.169.0.0', '198.17.255.255', '198.20.0.0', '198.51.99.255', '203.0.114.0', '223.255.255.255'],
    ...['1::', '100:0:0:1::', '2001:db7::', '2001:db9::', 'fbff::', 'fe00::', 'fec0::', 'feff::']
  ])('beside those is reached by everybody: %s', host => {
    expect([reachOf(at(host)), isRoutable(at(host)), isPrivate(at(host))]).toEqual(['public', true, false])
  })

  it('is in the part of the internet that one owner has', () => {
    expect(groupOf(at('11.22.33.44'))).toBe(groupOf(at('11.22.0.1')))
    expect(groupOf(at('11.22.33.44'))).not.toBe(groupOf(at('11.23.33.44')))
    expect(groupOf(at('2a00:1234:1::1'))).toBe(groupOf(at('2a00:1234:ffff::')))
    expect(groupOf(at('2a00:1234::1'))).not.toBe(groupOf(at('2a00:1235::1')))
    // 6to4 names carry the owner's IPv4 address, of which a /32 holds the first half.
    expect(groupOf(at('2002:0b16:2121::1'))).toBe(groupOf(at('2002:0b16:2c2c::1')))
    expect([reachOf(net(ONION)), groupOf(net(ONION)), isRoutable(net(ONION))]).toEqual(['onion', 'onion', false])
  })
})
