import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { ConfigError } from '../config.ts'

/** In the data directory. */
export const WALLET_FILE_NAME = 'wallet.key'

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'that file system is read-only',
  ENOTDIR: 'a part of that path is a file',
  EEXIST: 'that is a file',
  ENOSPC: 'the disk is full',
  ENOENT: 'that path cannot be made'
}

/**
 * Makes the data directory if need be and sees that it can be written to.
 * @throws ConfigError that says why not, and which setting names another place
 */
export function openDataDir(dataDir: string): void {
  try {
    makeFolder(resolve(dataDir))
    if (!statSync(dataDir).isDirectory()) throw Object.assign(new Error('not a directory'), { code: 'EEXIST' })
    accessSync(dataDir, constants.W_OK | constants.X_OK)
  } catch (cause) {
    const reason = REASONS[(cause as NodeJS.ErrnoException).code ?? ''] ?? (cause as Error).message
    throw new ConfigError(
      `the data directory ${dataDir} cannot be used: ${reason}. Choose another with --data-dir or data_dir`,
      { cause }
    )
  }
}

/**
 * A data directory that was moved with its configuration in it, which still names the old place: what would begin there has
 * another wallet key, and none of the shares.
 * @param file the configuration that names `dataDir`
 * @throws ConfigError where a key is beside the file, and none in the place it names
 */
export function refuseMovedFolder(file: string, dataDir: string): void {
  const beside = dirname(resolve(file))
  const hasKey = (folder: string): boolean => existsSync(join(folder, WALLET_FILE_NAME))
  if (beside === resolve(dataDir) || !hasKey(beside) || hasKey(dataDir)) return
  throw new ConfigError(
    `${file} names ${dataDir} as data_dir, where there is no ${WALLET_FILE_NAME}, and there is one beside the file: if the folder ` +
      `was moved, set data_dir = ${JSON.stringify(beside)} in it. To go on with a new key instead, make one with: ` +
      `./p2poolv2 address --new --data-dir '${dataDir}'`
  )
}

/**
 * Folder by folder from the first one that is missing: asked for all at once, Node.js never gives up where the system says
 * that a folder cannot be made in one that is there, as in /proc.
 */
export function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  makeFolder(dirname(folder))
  try {
    mkdirSync(folder)
  } catch (error) {
    // Another process was faster.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** Where the shares of a chain are. */
export function storeFolder(dataDir: string, chain: string): string {
  return join(dataDir, chain, 'store')
}
