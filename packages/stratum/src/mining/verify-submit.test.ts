import { bytesToHex, concatBytes, sha256d, steadyMs, targetFromDifficulty } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { jobOf, TEMPLATE_A, workOf } from '../testing/vectors.ts'
import { JobRegistry, type KnownJob } from './job-registry.ts'
import type { Submit } from './submit.ts'
import { LastRoot, verifySubmit } from './verify-submit.ts'

const PREFIX = Uint8Array.of(10, 0, 0, 1)

function knownJobs(): readonly KnownJob[] {
  const registry = new JobRegistry()
  const work = workOf(TEMPLATE_A)
  return ['1', '2'].map((id, nsecs) => {
    // The same work for both: what differs is what the node put into the coinbase.
    const job = { ...jobOf(work, id), nsecs: BigInt(nsecs) }
    registry.add(job, { difficulty: 1, target: targetFromDifficulty(1), nowMs: steadyMs(0) })
    const known = registry.find(id)
    if (known === null) throw new Error('a job just added is known')
    return known
  })
}

it('a root that was kept is the one that would be made anew', () => {
  const jobs = knownJobs()
  const submit = fc.record({ job: fc.nat(1), extranonce: fc.nat(2), nonce: fc.nat(3) })
  fc.assert(
    fc.property(fc.array(submit, { maxLength: 40 }), submits => {
      const kept = new LastRoot(8)
      for (const { job, extranonce, nonce } of submits) {
        const known = jobs[job] as KnownJob
        const asked: Submit = {
          jobId: known.job.id,
          extranonce: new Uint8Array(8).fill(extranonce),
          timeSec: known.job.work.timeSec,
          nonce,
          versionBits: null
        }
        const hashWith = (lastRoot: LastRoot): string =>
          bytesToHex(verifySubmit(known, asked, { extranoncePrefix: PREFIX, versionMask: 0, lastRoot }).hashWire)
        expect(hashWith(kept)).toBe(hashWith(new LastRoot(8)))
      }
    })
  )
})

it('jobs and extranonces that differ have hashes that differ', () => {
  const lastRoot = new LastRoot(8)
  const hashes = knownJobs().flatMap(known =>
    [0, 1].flatMap(extranonce =>
      [0, 1].map(nonce => {
        const asked = {
          jobId: known.job.id,
          extranonce: new Uint8Array(8).fill(extranonce),
          timeSec: 0,
          nonce,
          versionBits: null
        }
        return bytesToHex(verifySubmit(known, asked, { extranoncePrefix: PREFIX, versionMask: 0, lastRoot }).hashWire)
      })
    )
  )
  expect(new Set(hashes).size).toBe(8)
})

/** The merkle root of a header over a coinbase of so many bytes and nothing else, and how often another's hash was asked for. */
function rootOver(coinbaseBytes: number) {
  const work = workOf(TEMPLATE_A, { merkleBranch: new Uint8Array(0), shareTarget: targetFromDifficulty(1e-70) })
  const { coinbase } = work
  const bytes = concatBytes(coinbase.bytes, new Uint8Array(coinbaseBytes - coinbase.bytes.length).fill(7))
  const registry = new JobRegistry()
  const job = jobOf({ ...work, coinbase: { ...coinbase, bytes } }, '1')
  registry.add(job, { difficulty: 1, target: targetFromDifficulty(1), nowMs: steadyMs(0) })
  const known = registry.find('1')
  if (known === null) throw new Error('a job just added is known')
  const extranonce = new Uint8Array(8).fill(9)
  const asked = { jobId: '1', extranonce, timeSec: 0, nonce: 0, versionBits: null }
  let injected = 0
  const { solution } = verifySubmit(known, asked, {
    extranoncePrefix: PREFIX,
    versionMask: 0,
    lastRoot: new LastRoot(8),
    sha256d: data => {
      injected += 1
      return sha256d(data)
    }
  })
  const whole = Uint8Array.from(bytes)
  whole.set(concatBytes(PREFIX, extranonce), coinbase.extranonceOffset)
  return { root: solution?.header.slice(36, 68), expected: sha256d(whole), injected }
}

it('a coinbase is hashed whole, however long it is', () => {
  for (const length of [300, 4_096, 4_097, 9_000, 20_000, 300]) {
    const { root, expected } = rootOver(length)
    expect(root).toEqual(expected)
  }
})

it('a long coinbase is hashed by what is at hand for it', () => {
  expect([rootOver(1_023).injected, rootOver(1_024).injected]).toEqual([0, 1])
})
