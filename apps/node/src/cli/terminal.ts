import { type Sheet, styleFor } from './style.ts'

/** Where a command speaks. */
export interface Terminal {
  readonly say: (lines: string | readonly string[]) => void
  /** Beside the answer, for a person alone. */
  readonly remark: (line: string) => void
  readonly sheet: () => Sheet
}

/** This process's standard output and error. */
export function processTerminal(): Terminal {
  const { stdout, stderr, env } = process
  // `p2poolv2 shares | head`: who has read enough is no error of ours.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
  return {
    say: lines => void stdout.write(`${typeof lines === 'string' ? lines : lines.join('\n')}\n`),
    remark: line => void stderr.write(`p2poolv2: ${line}\n`),
    sheet: () => ({
      style: styleFor(stdout.isTTY === true, env),
      columns: stdout.isTTY === true ? stdout.columns : null,
      nowSec: Math.floor(Date.now() / 1_000)
    })
  }
}
