import { resolve } from 'node:path'
import type { NodeEffect, NodeEvent } from '@p2poolv2/node'
import type { Machine } from '@p2poolv2/node/shell'
import type { Moment } from '@p2poolv2/primitives'
import type { Log, Part } from '@p2poolv2/runtime'
import type { DifficultyLimits, SessionSettings } from '@p2poolv2/stratum'
import { Recorder } from '@p2poolv2/stratum/tcp'
import { ConfigError } from '../../config.ts'
import type { Config } from '../../settings.ts'
import { VERSION } from '../../version.ts'
import { STOP_RANK } from '../stop-order.ts'

/** Writes down what miners say and are told. */
export interface StratumRecorder {
  readonly part: Part
  /** The same machine, with what passes between it and its miners written down, at the very times that the machine has. */
  between(machine: Machine): Machine
}

/** @returns null where the configuration has no folder for it: then nothing stands before the machine */
export function stratumRecorder(
  { stratum }: Config,
  settings: SessionSettings,
  deps: { readonly limits: () => DifficultyLimits; readonly log: Log }
): StratumRecorder | null {
  const { record, record_redact } = stratum
  if (record === undefined) return null
  const folder = resolve(record)
  const redact = record_redact ? 'redact' : 'as-it-is'
  const recorder = new Recorder(
    { folder, redact, settings, version: VERSION },
    {
      log: deps.log,
      limits: output => {
        const { shareDifficulty, bitcoinDifficulty } = deps.limits()
        return { shareDifficulty: COMMITTED.test(String(output)) ? shareDifficulty : null, bitcoinDifficulty }
      }
    }
  )
  return {
    part: {
      name: 'Stratum recorder',
      start: () => started(recorder, folder),
      stopRank: STOP_RANK.stratumRecorder,
      stop: () => recorder.stop()
    },
    between: machine => ({
      get nextDeadlineMs() {
        return machine.nextDeadlineMs
      },
      get queries() {
        return machine.queries
      },
      handle: (event, now) => {
        told(recorder, event, now)
        const effects = machine.handle(event, now)
        for (const effect of effects) asked(recorder, effect, now)
        return effects
      }
    })
  }
}

/** The end of a coinbase that can be a share: a commitment and the lock time. Work that pays one miner alone has none. */
const COMMITTED = /0{16}226a20[0-9a-f]{72}",\[/

async function started(recorder: Recorder, folder: string): Promise<void> {
  try {
    await recorder.start()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ConfigError(`stratum.record is ${folder}, which cannot be written to (${why}): name another folder`, {
      cause
    })
  }
}

function told(recorder: Recorder, event: NodeEvent, now: Moment): void {
  if (event.type === 'minerLines') recorder.received(event.miner, event.lines, now)
  // What is written down is lines, so only Stratum V1.
  else if (event.type === 'minerConnected' && event.channel === undefined) recorder.connected(event.miner, event, now)
  else if (event.type === 'minerGone') recorder.left(event.miner, now)
}

function asked(recorder: Recorder, effect: NodeEffect, now: Moment): void {
  if (effect.type === 'sendMiner') recorder.sent(effect.miner, effect.output, now)
  else if (effect.type === 'closeMiner') recorder.closed(effect.miner, effect.reason, now)
}
