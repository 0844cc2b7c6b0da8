import type { WorkersJson } from '@p2poolv2/api/schema'

export type Worker = WorkersJson['workers'][number]

export const WORKER_STATES: Readonly<
  Record<Worker['state'], { readonly text: string; readonly tone: 'good' | 'warn' | 'soft' }>
> = {
  online: { text: 'hashing', tone: 'good' },
  silent: { text: 'silent', tone: 'warn' },
  offline: { text: 'gone', tone: 'soft' }
}

/** Miners that gave no name go by the end of their address. */
export function workerName({ name, address }: Pick<Worker, 'name' | 'address'>): string {
  return name === '' ? `…${address.slice(-8)}` : name
}

const GONE_LONG_SEC = 86_400

/** Gone for more than a day: it is not looked for among those at work. */
export function isLongGone({ state, lastSeen }: Pick<Worker, 'state' | 'lastSeen'>, nowSec: number): boolean {
  return state === 'offline' && nowSec - (lastSeen ?? 0) >= GONE_LONG_SEC
}

/** A dash for a nought of one that is gone, which is no figure of it but that there is none; null where there is one to show. */
export function goneDash({ state }: Pick<Worker, 'state'>, figure: number): '–' | null {
  return state === 'offline' && figure === 0 ? '–' : null
}
