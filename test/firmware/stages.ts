import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'

/** A firmware that was played whole has gone through so many. */
const STAGES = 10

/**
 * What each firmware went through: printed at the end, and compared with the table of a page.
 *
 * @param page under `docs/`
 * @returns what is called with a firmware's name and the stage it has passed
 */
export function stagesOf(page: string): {
  readonly passed: (name: string, stage: string) => void
  /** To be called after the journeys: the test that the page says the same. */
  readonly testPage: () => void
} {
  const went = new Map<string, string[]>()
  afterAll(() => {
    const rows = [...went].map(([name, stages]) => `  ${name.padEnd(40)} ${stages.join(', ')}`)
    process.stdout.write(`firmware of ${page}, and what it went through:\n${rows.join('\n')}\n`)
  })
  return {
    passed: (name, stage) => void went.set(name, [...(went.get(name) ?? []), stage]),
    testPage: () => {
      it(`docs/${page} says what each went through`, () => {
        const text = readFileSync(join(import.meta.dirname, '../../docs', page), 'utf8')
        // A run may be of some tests only.
        const whole = [...went].filter(([, stages]) => stages.length === STAGES)
        const rows = whole.map(([name, stages]) => `| ${name} | ${stages.join(', ')} |`)
        expect(rows.filter(row => !text.includes(row))).toEqual([])
      })
    }
  }
}
