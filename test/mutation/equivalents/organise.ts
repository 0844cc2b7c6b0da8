import { BOUND, COMPARED, type Equivalent, INVARIANT, ROOM } from './reasons.ts'

const CHAINS = 'sharechain/src/chains'

export const ORGANISE: readonly Equivalent[] = [
  {
    path: `${CHAINS}/mining-base.ts`,
    within: 'return compareDigests(index.hash(a), index.hash(b)) < 0',
    what: 'any',
    because: 'equal are only a share and itself, and then nothing changes'
  },
  {
    path: `${CHAINS}/organise.ts`,
    within: 'checkInvariants()',
    what: 'any',
    because: INVARIANT
  },
  {
    path: `${CHAINS}/candidate-chain.ts`,
    within: 'checkLinked(this.#index, this.#tip, this.#at)',
    what: 'any',
    because: INVARIANT
  },
  {
    path: `${CHAINS}/confirmed-chain.ts`,
    within: 'checkLinked(this.#index, this.#tip, this.#at)',
    what: 'any',
    because: INVARIANT
  },
  {
    path: `${CHAINS}/mining-base.ts`,
    within: '(moved && !this.#organiser.descends',
    what: '&& becomes ||',
    because: 'searched anew, it is the same'
  },
  { path: `${CHAINS}/mining-base.ts`, within: 'if (above > MAX_STEPS) return', what: '> becomes >=', because: BOUND },
  {
    path: `${CHAINS}/mining-base.ts`,
    within: 'for (let steps = 0; steps < MAX_STEPS',
    what: '0 becomes (0 + 1)',
    because: BOUND
  },
  {
    path: `${CHAINS}/mining-base.ts`,
    within: 'for (let steps = 0; steps < MAX_STEPS',
    what: '< becomes <=',
    because: BOUND
  },
  { path: `${CHAINS}/mining-base.ts`, within: 'const MAX_STEPS', what: 'any', because: BOUND },
  {
    path: `${CHAINS}/mining-base.ts`,
    within: 'return workA > workB',
    what: '> becomes >=',
    because: 'they are not equal there'
  },
  {
    path: `${CHAINS}/organise.ts`,
    within: 'return index.work(a) > index.work(b) ? -1 : 1',
    what: '> becomes >=',
    because: 'they are not equal there'
  },
  {
    path: `${CHAINS}/organise.ts`,
    within: 'return index.work(a) > index.work(b) ? -1 : 1',
    what: '1 becomes (1 + 1)',
    because: COMPARED
  },
  { path: `${CHAINS}/organise.ts`, within: 'return aHolds ? -1 : 1', what: '1 becomes (1 + 1)', because: COMPARED },
  {
    path: `${CHAINS}/organise.ts`,
    within: 'order(stay, head) < 0',
    what: '0 becomes (0 + 1)',
    because: 'equal is only a share and itself, to which it turns'
  },
  {
    path: `${CHAINS}/organise.ts`,
    within: 'order(stay, head) < 0',
    what: '< becomes <=',
    because: 'equal is only a share and itself, to which it turns'
  },
  { path: `${CHAINS}/candidate-chain.ts`, within: 'this.#at.dropBelow(height)', what: 'any', because: ROOM },
  { path: `${CHAINS}/confirmed-chain.ts`, within: 'this.#at.dropBelow(height)', what: 'any', because: ROOM },
  {
    path: `${CHAINS}/candidate-chain.ts`,
    within: 'for (let at = tip; at > 0;',
    what: '> becomes >=',
    because: 'the genesis stands there already'
  },
  {
    path: `${CHAINS}/confirmed-chain.ts`,
    within: 'for (let at = tip; at > 0;',
    what: '> becomes >=',
    because: 'the genesis stands there already'
  },
  {
    path: `${CHAINS}/candidate-chain.ts`,
    within: 'for (let slot = tip; slot !== NO_SLOT; slot = index.prevSlot(slot))',
    what: '!== becomes ===',
    because: INVARIANT
  },
  {
    path: `${CHAINS}/pruner.ts`,
    within: 'if (index.lowestHeight >= floor) return',
    what: '>= becomes >',
    because: 'then nothing is left to prune'
  },
  {
    path: `${CHAINS}/pruner.ts`,
    within: 'organiser.confirmedHeight > 0) changes.moved',
    what: '> becomes >=',
    because: 'of the genesis alone nothing is let go of'
  },
  {
    path: `${CHAINS}/organise.ts`,
    within: 'Math.max(this.forkHeight() + 1, pruneHeight',
    what: '+ becomes -',
    because: 'what is confirmed from the prune height on is valid'
  },
  {
    path: `${CHAINS}/organise.ts`,
    within: 'from > fork + 1) && !isTopValid',
    what: '1 becomes (1 + 1)',
    because: 'where heights are missing, the lowest one kept is below the prune height too'
  },
  {
    path: `${CHAINS}/candidate-chain.ts`,
    within: '      this.#at.set(height, NO_SLOT)',
    what: 'any',
    because: 'it is let go of with its share'
  },
  { path: `${CHAINS}/evictor.ts`, within: 'export const MAX_BATCH_HEADS', what: 'any', because: BOUND },
  {
    path: `${CHAINS}/mining-base.ts`,
    within: '#confirmedTip: Slot = 0',
    what: 'any',
    because: 'in the first call of all only the first share can be confirmed, which became valid in it'
  }
]
