import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { ConfigError } from '../config.ts'

/** In the data directory while a node runs on it. */
const RUNNING_FILE_NAME = 'running.json'

const runningSchema = z.object({
  /** Of the API, on this computer. */
  url: z.url({ protocol: /^http$/ }),
  /** Allows what changes the node; made anew at every start. */
  token: z.string().min(1),
  pid: z.int()
})

/** How other commands on this computer reach the node that runs. */
export type RunningNodeFile = z.infer<typeof runningSchema>

/** For this user alone. A node that was killed leaves its file; the next start replaces it. */
export function writeRunningFile(dataDir: string, content: RunningNodeFile): void {
  const file = join(dataDir, RUNNING_FILE_NAME)
  rmSync(file, { force: true })
  writeFileSync(file, `${JSON.stringify(content)}\n`, { mode: 0o600, flag: 'wx' })
}

/** Opens the page as the owner's: the token stands behind the #, where it is sent to nobody and stays in no log of a proxy. */
export function ownerLink({ url, token }: Pick<RunningNodeFile, 'url' | 'token'>): string {
  return `${url}/#/node/owner=${token}`
}

export function removeRunningFile(dataDir: string): void {
  rmSync(join(dataDir, RUNNING_FILE_NAME), { force: true })
}

/**
 * @returns null if there is no such file
 * @throws ConfigError when it is none of ours
 */
export function readRunningFile(dataDir: string): RunningNodeFile | null {
  const file = join(dataDir, RUNNING_FILE_NAME)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw cause
  }
  try {
    return runningSchema.parse(JSON.parse(text))
  } catch (cause) {
    throw new ConfigError(`${file} is not what a running node writes: remove it and start the node again`, { cause })
  }
}
