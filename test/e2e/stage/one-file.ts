import { cp, mkdir, readdir, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const APP = join(ROOT, 'apps/node')
const STORE = join(ROOT, 'node_modules/.pnpm')
/** What the program starts as threads, looked for beside the file that starts them. */
const THREADS = ['apps/miner/dist/grind-worker.js', 'packages/stratum/tcp/dist/v2/handshake-thread.js']
/** Brings a compiled part of its own, found beside its package. */
const NATIVE = ['classic-level', 'zeromq']

interface Packer {
  build(options: object): Promise<unknown>
}

/**
 * The built node as one file, made by the packer that `tsx` brings: it starts in 0.9 s of processor time, where the thousand files it is
 * made of take 2.1 s. Who starts it a thousand times wants that.
 * @returns the path of its main file, in `folder`
 */
export async function oneFile(folder: string): Promise<string> {
  await rm(folder, { recursive: true, force: true })
  const program = join(folder, 'dist', 'program')
  const packer = createRequire(createRequire(import.meta.url).resolve('tsx'))('esbuild') as Packer
  await packer.build({
    entryPoints: [join(APP, 'dist', 'main.js'), ...THREADS.map(path => join(ROOT, path))],
    outdir: program,
    entryNames: '[name]',
    bundle: true,
    platform: 'node',
    format: 'esm',
    keepNames: true,
    external: NATIVE,
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);"
    },
    logLevel: 'error'
  })
  // The program and a library of it read their version from a `package.json` above them.
  for (const place of ['dist', '.']) await cp(join(APP, 'package.json'), join(folder, place, 'package.json'))
  const packages = await readdir(STORE)
  for (const name of NATIVE) {
    const found = packages.find(version => version.startsWith(`${name}@`))
    if (found === undefined) throw new Error(`${name} is not installed`)
    const link = join(folder, 'node_modules', name)
    await mkdir(dirname(link), { recursive: true })
    await symlink(join(STORE, found, 'node_modules', name), link)
  }
  return join(program, 'main.js')
}
