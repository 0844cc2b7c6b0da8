import type { ChainDelta } from '@p2poolv2/sharechain'
import { expect, it } from 'vitest'
import { CommitBacklog } from './commit-backlog.ts'

function delta(bytes: number): ChainDelta {
  const value = new Uint8Array(bytes - 1)
  return { sequence: 1, puts: [{ key: new Uint8Array(1), value }], deletes: [], durability: 'buffered' }
}

it('counts bytes as well as deltas, and forgives at half of both', () => {
  const backlog = new CommitBacklog({ maxDeltas: 4, maxBytes: 1000 })
  expect([backlog.given(delta(300)), backlog.given(delta(700)), backlog.given(delta(10))]).toEqual([
    null,
    'storeBehind',
    null
  ])
  expect([backlog.written(delta(300)), backlog.written(delta(700)), backlog.written(delta(10))]).toEqual([
    null,
    'storeCaughtUp',
    null
  ])
})
