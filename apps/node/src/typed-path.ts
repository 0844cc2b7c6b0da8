import { resolve } from 'node:path'

/**
 * A path of the command line or the environment, absolute. From a clone the program runs in the clone, wherever its user stands:
 * the script that starts it says where that is.
 */
export function typedPath(path: string): string {
  return resolve(process.env['P2POOLV2_CALLED_FROM'] ?? process.cwd(), path)
}
