import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach } from 'vitest'

/** What a test opens and has to close again. */
interface Closing {
  close(): Promise<void>
}

/** A directory for the test under way. */
interface TestDirectory {
  /** Empty when the test begins, gone when it has ended. */
  readonly path: string
  /** What was opened in it last, and is closed before it goes. */
  readonly opened: Closing[]
  /** Notes what was opened, and gives it back. */
  closing<T extends Closing>(opened: T): T
}

/** Gives each test of the file a directory of its own. */
export function useDirectory(name: string): TestDirectory {
  let path = ''
  const opened: Closing[] = []
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), `${name}-`))
  })
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close()
    await rm(path, { recursive: true })
  })
  return {
    get path() {
      return path
    },
    opened,
    closing: one => {
      opened.push(one)
      return one
    }
  }
}

/** A store in a directory of its own that can be closed and opened again, for a suite that every such store has to pass. */
export async function reopenable<T extends Closing>(name: string, open: (directory: string) => Promise<T>) {
  const directory = await mkdtemp(join(tmpdir(), `${name}-`))
  let store = await open(directory)
  return {
    store,
    reopen: async (): Promise<T> => {
      await store.close()
      store = await open(directory)
      return store
    },
    dispose: async (): Promise<void> => {
      await store.close()
      await rm(directory, { recursive: true })
    }
  }
}

/** Writes rubbish over 400 bytes in the middle of each table of a LevelDB that nobody has open. @returns how many tables */
export async function damageTables(directory: string): Promise<number> {
  const tables = (await readdir(directory)).filter(name => name.endsWith('.ldb')).map(name => join(directory, name))
  for (const table of tables) {
    const bytes = await readFile(table)
    bytes.fill(0xee, bytes.length >> 1, (bytes.length >> 1) + 400)
    await writeFile(table, bytes)
  }
  return tables.length
}

/**
 * Runs a script that writes one number a line, each once what it stands for is safe, and kills it at one of them.
 * @returns the last number it wrote
 * @throws Error if it ended of its own accord
 */
export async function killedAt(number: number, script: URL, directory: string): Promise<number> {
  const arguments_ = ['--conditions=p2pool-source', '--import=tsx', fileURLToPath(script), directory]
  const child = spawn(process.execPath, arguments_, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  let told = 0
  for await (const line of createInterface(child.stdout)) {
    told = Number(line)
    if (told === number) child.kill('SIGKILL')
  }
  const [code, signal] = await ended
  if (signal !== 'SIGKILL')
    throw new Error(`the process was to be killed at ${number} and ended at ${told} with ${code}`)
  return told
}
