import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// Apart from `npm test`, because the Rust peer takes minutes to build.
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  resolve: { conditions: ['p2pool-source'] },
  ssr: { resolve: { conditions: ['p2pool-source'] } },
  test: {
    pool: 'forks',
    testTimeout: 30_000,
    setupFiles: ['test/seed.ts'],
    globalSetup: ['test/interop/rust-build.ts'],
    include: ['test/interop/*.test.ts']
  }
})
