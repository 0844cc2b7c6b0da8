import type { BlocksJson } from '@p2poolv2/api/schema'

export type PoolBlock = BlocksJson['blocks'][number]
export type Fate = Pick<PoolBlock, 'state' | 'confirmations' | 'blocksToMaturity'>

/** What became of a block, and whether its coins can be spent. */
export function fateText({ state, confirmations, blocksToMaturity }: Fate): string {
  switch (state) {
    case 'waiting':
      return 'not in the best chain yet'
    case 'immature':
      return `${confirmations} confirmed, ${blocksToMaturity ?? '?'} to go`
    case 'mature':
      return 'spendable'
    case 'orphaned':
      return 'orphaned: pays nobody'
  }
}

export function fateTone({ state }: Fate): 'good' | 'bad' | 'soft' {
  return state === 'mature' ? 'good' : state === 'orphaned' ? 'bad' : 'soft'
}

const ANSWERS: Readonly<Record<string, string>> = {
  seen: 'found by another node',
  submitted: 'handed to bitcoind, no answer yet',
  accepted: 'found here, accepted',
  duplicate: 'found here, known already',
  'lost-race': 'found here, another block was first',
  orphaned: 'found here, replaced by another block',
  superseded: 'found here, gave way to another of ours',
  unconfirmed: 'found by another node, its share not confirmed',
  rejected: 'found here, refused by bitcoind',
  failed: 'found here, bitcoind did not take it'
}

/** What our bitcoin nodes answered, and the reason they gave, which is text from outside. */
export function resultText(result: string): string {
  const [answer = '', ...reason] = result.split(':')
  const words = ANSWERS[answer] ?? answer
  return reason.length === 0 ? words : `${words}:${reason.join(':')}`
}
