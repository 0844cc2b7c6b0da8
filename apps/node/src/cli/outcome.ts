/** How the program ends. Documented in docs/cli.md; a number keeps its meaning. */
export const EXIT = { done: 0, failed: 1, usage: 2, noNode: 3, wrong: 4 } as const

export const EXIT_MEANINGS: readonly (readonly [code: number, meaning: string])[] = [
  [EXIT.done, 'Done; for `start`: ended by a signal.'],
  [EXIT.failed, 'It could not be done; the message says why, and how to mend it.'],
  [EXIT.usage, 'The command line was not understood.'],
  [EXIT.noNode, 'No node runs there, or it does not answer.'],
  [EXIT.wrong, 'It was looked, and something is wrong: a check failed, a payout differs, a configuration has mistakes.']
]

/** Something the command needs a running node for, and none runs. */
export class NoNodeRuns extends Error {
  readonly code = 'no-node-runs'

  /**
   * @param at where it was looked: a port that was named goes before the directory
   * @param by whether the command could ask at a port: the secret of a link lies in the directory alone
   */
  constructor(
    { dataDir, apiPort }: { readonly dataDir: string; readonly apiPort: string | null },
    by: 'directory or port' | 'directory' = 'directory or port'
  ) {
    const orPort = by === 'directory' ? '' : " or its page's port with --api-port"
    super(
      apiPort === null
        ? `no node runs on ${dataDir}: start one with npm start, or name its directory with --data-dir${orPort}`
        : `no node answers at port ${apiPort}: give the port of its page (--api-port), or name its directory with --data-dir`
    )
  }
}

/** The command line asks for what there is not. */
export class WrongUsage extends Error {
  readonly code = 'wrong-usage'
}

/** What the program exits with for an error whose message is for a person. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof NoNodeRuns) return EXIT.noNode
  return error instanceof WrongUsage ? EXIT.usage : EXIT.failed
}
