import type { FiguresDelta } from '@p2poolv2/node'
import { TextStore, TextStoreError } from '@p2poolv2/node/shell'
import { type Log, MESSAGES } from '@p2poolv2/runtime'

/** Version of the layout of rows. */
const LAYOUT = '1'

/** What workers and node have done, kept over restarts. */
export interface FiguresStore {
  readonly rows: readonly (readonly [string, string])[]
  readonly keep: (delta: FiguresDelta) => void
  readonly close: () => Promise<void>
}

/** Figures are for show: where they cannot be kept, the node says so, counts from nothing and mines as ever. */
export async function openFigures(directory: string, log: Log): Promise<FiguresStore> {
  const sorry = (error: TextStoreError): void => log.warn(MESSAGES.figuresNotKept, { directory, reason: error.message })
  try {
    const { store, rows } = await TextStore.open(directory, { identity: LAYOUT, journal: 'without', onFailed: sorry })
    return { rows, keep: ({ puts, deletes }) => store.push(puts, deletes), close: () => store.close() }
  } catch (error) {
    if (!(error instanceof TextStoreError)) throw error
    sorry(error)
    return { rows: [], keep: () => {}, close: async () => {} }
  }
}
