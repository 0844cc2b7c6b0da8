import { statSync } from 'node:fs'
import { relative } from 'node:path'
import { defineConfig, type Plugin } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { readOrder } from './order.ts'
import { switchedFiles } from './sources.ts'

/** Gives the sources that are mutated with all their mutants in them. */
function mutated(): Plugin {
  const { files, only } = readOrder()
  const texts = new Map(switchedFiles(files).map(({ path, text }) => [path, text]))
  return {
    name: `mutated-${only ?? 'all'}`,
    enforce: 'pre',
    transform(_, id) {
      const text = texts.get(relative(process.cwd(), id))
      return text === undefined ? undefined : { code: text, map: null }
    }
  }
}

/** Small files first: mostly they are the quick ones, and what those notice the others are not tried on. */
class SmallFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.sort((a, b) => statSync(a.moduleId).size - statSync(b.moduleId).size)
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
    testTimeout: 600_000,
    hookTimeout: 600_000,
    sequence: { sequencer: SmallFirst },
    setupFiles: ['test/seed.ts', 'test/mutation/setup.ts'],
    runner: 'test/mutation/runner.ts',
    include: ['packages/*/src/**/*.test.ts', 'packages/*/*/src/**/*.test.ts', 'apps/*/src/**/*.test.ts']
  }
})
