import { unixMs } from '@p2poolv2/primitives'
import { HASHRATE_WINDOWS_SEC, type Hashrates, type HashrateWindow } from './hashrate.ts'
import type { WorkerStats } from './pool-stats.ts'
import type { MinedFigures } from './tally.ts'

/** All that one address' workers have done. */
export interface UserStats extends MinedFigures {
  readonly payoutAddress: string
  /** Workers known, connected or not. */
  readonly workers: number
  readonly connections: number
}

/** Workers by their address, in the order in which each address comes first. */
export function usersOf(workers: readonly WorkerStats[]): readonly UserStats[] {
  const users = new Map<string, UserStats>()
  for (const { worker: _worker, goneAtMs: _goneAtMs, ...figures } of workers) {
    const known = users.get(figures.payoutAddress)
    users.set(figures.payoutAddress, known === undefined ? { ...figures, workers: 1 } : sumOf(known, figures))
  }
  return [...users.values()]
}

function sumOf(user: UserStats, more: Omit<UserStats, 'workers'>): UserStats {
  const rejectedByReason: Record<string, number> = { ...user.rejectedByReason }
  for (const [reason, count] of Object.entries(more.rejectedByReason))
    rejectedByReason[reason] = (rejectedByReason[reason] ?? 0) + count
  const rate = (window: string) => user.hashrates[window as HashrateWindow] + more.hashrates[window as HashrateWindow]
  const lastMs = Math.max(user.lastAcceptedAtMs ?? 0, more.lastAcceptedAtMs ?? 0)
  return {
    payoutAddress: user.payoutAddress,
    workers: user.workers + 1,
    connections: user.connections + more.connections,
    accepted: user.accepted + more.accepted,
    rejected: user.rejected + more.rejected,
    rejectedByReason,
    creditedDifficulty: user.creditedDifficulty + more.creditedDifficulty,
    bestDifficulty: Math.max(user.bestDifficulty, more.bestDifficulty),
    blocksFound: user.blocksFound + more.blocksFound,
    lastAcceptedAtMs: user.lastAcceptedAtMs === null && more.lastAcceptedAtMs === null ? null : unixMs(lastMs),
    hashrates: Object.fromEntries(
      Object.keys(HASHRATE_WINDOWS_SEC).map(window => [window, rate(window)])
    ) as unknown as Hashrates
  }
}
