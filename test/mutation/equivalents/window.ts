import { COMPARED, type Equivalent, ROOM, SORTED } from './reasons.ts'

const FILE = 'payout/payout-window.ts'

export const WINDOW: readonly Equivalent[] = [
  {
    path: FILE,
    within: 'this.#said.length = 0',
    what: '0 becomes (0 + 1)',
    because: 'who enters is forgotten first'
  },
  { path: FILE, within: 'this.#isSorted = true', what: 'true becomes false', because: SORTED },
  {
    path: FILE,
    within: 'if (above.length >= this.#params.windowMaxShares',
    what: '>= becomes >',
    because: 'one step more finds the same, or begins anew'
  },
  {
    path: FILE,
    within: 'if (above.length >= this.#params.windowMaxShares',
    what: '|| becomes &&',
    because: 'before the genesis there is nothing'
  },
  { path: FILE, within: 'own + MAIN_WEIGHT', what: '+ becomes -', because: 'it stands at 0' },
  { path: FILE, within: 'const SCRATCH', what: 'any', because: 'which of the rows that belong to nobody it is' },
  { path: FILE, within: 'return textA < textB', what: '< becomes <=', because: COMPARED },
  { path: FILE, within: 'return textA < textB', what: '> becomes >=', because: COMPARED },
  { path: FILE, within: 'return textA < textB', what: '1 becomes (1 + 1)', because: COMPARED },
  { path: FILE, within: 'return textA < textB', what: '0 becomes (0 + 1)', because: COMPARED },
  {
    path: FILE,
    within: 'place < this.#present.length',
    what: '< becomes <=',
    because: 'nobody stands behind the last place'
  },
  { path: FILE, within: 'const larger = new Int32Array', what: 'any', because: ROOM },
  {
    path: FILE,
    within: 'return textA < textB',
    what: '> becomes <=',
    because: 'a sort asks whether one stands before the other, and nothing else'
  },
  { path: FILE, within: '  #isSorted = true', what: 'true becomes false', because: SORTED },
  { path: FILE, within: '#occurrences = new Int32Array(64)', what: 'any', because: ROOM },
  { path: FILE, within: '#placeInPresent = new Int32Array(64)', what: 'any', because: ROOM },
  { path: 'payout/weight-table.ts', within: '#limbs = new Float64Array', what: 'any', because: ROOM },
  { path: 'payout/weight-table.ts', within: 'const MAX_TARGETS', what: 'any', because: 'how much is remembered' },
  { path: 'payout/weight-table.ts', within: 'const ROW =', what: '3 becomes (3 + 1)', because: ROOM },
  { path: 'payout/wide-sums.ts', within: 'export const LIMBS = 3', what: 'any', because: 'one limb more stays 0' },
  { path: 'payout/wide-sums.ts', within: '#limbs = new Float64Array', what: 'any', because: ROOM },
  {
    path: 'payout/window-entries.ts',
    within: '#oldest = 0',
    what: 'any',
    because: 'it is cleared before the first share enters'
  },
  { path: 'payout/payout.ts', within: 'if (text < before)', what: '< becomes >=', because: SORTED },
  {
    path: 'payout/payout.ts',
    within: 'LAST_ASKED.set(',
    what: 'any',
    because: 'what is not remembered is split again'
  },
  { path: 'payout/payout.ts', within: 'let isOrdered = true', what: 'true becomes false', because: SORTED },
  { path: 'payout/payout.ts', within: 'if (text < before)', what: '< becomes <=', because: SORTED },
  { path: 'payout/payout.ts', within: 'return isOrdered ? miners', what: '< becomes <=', because: COMPARED },
  { path: 'payout/payout.ts', within: 'return isOrdered ? miners', what: '1 becomes (1 + 1)', because: COMPARED },
  {
    path: 'payout/weight-table.ts',
    within: 'if (this.#rowOfBits.size >= MAX_TARGETS)',
    what: 'any',
    because: 'a target that is forgotten is computed again'
  },
  {
    path: 'payout/weight-table.ts',
    within: 'if (row + ROW > this.#limbs.length)',
    what: '> becomes >=',
    because: ROOM
  },
  { path: 'payout/weight-table.ts', within: 'const larger = new Float64Array', what: 'any', because: ROOM },
  { path: 'payout/weight-table.ts', within: 'row + MAIN_WEIGHT', what: '+ becomes -', because: 'it stands at 0' },
  {
    path: 'payout/weight-table.ts',
    within: 'this.#rowOfBits.set(bits, row)',
    what: 'this.#rowOfBits.set(bits, row) becomes nothing',
    because: 'a target that is not remembered is computed again, in the same row'
  },
  {
    path: 'payout/wide-sums.ts',
    within: 'return difference < 0 ? -1 : 1',
    what: '< becomes <=',
    because: 'it is not 0 there'
  },
  {
    path: 'payout/wide-sums.ts',
    within: 'return difference < 0 ? -1 : 1',
    what: '0 becomes (0 + 1)',
    because: 'a difference is a whole number, and not 0 there'
  },
  { path: 'payout/wide-sums.ts', within: 'const needed = (index + 1)', what: '1 becomes (1 + 1)', because: ROOM },
  { path: 'payout/wide-sums.ts', within: 'if (needed > this.#limbs.length)', what: '> becomes >=', because: ROOM },
  { path: 'payout/wide-sums.ts', within: 'const larger = new Float64Array', what: 'any', because: ROOM },
  { path: 'payout/window-entries.ts', within: 'this.#lanes = 1 + maxUncles', what: '1 becomes (1 + 1)', because: ROOM },
  {
    path: 'payout/window-entries.ts',
    within: 'if (slot >= this.#seqOfSlot.length) return null',
    what: '>= becomes >',
    because: 'nothing stands there, which is no sequence of an entry'
  },
  { path: 'payout/window-entries.ts', within: 'const larger = new Int32Array', what: 'any', because: ROOM },
  { path: 'payout/window-entries.ts', within: 'if (this.length > this.#mask)', what: '> becomes >=', because: ROOM },
  {
    path: 'payout/window-entries.ts',
    within: 'seq < this.#end; seq++',
    what: '< becomes <=',
    because: 'the row behind the last is written before it is read'
  },
  {
    path: 'payout/window-entries.ts',
    within: '(oldRow + 1) * lanes), row * lanes',
    what: '1 becomes (1 + 1)',
    because: 'the row behind is written before it is read'
  },
  {
    path: 'payout/payout.ts',
    within: 'const scale = rest / Number(total)',
    what: '/ becomes *',
    because: 'an estimate that is of no use is divided in whole numbers'
  },
  {
    path: 'payout/payout.ts',
    within: 'const doubt = estimate * DOUBT',
    what: '* becomes +',
    because: 'an estimate that is of no use is divided in whole numbers'
  },
  { path: 'payout/payout.ts', within: 'return [...byAddress.values()].sort', what: '< becomes <=', because: COMPARED },
  {
    path: 'payout/payout.ts',
    within: 'return [...byAddress.values()].sort',
    what: '1 becomes (1 + 1)',
    because: COMPARED
  }
]
