import { expect, it } from 'vitest'
import { CONFORMANCE_CASES } from './conformance-cases.ts'

export type Conformance = Readonly<Record<string, readonly [behaviour: string, run: () => void | Promise<void>]>>

/** Runs the cases of some groups and checks that they are all those a session is to cover. */
export function conform(groups: string, cases: Conformance): void {
  it(`covers the conformance cases of group ${groups} that are a session's`, () => {
    const own = CONFORMANCE_CASES.session.split(' ').filter(id => groups.includes(id.charAt(0)))
    expect(Object.keys(cases)).toEqual(own)
  })
  for (const [id, [behaviour, run]] of Object.entries(cases)) it(`${id}: ${behaviour}`, run)
}
