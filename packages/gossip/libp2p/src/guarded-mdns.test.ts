import { createSocket, type Socket } from 'node:dgram'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { type MulticastDNSComponents, mdns } from '@libp2p/mdns'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it } from 'vitest'
import {
  guardedMdns,
  guardedReading,
  MAX_PACKET_BYTES,
  MAX_RECORDS,
  MAX_SENDERS,
  PACE,
  UNITS_PER_MS
} from './guarded-mdns.ts'
import { SILENT_LOGGER } from './quiet-host.ts'

/** A header that announces so many records, and bytes behind it. */
function packet(records: number, bytes = 100): Buffer {
  const buffer = Buffer.alloc(bytes)
  buffer.writeUInt16BE(records, 6)
  return buffer
}

interface Heard {
  readonly atMs: number
  readonly tookMs: number
  readonly address?: string
}

/** Hears so many packets of which each takes so long to read. @returns how long it read, and how many of each address */
function hear(packets: readonly Heard[]): { readonly readMs: number; readonly of: ReadonlyMap<string, number> } {
  let nowMs = 0
  let readMs = 0
  let takesMs = 0
  const of = new Map<string, number>()
  const read = guardedReading(
    (_packet, from) => {
      nowMs += takesMs
      readMs += takesMs
      const { address } = from as { readonly address: string }
      of.set(address, (of.get(address) ?? 0) + 1)
    },
    () => nowMs
  )
  for (const { atMs, tookMs, address = '192.0.2.1' } of packets) {
    nowMs = Math.max(nowMs, atMs)
    takesMs = tookMs
    read(packet(1), { address })
  }
  return { readMs, of }
}

describe('packets of mDNS', () => {
  it('are read for a fiftieth of the time at most, and somewhat more at once', () => {
    const flood = Array.from({ length: 20_000 }, (_, n) => ({ atMs: n / 2, tookMs: 4 }))
    const burstMs = PACE.burst / UNITS_PER_MS
    expect(hear(flood).readMs).toBeLessThanOrEqual(burstMs + 10_000 / (PACE.unitMs * UNITS_PER_MS) + 8)
  })

  it('are all read in a house full of devices', () => {
    const house = Array.from({ length: 6_000 }, (_, n) => ({ atMs: n * 10, tookMs: 0.15 }))
    expect(hear(house).readMs).toBeCloseTo(6_000 * 0.15)
  })

  it('of one address leave room for those of all others, tiny ones as well', () => {
    for (const tookMs of [0, 0.02, 4]) {
      // A neighbour, and every ten seconds a word of each of ten nodes.
      const flood = Array.from({ length: 60_000 }, (_, n) => ({ atMs: n, tookMs, address: '192.0.2.66' }))
      const nodes = Array.from({ length: 60 }, (_, n) => ({
        atMs: n * 1_000 + 0.5,
        tookMs: 0.15,
        address: `192.0.2.${n % 10}`
      }))
      const { of } = hear([...flood, ...nodes].sort((a, b) => a.atMs - b.atMs))
      expect(nodes.reduce((sum, { address }) => sum + (of.get(address) ?? 0) / 6, 0)).toBe(60)
      expect(of.get('192.0.2.66')).toBeGreaterThan(100)
    }
  })

  it('are counted for so many addresses and no more: one that comes back then begins anew', () => {
    const crowd = Array.from({ length: 2 * MAX_SENDERS }, (_, n) => ({ atMs: n * 100, tookMs: 0, address: `n${n}` }))
    expect(hear(crowd).of.size).toBe(2 * MAX_SENDERS)
  })

  it('that are too long, too short or announce too much are not read', () => {
    let reads = 0
    const read = guardedReading(
      () => {
        reads += 1
      },
      () => 0
    )
    for (const bad of [packet(1, MAX_PACKET_BYTES + 1), packet(MAX_RECORDS + 1), Buffer.alloc(11), Buffer.alloc(0)])
      read(bad, null)
    const spread = packet(MAX_RECORDS / 2)
    spread.writeUInt16BE(MAX_RECORDS / 2 + 1, 10)
    read(spread, null)
    expect(reads).toBe(0)
    read(packet(MAX_RECORDS, MAX_PACKET_BYTES), null)
    expect(reads).toBe(1)
  })
})

it('a node is found by a packet that is in order, and not by one that announces too much', async () => {
  const [own, other] = await Promise.all([generateKeyPair('Ed25519'), generateKeyPair('Ed25519')])
  const components = {
    logger: SILENT_LOGGER,
    addressManager: { getAddresses: () => [multiaddr(`/ip4/127.0.0.1/tcp/1/p2p/${peerIdFromPrivateKey(own)}`)] }
  } as unknown as MulticastDNSComponents
  const free = createSocket('udp4').bind(0, '127.0.0.1')
  await once(free, 'listening')
  const { port } = free.address()
  await new Promise<void>(resolve => void free.close(() => resolve()))
  const service = guardedMdns(mdns({ serviceTag: '_x._udp.local', port })(components))
  // What comes before the socket is bound is nobody's.
  const listening = new Promise<void>(resolve => {
    const note = (message: unknown): void => {
      unsubscribe('udp.socket', note)
      ;(message as { readonly socket: Socket }).socket.once('listening', resolve)
    }
    subscribe('udp.socket', note)
  })
  await service.start()
  await listening
  const found = new Promise<string>(resolve =>
    service.addEventListener('peer', ({ detail }) => resolve(detail.multiaddrs.join()), { once: true })
  )
  const sender = createSocket('udp4')
  const send = (bytes: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => sender.send(bytes, port, '127.0.0.1', err => (err ? reject(err) : resolve())))
  const told = (tcpPort: number): Buffer =>
    answer(`dnsaddr=/ip4/127.0.0.1/tcp/${tcpPort}/p2p/${peerIdFromPrivateKey(other)}`)
  // The same answer, with a question of each of the records that are too many.
  const tooMany = told(2)
  await send(withQuestions(tooMany, MAX_RECORDS))
  await send(told(3))
  expect(await found).toBe('/ip4/127.0.0.1/tcp/3')
  sender.close()
  await service.stop()
})

function name(text: string): Buffer {
  return Buffer.concat([
    ...text.split('.').map(label => Buffer.from([label.length, ...Buffer.from(label)])),
    Buffer.of(0)
  ])
}

function record(owner: string, type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(10)
  head.writeUInt16BE(type, 0)
  head.writeUInt16BE(1, 2)
  head.writeUInt16BE(data.length, 8)
  return Buffer.concat([name(owner), head, data])
}

/** A response as libp2p's nodes give it. */
function answer(text: string): Buffer {
  const header = Buffer.alloc(12)
  header.writeUInt16BE(0x8400, 2)
  header.writeUInt16BE(2, 6)
  const txt = Buffer.from([text.length, ...Buffer.from(text)])
  return Buffer.concat([
    header,
    record('_x._udp.local', 12, name('other._x._udp.local')),
    record('other._x._udp.local', 16, txt)
  ])
}

function withQuestions(response: Buffer, count: number): Buffer {
  const header = Buffer.from(response.subarray(0, 12))
  header.writeUInt16BE(count, 4)
  const question = Buffer.from([0, 0, 12, 0, 1])
  return Buffer.concat([header, ...Array.from({ length: count }, () => question), response.subarray(12)])
}
