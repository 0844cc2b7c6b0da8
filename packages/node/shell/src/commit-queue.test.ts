import type { ChainDelta } from '@p2poolv2/sharechain'
import { describe, expect, it } from 'vitest'
import { CommitQueue } from './commit-queue.ts'

function delta(sequence: number): ChainDelta {
  return { sequence, puts: [], deletes: [], durability: 'buffered' }
}

/** A disk whose writes end when told to. */
class SlowDisk {
  readonly begun: number[] = []
  readonly #ends: ((error?: Error) => void)[] = []

  commit(given: ChainDelta): Promise<void> {
    this.begun.push(given.sequence)
    return new Promise((resolve, reject) => {
      this.#ends.push(error => (error === undefined ? resolve() : reject(error)))
    })
  }

  async finish(error?: Error): Promise<void> {
    this.#ends.shift()?.(error)
    // Two turns: the write's own and the queue's.
    await Promise.resolve()
    await Promise.resolve()
  }
}

function queueOn(disk: SlowDisk) {
  const committed: number[] = []
  const failures: unknown[] = []
  const queue = new CommitQueue({
    store: disk,
    maxQueued: 4,
    onCommitted: sequence => committed.push(sequence),
    onFailed: error => failures.push(error)
  })
  return { queue, committed, failures }
}

describe('CommitQueue', () => {
  it('writes one delta at a time, in order', async () => {
    const disk = new SlowDisk()
    const { queue, committed } = queueOn(disk)
    for (const sequence of [1, 2, 3]) queue.push(delta(sequence))
    expect(disk.begun).toEqual([1])
    await disk.finish()
    expect(disk.begun).toEqual([1, 2])
    expect(committed).toEqual([1])
    await disk.finish()
    await disk.finish()
    await queue.drained()
    expect(committed).toEqual([1, 2, 3])
    expect(queue.size).toBe(0)
  })

  it('after a failure writes nothing more, and says so once', async () => {
    const disk = new SlowDisk()
    const { queue, committed, failures } = queueOn(disk)
    queue.push(delta(1))
    queue.push(delta(2))
    await disk.finish(new Error('no space left on device'))
    await queue.drained()
    queue.push(delta(3))
    expect(disk.begun).toEqual([1])
    expect(committed).toEqual([])
    expect(failures).toHaveLength(1)
  })

  it('knows when it is full, and when it is half empty again', async () => {
    const disk = new SlowDisk()
    const { queue } = queueOn(disk)
    for (const sequence of [1, 2, 3, 4]) queue.push(delta(sequence))
    expect(queue.isFull).toBe(true)
    await disk.finish()
    expect([queue.isFull, queue.isHalfEmpty]).toEqual([false, false])
    await disk.finish()
    expect(queue.isHalfEmpty).toBe(true)
  })
})
