import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// Apart from `npm test`: eight node processes at a time want the whole computer, for minutes.
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  resolve: { conditions: ['p2pool-source'] },
  ssr: { resolve: { conditions: ['p2pool-source'] } },
  test: {
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 1_800_000,
    setupFiles: ['test/seed.ts'],
    include: ['test/network/*.test.ts']
  }
})
