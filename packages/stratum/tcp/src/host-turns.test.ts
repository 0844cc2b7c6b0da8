import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HEAVY_MS, HostTurns, type HostUse, LIGHT_BURST_MS, type Reader, TURN_MS } from './host-turns.ts'

/** An event loop whose time passes only while something is judged. */
class Loop {
  nowMs = 0
  readonly turns = new HostTurns({
    nowMs: () => this.nowMs,
    later: turn => {
      this.#due = turn
    },
    onServed: () => {}
  })
  #due: (() => void) | null = null

  /** @returns whether there was a turn to take */
  turn(): boolean {
    const due = this.#due
    this.#due = null
    due?.()
    return due !== null
  }

  idle(ms: number): void {
    this.nowMs += ms
  }
}

/** A connection that has always more to judge, or so many pieces. */
class Connection implements Reader {
  judgedMs = 0
  judged = 0
  isLetGo = false
  readonly #loop: Loop
  readonly #pieceMs: number
  #left: number

  constructor(loop: Loop, pieceMs: number, pieces = Number.POSITIVE_INFINITY) {
    this.#loop = loop
    this.#pieceMs = pieceMs
    this.#left = pieces
  }

  takeTurn(): 'more' | 'done' {
    this.#loop.nowMs += this.#pieceMs
    this.judgedMs += this.#pieceMs
    this.judged += 1
    this.#left -= 1
    return this.#left > 0 ? 'more' : 'done'
  }

  letGo(): void {
    this.isLetGo = true
  }
}

function flood(loop: Loop, host: HostUse, connections: number, pieceMs: number): readonly Connection[] {
  const all = Array.from({ length: connections }, () => new Connection(loop, pieceMs))
  for (const connection of all) loop.turns.offer(host, connection)
  return all
}

const sum = (connections: readonly Connection[]): number => connections.reduce((ms, { judgedMs }) => ms + judgedMs, 0)

/** Until nobody's use is light any more. */
function tire(loop: Loop): void {
  const untilMs = loop.nowMs + 10 * LIGHT_BURST_MS
  while (loop.nowMs < untilMs) loop.turn()
}

describe('HostTurns', () => {
  it('has what a host of light use sends judged at once', () => {
    const loop = new Loop()
    expect(loop.turns.offer(loop.turns.host('a'), new Connection(loop, 0.3, 1))).toBe('done')
    expect(loop.turn()).toBe(true)
    expect(loop.turn()).toBe(false)
  })

  it('lets who has sent little wait for no more than a small part of a turn, whatever floods there are', () => {
    const floods = fc.array(
      fc.record({
        connections: fc.integer({ min: 1, max: 80 }),
        pieceMs: fc.double({ min: 0.05, max: 1, noNaN: true })
      }),
      { minLength: 1, maxLength: 8 }
    )
    fc.assert(
      fc.property(floods, all => {
        const loop = new Loop()
        all.forEach(
          ({ connections, pieceMs }, n) => void flood(loop, loop.turns.host(`flood ${n}`), connections, pieceMs)
        )
        for (let n = 0; n < all.length; n++) tire(loop)
        const honest = loop.turns.host('honest')
        const longestPieceMs = Math.max(...all.map(({ pieceMs }) => pieceMs))
        for (let n = 0; n < 50; n++) {
          const beforeMs = loop.nowMs
          loop.turn()
          expect(loop.turns.offer(honest, new Connection(loop, 0.05, 1))).toBe('done')
          // Floods grow light again with time, and then have a place in that part of the turn as well.
          expect(loop.nowMs - beforeMs).toBeLessThanOrEqual(TURN_MS + HEAVY_MS + 2 * longestPieceMs + 0.05)
        }
      }),
      { numRuns: 20 }
    )
  })

  it('gives hosts the same time, with sixty connections or one', () => {
    const loop = new Loop()
    const many = flood(loop, loop.turns.host('many'), 60, 0.2)
    const one = flood(loop, loop.turns.host('one'), 1, 0.3)
    tire(loop)
    const before = [sum(many), sum(one)]
    for (let n = 0; n < 1_000; n++) loop.turn()
    const [ofMany, ofOne] = [sum(many) - (before[0] ?? 0), sum(one) - (before[1] ?? 0)]
    expect(ofMany / ofOne).toBeGreaterThan(0.95)
    expect(ofMany / ofOne).toBeLessThan(1.05)
  })

  it('gives connections of one host their turns, so that a miner behind the address of a flood has its own', () => {
    const loop = new Loop()
    const host = loop.turns.host('one address')
    const all = flood(loop, host, 60, 0.2)
    tire(loop)
    const before = all.map(connection => connection.judged)
    const miner = new Connection(loop, 0.05, 1)
    expect(loop.turns.offer(host, miner)).toBe('waits')
    const beforeMs = loop.nowMs
    while (miner.judged === 0) loop.turn()
    expect(loop.nowMs - beforeMs).toBeLessThanOrEqual(60 * 0.2 + 0.05 + HEAVY_MS + 0.2)
    const judged = all.map((connection, n) => connection.judged - (before[n] ?? 0))
    expect(Math.max(...judged) - Math.min(...judged)).toBeLessThanOrEqual(1)
  })

  it('lets nobody of light use wait for another: with all of the time in use each is answered in the order it was heard', () => {
    const loop = new Loop()
    const hosts = Array.from({ length: 500 }, (_, n) => loop.turns.host(`${n}`))
    for (let turn = 0; turn < 5; turn++) {
      for (const host of hosts) expect(loop.turns.offer(host, new Connection(loop, 0.03, 1))).toBe('done')
      loop.turn()
    }
  })

  it('never leaves out who uses much, while many use little', () => {
    const loop = new Loop()
    const [heavy] = flood(loop, loop.turns.host('heavy'), 1, 0.1)
    tire(loop)
    const before = heavy?.judged ?? 0
    for (let n = 0; n < 100; n++) {
      for (let host = 0; host < 30; host++)
        loop.turns.offer(loop.turns.host(`${n} ${host}`), new Connection(loop, 0.3, 2))
      loop.turn()
    }
    expect((heavy?.judged ?? 0) - before).toBeGreaterThanOrEqual((100 * HEAVY_MS) / 0.1)
  })

  it('does not hold against a host what other programs of the computer took while it was judged', () => {
    const loop = new Loop()
    for (let n = 0; n < 10; n++) {
      expect(loop.turns.offer(loop.turns.host('a'), new Connection(loop, LIGHT_BURST_MS, 1))).toBe('done')
      loop.turn()
    }
  })

  it('judges all there is, and then rests', () => {
    const loop = new Loop()
    const all = Array.from({ length: 50 }, () => new Connection(loop, 0.25, 100))
    for (const connection of all) loop.turns.offer(loop.turns.host('a'), connection)
    while (loop.turn());
    expect(all.map(({ judged }) => judged)).toEqual(all.map(() => 100))
  })

  it('has at its end the time it is given for what waits, by the same rounds, and lets go of the rest', () => {
    const loop = new Loop()
    const all = flood(loop, loop.turns.host('many'), 150, 0.5)
    tire(loop)
    const short = new Connection(loop, 0.5, 10)
    loop.turns.offer(loop.turns.host('another'), short)
    const fromMs = loop.nowMs
    loop.turns.endWithin(100)
    loop.turns.endWithin(1_000)
    while (loop.turn());
    expect(loop.nowMs - fromMs).toBeGreaterThanOrEqual(100)
    expect(loop.nowMs - fromMs).toBeLessThanOrEqual(100 + TURN_MS + HEAVY_MS + 1)
    expect(all.every(({ isLetGo }) => isLetGo)).toBe(true)
    expect([short.judged, short.isLetGo]).toEqual([10, false])
  })

  it('remembers what a host has used when its connections are gone, until it was quiet for long enough', () => {
    const loop = new Loop()
    const use = (): string => loop.turns.offer(loop.turns.host('a'), new Connection(loop, 1, 1))
    for (let ms = 0; ms < 2 * LIGHT_BURST_MS; ms++) {
      use()
      loop.turn()
    }
    expect(use()).toBe('waits')
    while (loop.turn());
    loop.idle(100 * LIGHT_BURST_MS)
    expect(use()).toBe('done')
  })
})
