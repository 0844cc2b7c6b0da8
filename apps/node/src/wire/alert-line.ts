import type { Alert } from '@p2poolv2/alerts'
import type { Log } from '@p2poolv2/runtime'

/** What becomes of an alert next. */
export type AlertWay = 'nowhere' | 'held' | 'sending'

const SENTENCES: Readonly<Record<AlertWay, string>> = {
  nowhere: 'alert, sent to nobody: [alerts] names no destination',
  held: 'alert, held until the quiet hours are over',
  sending: 'alert, on its way to its destinations'
}

/**
 * The log's line of an alert claims no more than is so. News have no state: they are neither raised nor over, and have a line of their own
 * beside this one, so that news for nobody are told at level debug alone.
 */
export function logAlert(log: Log, { rule, state, text }: Alert, way: AlertWay): void {
  if (state !== 'told') log.info({ rule, state, text }, SENTENCES[way])
  else if (way === 'nowhere') log.debug({ rule, text }, SENTENCES[way])
  else log.info({ rule, text }, SENTENCES[way])
}
