import { relative } from 'node:path'
import { defineConfig, type Plugin } from 'vitest/config'
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
    testTimeout: 120_000,
    setupFiles: ['test/seed.ts', 'test/mutation/setup.ts'],
    runner: 'test/mutation/runner.ts',
    include: ['packages/*/src/**/*.test.ts', 'packages/*/*/src/**/*.test.ts', 'apps/*/src/**/*.test.ts']
  }
})
