import type { BacklogNews } from '@p2poolv2/node'
import type { ChainDelta } from '@p2poolv2/sharechain'
import { describe, expect, it } from 'vitest'
import { CommitQueue, MAX_BATCH_BYTES, MAX_BATCH_DELTAS } from './commit-queue.ts'

function delta(sequence: number, bytes = 0): ChainDelta {
  const puts = bytes === 0 ? [] : [{ key: new Uint8Array(0), value: new Uint8Array(bytes) }]
  return { sequence, puts, deletes: [], durability: 'buffered' }
}

const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1)

/** A disk whose writes end when told to. */
class SlowDisk {
  readonly begun: number[][] = []
  readonly #ends: ((error?: Error) => void)[] = []

  commit(...given: readonly ChainDelta[]): Promise<void> {
    this.begun.push(given.map(({ sequence }) => sequence))
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

function queueOn(disk: SlowDisk, maxWaiting = 4) {
  const committed: number[] = []
  const failures: unknown[] = []
  const news: BacklogNews[] = []
  const queue = new CommitQueue({
    store: disk,
    maxWaiting,
    onBacklog: item => news.push(item),
    onCommitted: sequence => committed.push(sequence),
    onFailed: error => failures.push(error)
  })
  return { queue, committed, failures, news }
}

describe('CommitQueue', () => {
  it('writes the first delta at once and then, in order, what has gathered; nothing is committed before it is written', async () => {
    const disk = new SlowDisk()
    const { queue, committed } = queueOn(disk)
    for (const sequence of [1, 2, 3]) queue.push(delta(sequence))
    expect(disk.begun).toEqual([[1]])
    await disk.finish()
    expect(disk.begun).toEqual([[1], [2, 3]])
    queue.push(delta(4))
    expect(committed).toEqual([1])
    await disk.finish()
    expect(committed).toEqual([1, 3])
    await disk.finish()
    await queue.drained()
    expect(disk.begun).toEqual([[1], [2, 3], [4]])
    expect(committed).toEqual([1, 3, 4])
    expect(queue.size).toBe(0)
  })

  it('bounds what it writes as one by number and by bytes, and writes alone what is larger', async () => {
    const disk = new SlowDisk()
    const { queue } = queueOn(disk, 1_000)
    for (const sequence of upTo(MAX_BATCH_DELTAS + 2)) queue.push(delta(sequence))
    const larger = MAX_BATCH_DELTAS + 3
    queue.push(delta(larger, MAX_BATCH_BYTES + 1))
    for (const n of [1, 2, 3]) queue.push(delta(larger + n, MAX_BATCH_BYTES / 2))
    for (const _ of upTo(5)) await disk.finish()
    expect(disk.begun.slice(1)).toEqual([
      upTo(MAX_BATCH_DELTAS).map(n => n + 1),
      [MAX_BATCH_DELTAS + 2],
      [larger],
      [larger + 1, larger + 2],
      [larger + 3]
    ])
  })

  it('a disk that ends one write a turn keeps up with a processor that gives it many', async () => {
    const disk = new SlowDisk()
    const { queue, news } = queueOn(disk, 200)
    let sequence = 0
    for (const _ of upTo(100)) {
      for (const _ of upTo(MAX_BATCH_DELTAS)) queue.push(delta(++sequence))
      await disk.finish()
    }
    expect(news).toEqual([])
    await disk.finish()
    await queue.drained()
    expect(disk.begun.flat()).toEqual(upTo(sequence))
  })

  it('after a failure writes nothing more, and says so once', async () => {
    const disk = new SlowDisk()
    const { queue, committed, failures } = queueOn(disk)
    queue.push(delta(1))
    queue.push(delta(2))
    await disk.finish(new Error('no space left on device'))
    await queue.drained()
    queue.push(delta(3))
    expect(disk.begun).toEqual([[1]])
    expect(committed).toEqual([])
    expect(failures).toHaveLength(1)
  })

  it('says once that the disk is behind, and once that it has caught up', async () => {
    const disk = new SlowDisk()
    const { queue, news } = queueOn(disk)
    for (const sequence of [1, 2, 3, 4, 5]) queue.push(delta(sequence))
    expect(news).toEqual(['storeBehind'])
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
