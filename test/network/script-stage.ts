import { constants } from 'node:os'
import { Stage } from '../e2e/stage/stage.ts'

/** On a signal the stage is cleared for so long at most; programs still alive are killed as this one ends. */
const CLEAR_WITHIN_MS = 20_000

/** A stage for a script: gone when the work ends, and when a signal ends it before. */
export async function onStage(work: (stage: Stage) => Promise<void>): Promise<void> {
  const stage = new Stage()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      const end = (): never => process.exit(128 + constants.signals[signal])
      setTimeout(end, CLEAR_WITHIN_MS)
      void stage.clear().finally(end)
    })
  }
  try {
    await work(stage)
  } finally {
    await stage.clear()
  }
  // Nothing that others left open keeps it.
  process.exit()
}
