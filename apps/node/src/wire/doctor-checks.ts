import { setTimeout as pause } from 'node:timers/promises'
import type { PeersJson } from '@p2poolv2/api/schema'
import { type Clock, type Log, MESSAGES, type Part } from '@p2poolv2/runtime'
import type { Check } from '../doctor/check.ts'
import { hostChecks, keptChecks } from '../doctor/host-doctor.ts'
import type { Config } from '../settings.ts'

/** At the end, for what is being looked at. */
const REST_WITHIN_MS = 500

interface DoctorDeps {
  /** The file of the configuration. */
  readonly file: string | null
  readonly ports: () => { readonly stratum: number; readonly api: number }
  /** Null in the modes without peers. */
  readonly peers: (() => Pick<PeersJson, 'reachability' | 'listening'>) | null
  readonly clock: Clock
  readonly log: Log
}

/** What a running node checks of the world around it: when somebody asks, and once when it has started. */
export function doctorChecks(
  config: Config,
  { file, ports, peers, clock, log }: DoctorDeps
): { readonly kept: () => Promise<readonly Check[]>; readonly atStart: Part } {
  let looking: Promise<unknown> = Promise.resolve()
  let isStopping = false
  const look = (): Promise<readonly Check[]> => {
    const listening = peers?.().listening ?? []
    const p2p = Number(/\/tcp\/(\d+)/.exec(listening[0] ?? '')?.[1] ?? Number.NaN)
    const settings = { config, file, mistakes: [], reachability: peers?.().reachability ?? null }
    const checks = hostChecks(settings, { ...ports(), p2p: Number.isNaN(p2p) ? null : p2p })
    looking = checks.catch(() => undefined)
    return checks
  }
  const kept = keptChecks(look, () => clock.now().steadyMs)
  const told = async (): Promise<void> => {
    const checks = await kept()
    // What is closed by now is no finding.
    if (isStopping) return
    for (const { id, state, message, fix, cost } of checks) {
      if (state === 'fail') log.warn(MESSAGES.doctorFound, { check: id, found: message, fix, cost })
      else if (state === 'warn') log.info({ check: id, found: message, fix }, 'a check found something to look at')
    }
  }
  return {
    kept,
    atStart: {
      name: 'doctor',
      // Nobody waits for it: what it finds does not keep the node from mining.
      start: () => void told().catch(err => log.info({ err }, 'not everything could be checked')),
      // What is on its way may have a file in the data directory; bitcoin nodes that are slow to answer are not waited for.
      stop: async ({ signal }) => {
        isStopping = true
        const ended = new AbortController()
        const isUp = pause(REST_WITHIN_MS, undefined, { signal: AbortSignal.any([signal, ended.signal]) })
        await Promise.race([looking, isUp.catch(() => undefined)])
        ended.abort()
      }
    }
  }
}
