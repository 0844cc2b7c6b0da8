import { type Equivalent, REMEMBERED, ROOM } from './reasons.ts'

const MINING = 'stratum/src/mining'

export const SUBMITS: readonly Equivalent[] = [
  { path: `${MINING}/verify-submit.ts`, within: 'let scratchCoinbase', what: 'any', because: ROOM },
  {
    path: `${MINING}/verify-submit.ts`,
    within: 'scratchCoinbase = new Uint8Array(2 * length)',
    what: '< becomes <=',
    because: ROOM
  },
  {
    path: `${MINING}/verify-submit.ts`,
    within: 'scratchCoinbase = new Uint8Array(2 * length)',
    what: '2 becomes (2 + 1)',
    because: ROOM
  },
  {
    path: `${MINING}/verify-submit.ts`,
    within: 'scratchCoinbase = new Uint8Array(2 * length)',
    what: '* becomes +',
    because: ROOM
  },
  { path: `${MINING}/verify-submit.ts`, within: 'context.lastRoot.keep(', what: 'any', because: REMEMBERED }
]
