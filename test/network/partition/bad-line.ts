import { execFileSync } from 'node:child_process'

/** What a line between two homes takes, each way, and how many of a hundred packets it loses. */
const LATENCY_MS = 40
const LOSS_PERCENT = 1

/** The device of a line, in the namespace of either end. */
export const LINE_DEVICE = 'line'

/** How bad the line between two namespaces is. */
export interface BadLine {
  /** For people. */
  readonly name: string
  /** Makes one end so, within its namespace. Null: it cannot be made worse than it is. */
  readonly command: readonly [program: string, ...words: string[]] | null
}

/** The worst first. */
const WAYS: readonly BadLine[] = [
  {
    name: `${LATENCY_MS} ms each way and ${LOSS_PERCENT} % of all packets lost, by netem`,
    command: [
      'tc',
      ...['qdisc', 'add', 'dev', LINE_DEVICE, 'root', 'netem'],
      ...['delay', `${LATENCY_MS}ms`, 'loss', `${LOSS_PERCENT}%`]
    ]
  },
  {
    // Lost where they come in: whoever sends one that is dropped on its way out is told.
    name: `${LOSS_PERCENT} % of all packets lost, by nftables, and no latency, which netem alone could add`,
    command: [
      'nft',
      'add table ip line; add chain ip line loss { type filter hook prerouting priority -300; }; ' +
        `add rule ip line loss iifname "${LINE_DEVICE}" numgen random mod 100 < ${LOSS_PERCENT} drop`
    ]
  }
]
const GOOD: BadLine = { name: 'neither latency nor loss, as there is neither netem nor nftables', command: null }

/** The worst line that this system can make, found out by trying. @param namespace one with a device for a line */
export function worstLine(namespace: string): BadLine {
  return WAYS.find(({ command }) => command !== null && works(namespace, command)) ?? GOOD
}

function works(namespace: string, command: readonly string[]): boolean {
  try {
    execFileSync('ip', ['netns', 'exec', namespace, ...command], { stdio: 'pipe' })
    return true
  } catch {
    return false
  }
}
