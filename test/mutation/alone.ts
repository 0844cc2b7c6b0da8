import { relative } from 'node:path'
import type { TestSpecification, Vitest } from 'vitest/node'
import { createVitest } from 'vitest/node'
import { type Alone, orderEnv, WAITS, WAITS_MS } from './order.ts'

/**
 * Runs tests with one mutant on from the first line on, each time in a process of its own that has loaded nothing yet and remembers nothing.
 * What was made of the sources for it is kept from one to the next, so that it costs what the tests do and a second or two.
 */
export class LoneRuns {
  readonly #vitest: Vitest
  readonly #files: readonly string[]
  /** By file of tests, what it took with no mutant on. */
  readonly #calmMs = new Map<string, number>()
  /** By file, how long one test of it is waited for. */
  readonly #mostMs: Record<string, number> = {}

  private constructor(vitest: Vitest, files: readonly string[]) {
    this.#vitest = vitest
    this.#files = files
  }

  /** @param files the sources that are mutated */
  static async open(files: readonly string[]): Promise<LoneRuns> {
    say(files, null, {})
    const config = 'test/mutation/vitest.config.ts'
    const vitest = await createVitest('test', { config, watch: false, bail: 1, reporters: [{}] })
    return new LoneRuns(vitest, files)
  }

  /**
   * Whether a test notices the mutant.
   * @param words of the tests' paths; if they do not all pass without it, that is an error
   */
  async isNoticed(mutant: number, words: readonly string[]): Promise<boolean> {
    const specs = await this.#vitest.globTestSpecifications([...words])
    const unknown = specs.filter(({ moduleId }) => !this.#calmMs.has(moduleId))
    if (unknown.length > 0 && !(await this.#passes(null, unknown)))
      throw new Error(`some of these fail before anything was changed:\n${unknown.map(nameOf).join('\n')}`)
    const msOf = ({ moduleId }: TestSpecification): number => this.#calmMs.get(moduleId) ?? 0
    return !(await this.#passes(
      mutant,
      specs.toSorted((a, b) => msOf(a) - msOf(b))
    ))
  }

  async close(): Promise<void> {
    await this.#vitest.close()
    // That a test has failed is what was hoped for.
    process.exitCode = 0
  }

  async #passes(mutant: number | null, specs: TestSpecification[]): Promise<boolean> {
    say(this.#files, mutant, this.#mostMs)
    const ran = await this.#vitest.runTestSpecifications(specs)
    const failure = ran.unhandledErrors.map(String).find(text => /Failed to start|Timeout starting/.test(text))
    if (failure !== undefined) throw new Error(failure)
    // What was run before with others is told again.
    const asked = new Set(specs.map(({ moduleId }) => moduleId))
    const modules = ran.testModules.filter(({ moduleId }) => asked.has(moduleId))
    for (const each of mutant === null ? modules : []) {
      this.#calmMs.set(each.moduleId, each.diagnostic().duration)
      const tests = [...each.children.allTests()].map(test => WAITS * (test.diagnostic()?.duration ?? 0))
      this.#mostMs[nameOf(each)] = Math.max(WAITS_MS, ...tests)
    }
    // One whose process has ended itself (see `process-watch.ts`) has not passed.
    return modules.length === specs.length && modules.every(each => each.state() === 'passed')
  }
}

/** To the configuration that is read next, and to the processes started next. */
function say(files: readonly string[], mutant: number | null, mostMs: Alone['mostMs']): void {
  Object.assign(process.env, orderEnv({ how: 'alone', files, mutant, mostMs }))
}

function nameOf({ moduleId }: { readonly moduleId: string }): string {
  return relative(process.cwd(), moduleId)
}
