import { resolve } from 'node:path'
import type { Clock, Log } from '@p2poolv2/runtime'
import type { DifficultyLimits, SessionSettings } from '@p2poolv2/stratum'
import { Recorder } from '@p2poolv2/stratum/tcp'
import type { Config } from '../settings.ts'
import { VERSION } from '../version.ts'

/** Writes down what miners say and are told, where the configuration has a folder for it; else null. */
export function stratumRecorder(
  { stratum }: Config,
  settings: SessionSettings,
  deps: { readonly limits: () => DifficultyLimits; readonly clock: Clock; readonly log: Log }
): Recorder | null {
  const { record, record_redact } = stratum
  if (record === undefined) return null
  const redact = record_redact ? 'redact' : 'as-it-is'
  return new Recorder({ folder: resolve(record), redact, settings, version: VERSION }, deps)
}
