import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig, type Plugin } from 'vite'

const OUT = join(import.meta.dirname, 'dist')

/** Lays packed copies beside the files, once, so that the node packs nothing while it serves. */
function packed(): Plugin {
  return {
    name: 'packed-copies',
    apply: 'build',
    closeBundle() {
      for (const entry of readdirSync(OUT, { recursive: true, withFileTypes: true })) {
        if (!/\.(js|css|html|svg)$/.test(entry.name)) continue
        const file = join(entry.parentPath, entry.name)
        const content = readFileSync(file)
        writeFileSync(`${file}.br`, brotliCompressSync(content))
        writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }))
      }
    }
  }
}

/** The page loads nothing from elsewhere, and all its paths are relative, so that it works behind any path of a proxy. */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  plugins: [svelte({ configFile: false, compilerOptions: { runes: true } }), packed()],
  resolve: { conditions: ['p2pool-source', 'browser', 'module', 'import', 'default'] },
  build: {
    target: 'es2022',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rolldownOptions: { checks: { pluginTimings: false } }
  },
  // For work on the page: `vite` shows it from its sources, a running node answers.
  server: { proxy: { '/v1': 'http://127.0.0.1:46884' } }
})
