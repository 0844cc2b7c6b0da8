import { readFileSync } from 'node:fs'
import { hexToBytes } from '@p2poolv2/primitives'
import { bech32m } from '@scure/base'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  checkInvite,
  decodeInvite,
  encodeInvite,
  type Invite,
  InviteError,
  MAX_INVITE_ADDRESSES,
  MAX_INVITE_EXTRA_BYTES,
  parseDialTarget
} from './invite.ts'
import { canonicalAddress, peerIdFromBytes } from './net-address.ts'

const vectors = JSON.parse(readFileSync(new URL('vectors/invites.json', import.meta.url), 'utf8')) as {
  readonly valid: readonly { name: string; text: string; invite: Omit<Invite, 'extra'> & { extra: string } }[]
  readonly invalid: readonly { name: string; text: string; code: string }[]
}

const PEER = '12D3KooWGRUVh8t4dXqZ8QJX7bXSCyGmNzuUq1vgBbUe3nSh1wJ8'
const EXAMPLE: Invite = {
  chain: 'devnet',
  genesisTag: '8b0d970f',
  peer: peerOf(new Uint8Array(32).fill(7)),
  addresses: ['/ip4/192.0.2.1/tcp/6884', '/ip6/2001:db8::1/tcp/6884'],
  extra: new Uint8Array(0)
}

function peerOf(key: Uint8Array): string {
  return peerIdFromBytes(Uint8Array.of(0, 0x24, 8, 1, 0x12, 0x20, ...key)) ?? ''
}

const codeOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof InviteError) return error.code
    throw error
  }
  return 'none'
}

const addresses = fc
  .oneof(
    fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 65_535 })).map(([host, port]) => `/ip4/${host}/tcp/${port}`),
    fc.tuple(fc.ipV6(), fc.integer({ min: 1, max: 65_535 })).map(([host, port]) => `/ip6/${host}/tcp/${port}`)
  )
  .map(text => canonicalAddress(text) ?? '/ip4/192.0.2.1/tcp/1')

const invites: fc.Arbitrary<Invite> = fc.record({
  chain: fc.constantFrom('main', 'testnet4', 'signet', 'regtest', 'devnet'),
  genesisTag: fc.stringMatching(/^[0-9a-f]{8}$/),
  peer: fc.uint8Array({ minLength: 32, maxLength: 32 }).map(peerOf),
  addresses: fc.array(addresses, { maxLength: MAX_INVITE_ADDRESSES }),
  extra: fc.uint8Array({ maxLength: MAX_INVITE_EXTRA_BYTES, size: 'max' })
})

describe('an invite', () => {
  it.each(vectors.valid)('reads as its vector says: $name', ({ text, invite }) => {
    const expected = { ...invite, extra: hexToBytes(invite.extra) }
    expect(decodeInvite(text)).toEqual(expected)
    expect(encodeInvite(expected)).toBe(text)
  })

  it.each(vectors.invalid)('is refused as its vector says: $name', ({ text, code }) => {
    expect(codeOf(() => parseDialTarget(text))).toBe(code)
  })

  it('comes back as it was', () => {
    fc.assert(
      fc.property(invites, invite => {
        const text = encodeInvite(invite)
        expect(text).toMatch(/^p2join[a-z0-9]+$/)
        expect(decodeInvite(text)).toEqual(invite)
        expect(decodeInvite(text.toUpperCase())).toEqual(invite)
        expect(parseDialTarget(` ${text.replace(/(.{79})/g, '$1\n')}\r\n`)).toEqual({ type: 'invite', invite })
      }),
      { numRuns: 40 }
    )
  })

  it('does not survive one wrong character, whichever and wherever', () => {
    const text = encodeInvite(EXAMPLE)
    const alphabet = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/.:'
    for (let at = 0; at < text.length; at++) {
      for (const other of alphabet) {
        if (other === text[at]) continue
        const wrong = `${text.slice(0, at)}${other}${text.slice(at + 1)}`
        expect(
          codeOf(() => parseDialTarget(wrong)),
          wrong
        ).not.toBe('none')
      }
    }
  })

  it.each([0, 200])('with one wrong letter says so, wherever it is, with %d bytes beside', bytes => {
    const text = encodeInvite({ ...EXAMPLE, extra: new Uint8Array(bytes).fill(0x5a) })
    for (let at = 0; at < text.length; at++) {
      for (const other of 'qp1b') {
        if (other === text[at]) continue
        const wrong = `${text.slice(0, at)}${other}${text.slice(at + 1)}`
        expect([codeOf(() => parseDialTarget(wrong)), wrong]).toEqual(['typo', wrong])
      }
    }
  })

  it('does not survive two neighbours swapped, or a character too many or too few', () => {
    const text = encodeInvite({ ...EXAMPLE, extra: new Uint8Array(900).fill(0x5a) })
    for (let at = 0; at < text.length; at++) {
      const swapped = `${text.slice(0, at)}${text[at + 1] ?? ''}${text[at]}${text.slice(at + 2)}`
      if (swapped !== text)
        expect(
          codeOf(() => parseDialTarget(swapped)),
          `swapped at ${at}`
        ).not.toBe('none')
      expect(
        codeOf(() => parseDialTarget(text.slice(0, at) + text.slice(at + 1))),
        `missing at ${at}`
      ).not.toBe('none')
      expect(
        codeOf(() => parseDialTarget(`${text.slice(0, at)}q${text.slice(at)}`)),
        `more at ${at}`
      ).not.toBe('none')
    }
  })

  it('that was cut off says so, wherever the cut is', () => {
    const text = encodeInvite(EXAMPLE)
    for (let length = 'p2join'.length; length < text.length; length++) {
      expect(
        codeOf(() => parseDialTarget(text.slice(0, length))),
        `${length}`
      ).toBe('cut')
    }
    expect(codeOf(() => parseDialTarget(`${text}q`))).toBe('too-long')
    expect(codeOf(() => parseDialTarget(text + text))).toBe('too-long')
    expect(codeOf(() => parseDialTarget('p2join'.repeat(10_000)))).toBe('too-long')
  })

  it('of a newer version asks for an update, even if nothing else in it is known', () => {
    const bytes = [2, 6, 0, 1, 2, 3]
    const text = bech32m.encode('p2joinmain', bech32m.toWords(Uint8Array.from(bytes)), false)
    expect(codeOf(() => decodeInvite(text))).toBe('future-version')
  })

  it('with anything wrong under a right checksum is malformed, and nothing else is thrown', () => {
    const good = bech32m.fromWords(bech32m.decode(encodeInvite(EXAMPLE) as 'p1q', false).words)
    for (let at = 3; at < good.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const bytes = good.slice()
        bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
        const text = bech32m.encode('p2joindevnet', bech32m.toWords(bytes), false)
        expect(['none', 'malformed'], text).toContain(codeOf(() => decodeInvite(text)))
      }
    }
    for (let length = 0; length < good.length; length++) {
      const bytes = good.slice(0, length)
      if (length > 2) bytes.set([length & 0xff, length >> 8], 1)
      const text = bech32m.encode('p2joindevnet', bech32m.toWords(bytes), false)
      expect(
        codeOf(() => decodeInvite(text)),
        `${length} bytes`
      ).toBe('malformed')
    }
  })

  it('holds nothing that a shell would read, and fits one line for one address', () => {
    const text = encodeInvite({ ...EXAMPLE, addresses: ['/ip4/192.0.2.1/tcp/6884'] })
    expect(text).toMatch(/^[a-z0-9]+$/)
    expect(text.length).toBeLessThan(110)
  })
})

describe('what somebody gives to dial', () => {
  it('may be an address alone', () => {
    expect(parseDialTarget('/ip4/192.0.2.1/tcp/6884')).toEqual({
      type: 'address',
      address: '/ip4/192.0.2.1/tcp/6884',
      peer: null
    })
    expect(parseDialTarget(` /ip6/2001:DB8:0::1/tcp/6884/p2p/${EXAMPLE.peer}\n`)).toEqual({
      type: 'address',
      address: '/ip6/2001:db8::1/tcp/6884',
      peer: EXAMPLE.peer
    })
  })

  it.each([
    ['192.0.2.99:6884', '/ip4/192.0.2.99/tcp/6884'],
    ['[2001:DB8::1]:6884', '/ip6/2001:db8::1/tcp/6884'],
    [' [::ffff:192.0.2.1]:1\n', '/ip4/192.0.2.1/tcp/1']
  ])('may be a host with its port: %s', (text, address) => {
    expect(parseDialTarget(text)).toEqual({ type: 'address', address, peer: null })
  })

  it.each([
    '/dns4/node.example/tcp/6884',
    '/ip4/192.0.2.1/tcp/0',
    '/ip4/192.0.2.1/tcp/70000',
    '/ip4/192.0.2.1/udp/6884/quic-v1',
    '/ip4/192.0.2.1/tcp/6884/ws',
    `/ip4/192.0.2.1/tcp/6884/p2p/${PEER.slice(1)}`,
    'node.example:6884',
    '192.0.2.1',
    '192.0.2.1:0',
    '192.0.2.1:70000',
    '[192.0.2.1]:6884',
    '2001:db8::1:6884',
    'localhost:6884',
    'node.example/6884',
    ''
  ])('is refused with the way to write it: %s', text => {
    expect(() => parseDialTarget(text)).toThrow(/\/ip4\/192\.0\.2\.1\/tcp\/6884/)
  })

  it('is compared with this node’s share chain, and the message names the setting', () => {
    expect(() => checkInvite(EXAMPLE, { chain: 'signet', genesisTag: null })).toThrow(/--chain devnet/)
    expect(() => checkInvite(EXAMPLE, { chain: 'devnet', genesisTag: '00000000' })).toThrow(/--data-dir/)
    expect(() => checkInvite(EXAMPLE, { chain: 'devnet', genesisTag: '8b0d970f' })).not.toThrow()
    expect(() => checkInvite(EXAMPLE, { chain: 'devnet', genesisTag: null })).not.toThrow()
  })
})
