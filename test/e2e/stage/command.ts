import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { plainEnvironment } from './program.ts'

const MAIN = fileURLToPath(new URL('../../../apps/node/dist/main.js', import.meta.url))
/** Half a second on a free machine. */
const ANSWER_WITHIN_MS = 180_000

/** What a command of the built program wrote, and how it ended. */
export interface CommandOutcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs one command to its end, its output no terminal. */
export function runCommand(...args: readonly string[]): Promise<CommandOutcome> {
  return new Promise((resolve, reject) => {
    const options = { env: plainEnvironment(), timeout: ANSWER_WITHIN_MS, maxBuffer: 64 * 1024 * 1024 }
    execFile(process.execPath, [MAIN, ...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code
      if (typeof code === 'number') resolve({ code, stdout, stderr })
      else reject(error)
    })
  })
}

/** What a shell is given to run the same. */
export function commandLine(...args: readonly string[]): string {
  return [process.execPath, MAIN, ...args].map(word => `'${word}'`).join(' ')
}
