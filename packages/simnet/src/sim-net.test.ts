import { seededRng, unixMs } from '@p2poolv2/primitives'
import { expect, it } from 'vitest'
import { DEFAULT_LINK, type LinkOptions, SimNet } from './sim-net.ts'
import { VirtualClock } from './virtual-clock.ts'

function netOf(options: Partial<LinkOptions>): { clock: VirtualClock; net: SimNet } {
  const clock = new VirtualClock(unixMs(0))
  const net = new SimNet(clock, seededRng(1))
  net.link(1, 2, { ...DEFAULT_LINK, ...options })
  return { clock, net }
}

function arrivals(options: Partial<LinkOptions>, count: number, sizeBytes = 100): { atMs: number; index: number }[] {
  const { clock, net } = netOf(options)
  const seen: { atMs: number; index: number }[] = []
  for (let index = 0; index < count; index++)
    net.send(1, 2, { sizeBytes, arrives: () => seen.push({ atMs: clock.nowMs, index }) })
  while (clock.runNext(unixMs(1e9)));
  return seen
}

it('delivers in order, around the median latency', () => {
  const seen = arrivals({ medianLatencyMs: 200, latencySigma: 0 }, 5)
  expect(seen.map(s => s.index)).toEqual([0, 1, 2, 3, 4])
  expect(seen[0]?.atMs).toBe(201)
})

it('makes large messages wait for the line', () => {
  const [first, second] = arrivals({ medianLatencyMs: 1, latencySigma: 0, bytesPerSec: 1_000 }, 2, 500)
  expect(first?.atMs).toBe(501)
  expect(second?.atMs).toBe(1_001)
})

it('loses, doubles and re-orders the part of the messages it is told to', () => {
  expect(arrivals({ loss: 0.5 }, 1_000).length).toBeGreaterThan(400)
  expect(arrivals({ loss: 0.5 }, 1_000).length).toBeLessThan(600)
  expect(arrivals({ duplication: 0.5 }, 1_000).length).toBeGreaterThan(1_400)
  const seen = arrivals({ reordering: 0.5 }, 100).map(s => s.index)
  expect(seen).not.toEqual([...seen].sort((a, b) => a - b))
  expect(seen).toHaveLength(100)
})

it('delivers nothing across a partition, not even what was under way, and again once healed', () => {
  const { clock, net } = netOf({})
  let got = 0
  const send = (): number => net.send(1, 2, { sizeBytes: 1, arrives: () => got++ })
  send()
  net.partition([[1]])
  send()
  while (clock.runNext(unixMs(10_000)));
  expect(got).toBe(0)
  net.heal()
  send()
  while (clock.runNext(unixMs(20_000)));
  expect(got).toBe(1)
})
