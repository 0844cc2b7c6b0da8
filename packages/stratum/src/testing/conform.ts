import { expect, it } from 'vitest'
import { CONFORMANCE_CASES } from './conformance-cases.ts'

export type Conformance = Readonly<Record<string, readonly [behaviour: string, run: () => void | Promise<void>]>>

/** Runs the cases of some groups and checks that they are the ones this place is to cover. */
export function conform(place: 'session' | 'tcp', groups: string, cases: Conformance): void {
  it(`covers the conformance cases of ${groups} that are its own`, () => {
    const own = CONFORMANCE_CASES[place].split(' ').filter(id => groups.includes(id.charAt(0)))
    expect(Object.keys(cases)).toEqual(own)
  })
  for (const [id, [behaviour, run]] of Object.entries(cases)) it(`${id}: ${behaviour}`, run)
}
