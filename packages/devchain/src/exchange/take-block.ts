import { blockHashFromWire, sha256d } from '@p2poolv2/primitives'
import type { ChainBlock } from '../block-tree.ts'
import type { DevChain } from '../dev-chain.ts'

/** What became of a block from a peer. */
export type Taken =
  /** It has its place, or had it; `added` came with it. */
  | { readonly type: 'placed'; readonly block: ChainBlock; readonly added: readonly ChainBlock[] }
  /** Its parent is not known here. */
  | { readonly type: 'unlinked' }
  /** It may be good another time, or for others. `added` came with it, and may be kept. */
  | { readonly type: 'put off'; readonly added: readonly ChainBlock[] }
  /** No honest node has it. */
  | { readonly type: 'bad'; readonly reason: string }

/** Put off, not held against a peer: clocks differ. */
const TOO_NEW = 'time-too-new'

/**
 * Gives a block from a peer to the chain.
 * @param orphan what to do with a block whose parent is not known
 */
export function takeBlock(
  chain: DevChain,
  bytes: Uint8Array,
  { nowSec, orphan }: { readonly nowSec: number; readonly orphan: 'wait' | 'refuse' }
): Taken {
  // Most of what peers send is known; that is seen without decoding it.
  const hash = blockHashFromWire(sha256d(bytes.subarray(0, 80)))
  const known = chain.blockOf(hash)
  if (known !== null) return { type: 'placed', block: known, added: [] }
  const prevHash = blockHashFromWire(bytes.subarray(4, 36))
  if (orphan === 'refuse' && chain.blockOf(prevHash) === null) return { type: 'unlinked' }
  const outcome = chain.receive(bytes, nowSec)
  switch (outcome.type) {
    case 'accepted':
    case 'beside': {
      const block = chain.blockOf(hash)
      // Null: a branch that finds no room beside the chain.
      return block === null
        ? { type: 'put off', added: outcome.added }
        : { type: 'placed', block, added: outcome.added }
    }
    case 'waits':
      return { type: 'unlinked' }
    case 'undecodable':
      return { type: 'bad', reason: 'undecodable' }
    case 'refused':
      if (outcome.reason === 'duplicate') return { type: 'unlinked' }
      return outcome.reason === TOO_NEW ? { type: 'put off', added: [] } : { type: 'bad', reason: outcome.reason }
  }
}
