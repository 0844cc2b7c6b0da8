import { type BlockHash, blockHash, steadyMs } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jobOf, TEMPLATE_A, workOf } from '../testing/vectors.ts'
import { JOB_LIFE_MS, JobRegistry, MAX_JOBS, OLD_JOB_LIFE_MS, STALE_GRACE_MS } from './job-registry.ts'

const BLOCKS: readonly BlockHash[] = ['a', 'b', 'c'].map(digit => blockHash(digit.repeat(64)))
const WORKS = BLOCKS.map(prevHash => workOf(TEMPLATE_A, { prevHash }))

interface PlainJob {
  readonly id: string
  readonly block: number
  readonly sentAtMs: number
}

/** The same by lists and no thought of speed. */
class PlainRegistry {
  jobs: PlainJob[] = []
  current: number | null = null
  /** By block: when and by which it was superseded, and whether the grace counts from that block's first job. */
  readonly left = new Map<number, { atMs: number; by: number; staleFromMs: number }>()

  newBlock(block: number, nowMs: number): void {
    if (block === this.current) return
    if (this.current !== null)
      this.left.set(this.current, { atMs: nowMs, by: block, staleFromMs: nowMs + STALE_GRACE_MS })
    this.left.delete(block)
    this.current = block
    this.expire(nowMs)
  }

  add(id: string, block: number, nowMs: number): void {
    this.newBlock(block, nowMs)
    if (!this.jobs.some(job => job.block === block)) {
      for (const left of this.left.values()) if (left.by === block) left.staleFromMs = nowMs + STALE_GRACE_MS
    }
    this.expire(nowMs)
    if (this.jobs.length === MAX_JOBS) this.jobs.shift()
    this.jobs.push({ id, block, sentAtMs: nowMs })
  }

  expire(nowMs: number): void {
    this.jobs = this.jobs.filter(
      ({ sentAtMs, block }) =>
        nowMs - sentAtMs < JOB_LIFE_MS && nowMs - (this.left.get(block)?.atMs ?? nowMs) < OLD_JOB_LIFE_MS
    )
  }

  isStale({ block }: PlainJob, nowMs: number): boolean {
    return nowMs >= (this.left.get(block)?.staleFromMs ?? Number.POSITIVE_INFINITY)
  }
}

describe('JobRegistry', () => {
  it('knows the same jobs, stale or not, as a plain twin', () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constant('add' as const), block: fc.nat(2) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('newBlock' as const), block: fc.nat(2) }) },
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constant('pass' as const),
          block: fc.constantFrom(1_000, 2_999, 30_000, 59_999, 300_000)
        })
      }
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150, size: 'max' }), steps => {
        const [registry, plain] = [new JobRegistry(), new PlainRegistry()]
        let nowMs = steadyMs(0)
        for (const [i, { do: what, block }] of steps.entries()) {
          const work = WORKS[block]
          if (what === 'pass') {
            nowMs = steadyMs(nowMs + block)
            registry.expire(nowMs)
            plain.expire(nowMs)
          } else if (what === 'newBlock') {
            registry.newBlock(BLOCKS[block] as BlockHash, nowMs)
            plain.newBlock(block, nowMs)
          } else if (work !== undefined) {
            registry.add(jobOf(work, `${i}`), { difficulty: 1, target: new Uint8Array(32), nowMs })
            plain.add(`${i}`, block, nowMs)
          }
          registry.checkInvariants()
          expect(registry.size).toBe(plain.jobs.length)
          for (const job of plain.jobs) {
            const known = registry.find(job.id)
            expect(known?.job.work.prevHash).toBe(BLOCKS[job.block])
            expect(known && registry.isStale(known, nowMs)).toBe(plain.isStale(job, nowMs))
          }
        }
      }),
      { numRuns: 60 }
    )
  })

  it('re-grades down and never up', () => {
    const registry = new JobRegistry()
    const [easy, hard] = [new Uint8Array(32).fill(2), new Uint8Array(32).fill(1)]
    const work = WORKS[0] ?? workOf(TEMPLATE_A)
    registry.add(jobOf(work, '1'), { difficulty: 5, target: easy, nowMs: steadyMs(0) })
    registry.add(jobOf(work, '2'), { difficulty: 50, target: hard, nowMs: steadyMs(0) })
    registry.regrade(10, easy)
    expect([registry.find('1')?.difficulty, registry.find('2')?.difficulty]).toEqual([5, 10])
    expect(registry.find('2')?.target).toBe(easy)
  })
})
