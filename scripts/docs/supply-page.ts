import { fileURLToPath } from 'node:url'
import { type Installed, installedPackages, namedByUs } from '../supply/installed.ts'
import { KNOWN_INSTALL_SCRIPTS, PURPOSES } from '../supply/purposes.ts'
import { code, grouped, type Page, pageText, table } from './page.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

/** What others wrote that this project names. */
export function supplyPage(): Page {
  const named = namedByUs(ROOT)
  const installed = installedPackages(ROOT)
  const rows = [...named].map(([name, where]) => rowOf(name, where, installed))
  return {
    path: 'docs/supply.md',
    text: pageText({
      title: 'What others wrote',
      source: 'scripts/supply and what is installed',
      parts: [PREFACE, table({ head: ['package', 'for', 'in', 'licence', 'kB'], rows }), SCRIPTS]
    })
  }
}

function rowOf(name: string, where: 'node' | 'tools', installed: readonly Installed[]): string[] {
  // Some are installed under another name.
  const real = name === '@chainsafe/libp2p-gossipsub' ? '@libp2p/gossipsub' : name
  const newest = installed.filter(({ name: of }) => of === real).at(-1)
  const { version = '', licence = '', bytes = 0 } = newest ?? {}
  return [code(`${real} ${version}`), PURPOSES[name] ?? '', where, licence, grouped(Math.ceil(bytes / 1_000))]
}

const PREFACE = `The libraries that packages of this project name, at the version that is installed; \`tools\` build and test and are in nothing that
runs. Versions and hashes of these and of all they need are in \`pnpm-lock.yaml\`, and an install takes nothing else. All of it as a bill of materials
in CycloneDX: \`node --import tsx scripts/check-supply.ts --sbom sbom.json\`.

\`npm run check\` fails when a package wants to run a script while it is installed, has a licence that is not on the list, or is named here without a
purpose. What is in a package that only another one needs is looked at by the same check.`

const SCRIPTS = `Install scripts: none is run. ${[...KNOWN_INSTALL_SCRIPTS].map(code).join(', ')} have one, pnpm is told not to run it, and they work without, since
each brings what the script would make or fetch.`
