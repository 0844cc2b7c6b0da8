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
