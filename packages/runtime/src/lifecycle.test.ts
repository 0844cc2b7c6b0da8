import { describe, expect, it } from 'vitest'
import { Lifecycle, type Part, StartError } from './lifecycle.ts'
import { createLog } from './log.ts'

const log = createLog({ level: 'silent', format: 'json' })

function recorder() {
  const seen: string[] = []
  const part = (name: string, more: Partial<Part> = {}): Part => ({
    name,
    start: () => {
      seen.push(`+${name}`)
    },
    stop: () => {
      seen.push(`-${name}`)
    },
    ...more
  })
  return { seen, part }
}

describe('Lifecycle', () => {
  it('starts in order and stops in reverse', async () => {
    const { seen, part } = recorder()
    const lifecycle = new Lifecycle({ log })
    await lifecycle.start([part('store'), part('core'), part('stratum')])
    expect(await lifecycle.stop()).toEqual({ overdue: [], failed: [] })
    expect(seen).toEqual(['+store', '+core', '+stratum', '-stratum', '-core', '-store'])
  })

  it('stops by rank before it stops by reverse order', async () => {
    const { seen, part } = recorder()
    const lifecycle = new Lifecycle({ log })
    await lifecycle.start([part('store', { stopRank: 9 }), part('api', { stopRank: 1 }), part('core'), part('stratum')])
    await lifecycle.stop()
    expect(seen.slice(4)).toEqual(['-stratum', '-core', '-api', '-store'])
  })

  it('stops what was started when a later part cannot start, and names that part', async () => {
    const { seen, part } = recorder()
    const lifecycle = new Lifecycle({ log })
    const started = lifecycle.start([
      part('store'),
      part('stratum', { start: () => Promise.reject(new Error('port 3333 is taken')) }),
      part('api')
    ])
    await expect(started).rejects.toThrow(StartError)
    await expect(started).rejects.toMatchObject({ partName: 'stratum', code: 'start-failed' })
    expect(seen).toEqual(['+store', '-store'])
  })

  it('a stop during the start aborts the part that is starting and leaves none running', async () => {
    const { seen, part } = recorder()
    const lifecycle = new Lifecycle({ log })
    const slow = part('libp2p', {
      start: ({ signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason))
          void lifecycle.stop()
        })
    })
    await expect(lifecycle.start([part('store'), slow, part('api')])).rejects.toThrow(StartError)
    await lifecycle.stop()
    expect(seen).toEqual(['+store', '-store'])
  })

  it('a part that finishes its start although a stop came meanwhile is stopped too', async () => {
    const { seen, part } = recorder()
    const lifecycle = new Lifecycle({ log })
    const stubborn = part('level', { start: () => void lifecycle.stop() })
    await expect(lifecycle.start([part('store'), stubborn, part('api')])).rejects.toThrow(StartError)
    expect(seen).toEqual(['+store', '-store', '-level'])
  })

  it('goes on past a part that hangs, and aborts it', async () => {
    const { seen, part } = recorder()
    let aborted = false
    const hanging = part('gossip', {
      stopWithinMs: 20,
      stop: ({ signal }) => {
        signal.addEventListener('abort', () => {
          aborted = true
        })
        return new Promise(() => {})
      }
    })
    const lifecycle = new Lifecycle({ log })
    await lifecycle.start([part('store'), hanging])
    expect(await lifecycle.stop()).toEqual({ overdue: ['gossip'], failed: [] })
    expect(aborted).toBe(true)
    expect(seen.at(-1)).toBe('-store')
  })

  it('bounds the whole stop however many parts hang', async () => {
    const { part } = recorder()
    const hang = { stop: () => new Promise<void>(() => {}) }
    const lifecycle = new Lifecycle({ log, stopWithinMs: 50 })
    await lifecycle.start([part('a', hang), part('b', hang), part('c', hang)])
    const fromMs = performance.now()
    expect((await lifecycle.stop()).overdue).toEqual(['c', 'b', 'a'])
    expect(performance.now() - fromMs).toBeLessThan(20_000)
  })

  it('reports a part whose stop fails and stops the rest', async () => {
    const { seen, part } = recorder()
    const lifecycle = new Lifecycle({ log })
    await lifecycle.start([part('store'), part('api', { stop: () => Promise.reject(new Error('busy')) })])
    expect(await lifecycle.stop()).toEqual({ overdue: [], failed: ['api'] })
    expect(seen.at(-1)).toBe('-store')
  })

  it('a second stop is the first one', async () => {
    const { seen, part } = recorder()
    const lifecycle = new Lifecycle({ log })
    await lifecycle.start([part('store')])
    await Promise.all([lifecycle.stop(), lifecycle.stop()])
    expect(seen).toEqual(['+store', '-store'])
  })
})
