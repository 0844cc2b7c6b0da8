import type { Installed } from './installed.ts'

/** The bill of materials of everything installed, in CycloneDX 1.5: with the hashes of the lockfile, and no time, so that it is the same each time. */
export function billOfMaterials(
  installed: readonly Installed[],
  { lockfile, version }: { readonly lockfile: string; readonly version: string }
): object {
  const hashes = hashesIn(lockfile)
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: { component: { type: 'application', name: 'p2poolv2', version, licenses: [{ license: { id: 'MIT' } }] } },
    components: installed.map(({ name, version: of, licence, isInNode }) => ({
      type: 'library',
      name,
      version: of,
      purl: `pkg:npm/${name.replace('@', '%40')}@${of}`,
      scope: isInNode ? 'required' : 'excluded',
      licenses: [{ expression: licence }],
      hashes: hashes.get(`${name}@${of}`) ?? []
    }))
  }
}

/** By name and version. */
function hashesIn(lockfile: string): ReadonlyMap<string, { alg: string; content: string }[]> {
  const hashes = new Map<string, { alg: string; content: string }[]>()
  for (const [, id = '', sum = ''] of lockfile.matchAll(
    /^ {2}'?([^'\s]+@[^'\s]+?)'?:\n {4}resolution: \{integrity: sha512-([^}]+)\}/gm
  )) {
    hashes.set(id, [{ alg: 'SHA-512', content: Buffer.from(sum, 'base64').toString('hex') }])
  }
  return hashes
}
