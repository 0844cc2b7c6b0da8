import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { WrongUsage } from '../cli/outcome.ts'
import { typedPath } from '../typed-path.ts'

/** A file that a bundle cannot be written to; the message says what to name instead. */
export class BundleFileError extends Error {
  readonly code = 'bundle-file'
}

/**
 * The file to write a bundle to, absolute. It is looked at before anything is gathered, which takes a while.
 * @param named by --out; undefined: named by the time, where the user stands
 * @throws BundleFileError where nothing can be written there, or there is something already
 * @throws WrongUsage for a name that would hide what it is
 */
export function bundleFile(named: string | undefined, now: Date): string {
  const day = now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')
  const usual = `p2poolv2-support-${day}.tar.gz`
  const file = typedPath(named ?? usual)
  const refuse = (why: string, fix: string): never => {
    throw new BundleFileError(`the bundle cannot be written to ${file}: ${why}; ${fix}`)
  }
  if (existsSync(file))
    return statSync(file).isDirectory()
      ? refuse('it is a folder', `name a file in it: --out ${file.replace(/\/$/, '')}/${usual}`)
      : refuse('there is one already, which is left as it is', 'name another with --out')
  const folder = dirname(file)
  if (!existsSync(folder)) refuse(`there is no folder ${folder}`, 'make it, or name another file with --out')
  if (!/\.(tar\.gz|tgz)$/.test(file))
    throw new WrongUsage(`a bundle is a .tar.gz, and ${file} does not end so: say --out ${file}.tar.gz`)
  return file
}
