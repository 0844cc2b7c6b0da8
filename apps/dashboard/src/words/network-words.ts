import type { StatusJson } from '@p2poolv2/api/schema'
import { durationText } from '@p2poolv2/earnings/words'
import { countOf, countText } from './figures.ts'

type Network = StatusJson['network']

const STATES = { alone: 'No peer', syncing: 'Catching up', current: 'Current' } as const
const PHASES = { comparing: 'Comparing headers', fetching: 'Taking headers', checking: 'Taking shares' } as const

/** How the share chain stands with the others; while it catches up, how far it is, how fast and how long it takes. */
export function networkText({ state, peers, sync }: Network): string {
  if (state === 'alone') return STATES.alone
  if (sync === null) return `${STATES[state]}, ${countOf(peers, 'peer')}`
  const { phase, doneHeights, totalHeights, heightsPerSecond, secondsLeft } = sync
  const rate = heightsPerSecond === null ? '' : `, ${countText(Math.round(heightsPerSecond))} a second`
  const left = secondsLeft === null ? '' : `, ${durationText(secondsLeft)} left`
  return `${PHASES[phase]}: ${countText(doneHeights)} of ${countText(totalHeights)}${rate}${left}`
}
