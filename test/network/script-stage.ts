import { constants } from 'node:os'
import { Stage } from '../e2e/stage/stage.ts'

/** A stage for a script: gone when the work ends, and when a signal ends it before. */
export async function onStage(work: (stage: Stage) => Promise<void>): Promise<void> {
  const stage = new Stage()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => void stage.clear().finally(() => process.exit(128 + constants.signals[signal])))
  }
  try {
    await work(stage)
  } finally {
    await stage.clear()
  }
  // Nothing that others left open keeps it.
  process.exit()
}
