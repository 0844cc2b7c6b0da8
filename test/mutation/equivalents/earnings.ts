import { COMPARED, EITHER_WAY, type Equivalent, REMEMBERED } from './reasons.ts'

const FOLDER = 'earnings/src'

export const EARNINGS: readonly Equivalent[] = [
  {
    path: `${FOLDER}/audit/payout-audit.ts`,
    within: 'const sorted = [...payees.values()].sort',
    what: '< becomes <=',
    because: 'no two have one text'
  },
  {
    path: `${FOLDER}/audit/payout-audit.ts`,
    within: 'const sorted = [...payees.values()].sort',
    what: '1 becomes (1 + 1)',
    because: COMPARED
  },
  {
    path: `${FOLDER}/audit/window-audit.ts`,
    within: 'const fullWeight = wanted <',
    what: '< becomes <=',
    because: EITHER_WAY
  },
  { path: `${FOLDER}/window/window-view.ts`, within: 'known.set(', what: 'any', because: REMEMBERED },
  { path: `${FOLDER}/window/work-since.ts`, within: 'known.set(', what: 'any', because: REMEMBERED }
]
