import type { BacklogNews } from '@p2poolv2/node'
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
  const news: BacklogNews[] = []
  const queue = new CommitQueue({
    store: disk,
    maxWaiting: 4,
    onBacklog: item => news.push(item),
    onCommitted: sequence => committed.push(sequence),
    onFailed: error => failures.push(error)
  })
  return { queue, committed, failures, news }
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

  it('says once that the disk is behind, and once that it has caught up', async () => {
    const disk = new SlowDisk()
    const { queue, news } = queueOn(disk)
    for (const sequence of [1, 2, 3, 4, 5]) queue.push(delta(sequence))
    expect(news).toEqual(['storeBehind'])
    await disk.finish()
    await disk.finish()
    expect(news).toEqual(['storeBehind'])
    await disk.finish()
    expect(news).toEqual(['storeBehind', 'storeCaughtUp'])
  })

  it('lets a read wait for the deltas up to the one it needs, and no longer', async () => {
    const disk = new SlowDisk()
    const { queue } = queueOn(disk)
    const read: number[] = []
    const readAfter = (sequence: number): void => void queue.written(sequence).then(() => read.push(sequence))
    readAfter(0)
    for (const sequence of [1, 2]) queue.push(delta(sequence))
    for (const sequence of [2, 1, 0]) readAfter(sequence)
    await disk.finish()
    await Promise.resolve()
    expect(read.sort()).toEqual([0, 0, 1])
    await disk.finish()
    await queue.drained()
    expect(read).toEqual([0, 0, 1, 2])
  })

  it('after a failure no read begins', async () => {
    const disk = new SlowDisk()
    const { queue } = queueOn(disk)
    const read: string[] = []
    queue.push(delta(1))
    void queue.written(1).then(() => read.push('before'))
    await disk.finish(new Error('no space left on device'))
    void queue.written(1).then(() => read.push('after'))
    await queue.drained()
    expect(read).toEqual([])
  })
})
