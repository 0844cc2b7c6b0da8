import { statSync } from 'node:fs'
import { relative } from 'node:path'
import { defineConfig, type Plugin } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { readOrder } from './order.ts'
import { switchedFiles } from './sources.ts'

const { how, files } = readOrder()
const sources = switchedFiles(files)

/** Gives the sources that are mutated with all their mutants in them. */
function mutated(): Plugin {
  const texts = new Map(sources.map(({ path, text }) => [path, text]))
  return {
    name: 'mutated',
    enforce: 'pre',
    transform(_, id) {
      const text = texts.get(relative(process.cwd(), id))
      return text === undefined ? undefined : { code: text, map: null }
    }
  }
}

/** Small files first: mostly they are the quick ones, and what those notice the others are not tried on. */
class QuickFirst extends BaseSequencer {
  override async sort(tests: TestSpecification[]): Promise<TestSpecification[]> {
    const bytes = ({ moduleId }: TestSpecification): number => statSync(moduleId).size
    return tests.sort((a, b) => bytes(a) - bytes(b))
  }
}

/** As they were given. */
class AsGiven extends BaseSequencer {
  override async sort(tests: TestSpecification[]): Promise<TestSpecification[]> {
    return tests
  }
}

export default defineConfig({
  root: '.',
  plugins: [mutated()],
  resolve: { conditions: ['p2pool-source'] },
  ssr: { resolve: { conditions: ['p2pool-source'] } },
  test: {
    pool: 'forks',
    isolate: false,
    fileParallelism: false,
    maxWorkers: 1,
    // What a mutant leaves running may fail much later.
    dangerouslyIgnoreUnhandledErrors: true,
    testTimeout: 600_000,
    hookTimeout: 600_000,
    sequence: { sequencer: how === 'alone' ? AsGiven : QuickFirst },
    setupFiles: ['test/seed.ts', 'test/mutation/setup.ts'],
    runner: how === 'alone' ? 'test/mutation/alone-runner.ts' : 'test/mutation/runner.ts',
    include: ['packages/*/src/**/*.test.ts', 'packages/*/*/src/**/*.test.ts', 'apps/*/src/**/*.test.ts']
  }
})
