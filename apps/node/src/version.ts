import { readFileSync } from 'node:fs'

const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

/** The node's version, as `--version`, the page and the logs show it: that of this app's package.json, the only place that has it. */
export const VERSION = String((manifest as { readonly version?: unknown }).version)
