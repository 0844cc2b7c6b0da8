import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { supplyBreaches } from './breaches.ts'
import { type Installed, installedPackages, namedByUs } from './installed.ts'
import { billOfMaterials } from './sbom.ts'

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')
const read = (file: string): string => readFileSync(`${root}/${file}`, 'utf8')
const workspace = read('pnpm-workspace.yaml')

const good: Installed = {
  name: 'good',
  version: '1.0.0',
  licence: 'MIT',
  bytes: 1,
  installScripts: [],
  isInNode: true
}

it('what is installed has no breach, and each library we name a purpose', () => {
  expect(supplyBreaches(installedPackages(root), { named: namedByUs(root).keys(), workspace })).toEqual([])
})

it.each([
  ['gained an install script', { ...good, installScripts: ['postinstall'] }, 'wants to run postinstall'],
  ['says nothing of its licence', { ...good, licence: 'none given' }, 'none given'],
  ['is under a licence that asks for more', { ...good, licence: 'GPL-3.0' }, 'GPL-3.0'],
  ['runs in a node under the licence of a tool', { ...good, licence: 'MPL-2.0' }, 'MPL-2.0']
])('a package that %s is a breach', (_what, one, said) => {
  expect(supplyBreaches([one], { named: [], workspace })).toEqual([expect.stringContaining(said)])
})

it('so is a library without a purpose, and a known script that may run', () => {
  expect(supplyBreaches([], { named: ['left-pad'], workspace })).toHaveLength(1)
  expect(supplyBreaches([], { named: [], workspace: '' })).toHaveLength(4)
})

it('a choice of licences counts by the best', () => {
  const one = { ...good, licence: '(GPL-3.0 OR MIT)' }
  expect(supplyBreaches([one], { named: [], workspace })).toEqual([])
})

it('the bill of materials has everything once, with the hash of the lockfile', () => {
  const installed = installedPackages(root)
  const bill = billOfMaterials(installed, { lockfile: read('pnpm-lock.yaml'), version: '1' }) as {
    readonly components: readonly { readonly purl: string; readonly hashes: readonly unknown[] }[]
  }
  expect(new Set(bill.components.map(({ purl }) => purl)).size).toBe(installed.length)
  expect(bill.components.filter(({ hashes }) => hashes.length !== 1)).toEqual([])
})
