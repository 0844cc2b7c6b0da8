import { expect, it } from 'vitest'

/**
 * The 70 cases that a server of Stratum V2 should be put to, by number, and where each is: noise 1 to 15, codec 16 to 26, set-up 27 to 32,
 * channels 33 to 44, jobs 45 to 53, shares 54 to 65, whole clients 66 to 70.
 */
export const V2_CASES = {
  /** `conformance-*.test.ts` beside the server: real sockets. */
  tcp: [
    3, 4, 5, 6, 7, 11, 12, 13, 15, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39,
    40, 41, 42, 43, 44, 46, 47, 48, 49, 50, 53, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 69, 70
  ],
  /** The tests of the language, from the vectors of the reference. */
  vectors: [1, 2, 8, 9, 10, 14, 16, 17, 18],
  /** The tests of sessions, without sockets. */
  session: [45, 51, 52, 54],
  /**
   * Of the reference's translator and mining device, which are no part of this: `test/e2e/translator.e2e.test.ts` and
   * `test/e2e/v2-programs.e2e.test.ts` run where P2POOL_TRANSLATOR and P2POOL_MINING_DEVICE name them, and say so where they do not.
   */
  programs: [67, 68]
} as const

export type V2Conformance = Readonly<Record<number, readonly [behaviour: string, run: () => Promise<void>]>>

/** Runs the cases from one number to another and checks that they are all those that belong here. */
export function conformV2(from: number, to: number, cases: V2Conformance): void {
  it(`covers the cases ${from} to ${to} that are about connections`, () => {
    expect(Object.keys(cases).map(Number)).toEqual(V2_CASES.tcp.filter(number => number >= from && number <= to))
  })
  for (const [number, [behaviour, run]] of Object.entries(cases)) it(`${number}: ${behaviour}`, run)
}
