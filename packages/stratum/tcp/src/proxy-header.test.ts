import { asciiToBytes, concatBytes } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readProxyHeader } from './proxy-header.ts'

const SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a)

function v2(command: number, family: number, rest: readonly number[]): Uint8Array {
  return concatBytes(SIGNATURE, Uint8Array.of(command, family, rest.length >>> 8, rest.length & 0xff, ...rest))
}

describe('readProxyHeader', () => {
  // The examples of the protocol's own text.
  const lines: Readonly<Record<string, unknown>> = {
    'PROXY TCP4 192.0.2.7 192.0.2.1 56324 443\r\n': { address: '192.0.2.7', port: 56324 },
    'PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n': { address: '255.255.255.255', port: 65535 },
    'PROXY TCP6 2001:db8::7 2001:db8::1 56324 443\r\n': { address: '2001:db8::7', port: 56324 },
    'PROXY UNKNOWN\r\n': null,
    'PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n': null
  }
  for (const [line, from] of Object.entries(lines)) {
    it(`reads ${JSON.stringify(line)}`, () => {
      const received = asciiToBytes(`${line}{"id":1}\n`)
      expect(readProxyHeader(received)).toEqual({ state: 'read', bytes: line.length, from })
      for (let cut = 0; cut < line.length; cut++) {
        expect(readProxyHeader(received.subarray(0, cut))).toEqual({ state: 'more' })
      }
    })
  }

  it.each([
    'PROXY TCP4 192.0.2.300 192.0.2.1 1 2\r\n',
    'PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.1 65536 2\r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.1 1 2 3\r\n',
    'PROXY UDP4 192.0.2.7 192.0.2.1 1 2\r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.1 1 2\n',
    `PROXY ${'x'.repeat(200)}`
  ])('does not believe %j', line => {
    expect(readProxyHeader(asciiToBytes(line))).toEqual({ state: 'invalid' })
  })

  it('reads bytes', () => {
    const ipv4 = v2(0x21, 0x11, [192, 0, 2, 7, 192, 0, 2, 1, 0xdc, 0x04, 0x01, 0xbb, 9, 9, 9])
    expect(readProxyHeader(ipv4)).toEqual({
      state: 'read',
      bytes: ipv4.length,
      from: { address: '192.0.2.7', port: 56324 }
    })
    const from = [0x20, 0x01, 0x0d, 0xb8, ...new Array<number>(11).fill(0), 7]
    const ipv6 = v2(0x21, 0x21, [...from, ...from, 0xdc, 0x04, 0x01, 0xbb])
    expect(readProxyHeader(ipv6)).toMatchObject({ from: { address: '2001:db8::7', port: 56324 } })
    for (let cut = 0; cut < ipv6.length; cut++) {
      expect(readProxyHeader(ipv6.subarray(0, cut))).toEqual({ state: 'more' })
    }
  })

  it('takes a check of the front itself for the front', () => {
    expect(readProxyHeader(v2(0x20, 0x00, []))).toEqual({ state: 'read', bytes: 16, from: null })
  })

  it('does not believe bytes that are too short, too long, or of another version', () => {
    expect(readProxyHeader(v2(0x21, 0x11, [1, 2, 3]))).toEqual({ state: 'invalid' })
    expect(readProxyHeader(v2(0x31, 0x11, []))).toEqual({ state: 'invalid' })
    expect(readProxyHeader(v2(0x21, 0x11, new Array<number>(5_000).fill(0)))).toEqual({ state: 'invalid' })
  })

  it('takes what a miner says for no header', () => {
    expect(readProxyHeader(asciiToBytes('{"id":1,"method":"mining.subscribe"}\n'))).toEqual({ state: 'none' })
  })

  it('never throws, and waits for no more than it would read', () => {
    const beginnings = fc.constantFrom(SIGNATURE, asciiToBytes('PROXY '), asciiToBytes('PROXY TCP6 '), new Uint8Array())
    fc.assert(
      fc.property(beginnings, fc.uint8Array({ maxLength: 5_000, size: 'max' }), (beginning, rest) => {
        const received = concatBytes(beginning, rest)
        const header = readProxyHeader(received)
        if (header.state === 'more') expect(received.length).toBeLessThanOrEqual(4_096)
        if (header.state === 'read') expect(header.bytes).toBeLessThanOrEqual(received.length)
      })
    )
  })
})
