/** The check of what others wrote: no package that runs a script while it is installed, none of an unknown licence, none without a purpose. `--sbom FILE` writes the bill of materials. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { supplyBreaches } from './supply/breaches.ts'
import { installedPackages, namedByUs } from './supply/installed.ts'
import { billOfMaterials } from './supply/sbom.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (file: string): string => readFileSync(`${root}/${file}`, 'utf8')
const { sbom } = parseArgs({ options: { sbom: { type: 'string' } } }).values

const installed = installedPackages(root.replace(/\/$/, ''))
const breaches = supplyBreaches(installed, { named: namedByUs(root).keys(), workspace: read('pnpm-workspace.yaml') })
for (const breach of breaches) console.log(breach)
if (sbom !== undefined) {
  const { version } = JSON.parse(read('apps/node/package.json')) as { readonly version: string }
  writeFileSync(
    sbom,
    `${JSON.stringify(billOfMaterials(installed, { lockfile: read('pnpm-lock.yaml'), version }), null, 2)}\n`
  )
}
const inNode = installed.filter(({ isInNode }) => isInNode)
const mib = (inNode.reduce((sum, { bytes }) => sum + bytes, 0) / 1_048_576).toFixed(0)
console.log(
  `${installed.length} packages of others, ${inNode.length} of them in a node (${mib} MiB), ${breaches.length} breaches`
)
process.exitCode = breaches.length === 0 ? 0 : 1
