import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

const FOREIGN = ['**/node_modules/**', '**/dist/**']
// Layers with sockets, disks or process state; the others have none a test could leave behind.
const EDGES = ['packages/{api,bitcoind,runtime}/src/**/*.test.ts']

export default defineConfig({
  resolve: { conditions: ['p2pool-source'] },
  ssr: { resolve: { conditions: ['p2pool-source'] } },
  test: {
    pool: 'forks',
    // A process for each core: vitest leaves one core idle, and with two that is half of the computer.
    maxWorkers: availableParallelism(),
    // Long enough for a machine that does ten other things.
    testTimeout: 120_000,
    setupFiles: ['test/seed.ts'],
    projects: [
      {
        extends: true,
        // Pure files share a process and its modules, which halves the time of the whole run.
        test: {
          name: 'pure',
          include: ['packages/*/src/**/*.test.ts'],
          exclude: [...FOREIGN, ...EDGES],
          isolate: false
        }
      },
      {
        extends: true,
        test: {
          name: 'edge',
          include: [...EDGES, 'packages/*/*/src/**/*.test.ts', '{apps,scripts,test}/**/*.test.ts'],
          // These have configurations and commands of their own.
          exclude: [...FOREIGN, 'test/{interop,network}/**']
        }
      }
    ]
  }
})
