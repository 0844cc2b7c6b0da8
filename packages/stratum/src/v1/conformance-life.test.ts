import { describe, expect, it } from 'vitest'
import { conform } from '../testing/conform.ts'
import { LIFE } from '../testing/conformance/life.ts'
import { CONFORMANCE_CASES } from '../testing/conformance-cases.ts'

describe('conformance of other methods and the life of a connection', () => conform('F', LIFE))

describe('the list of conformance cases', () => {
  it('has every case once', () => {
    const groups = { A: 18, B: 40, C: 14, D: 16, E: 36, F: 24 }
    const all = Object.entries(groups).flatMap(([group, count]) =>
      Array.from({ length: count }, (_, i) => group + (i + 1))
    )
    const { session, tcp, later } = CONFORMANCE_CASES
    const listed = [...session.split(' '), ...tcp.split(' '), ...Object.keys(later)]
    expect(listed).toHaveLength(148)
    expect(new Set(listed)).toEqual(new Set(all))
  })
})
