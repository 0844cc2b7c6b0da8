import { blockHash, type ShareHash, shareHash } from '@p2poolv2/primitives'
import { stateKey } from '../store/keys.ts'
import { encodeState, SCHEMA_VERSION } from '../store/records.ts'
import { sealed } from '../store/seal.ts'
import type { ChainDelta, FoundBlock, StoreIdentity } from '../store/share-store.ts'

export const TEST_IDENTITY: StoreIdentity = {
  schemaVersion: SCHEMA_VERSION,
  chain: 'devnet',
  fingerprint: 'f'.repeat(64),
  genesisHash: shareHash('0a'.repeat(32))
}

export function hashOf(n: number): ShareHash {
  return shareHash(n.toString(16).padStart(64, '0'))
}

/** A delta with a state row, as every real one has. */
export function deltaOf(sequence: number, change: Partial<Omit<ChainDelta, 'sequence'>> = {}): ChainDelta {
  const state = encodeState({ sequence, confirmedTip: hashOf(0), candidateTip: hashOf(0), uncleCount: 0 })
  return {
    sequence,
    puts: [sealed(stateKey(), state), ...(change.puts ?? [])],
    deletes: change.deletes ?? [],
    durability: change.durability ?? 'buffered'
  }
}

export function foundBlock(bitcoinHeight: number, result = 'accepted'): FoundBlock {
  return {
    bitcoinHeight,
    blockHash: blockHash(bitcoinHeight.toString(16).padStart(64, '0')),
    timeSec: 1_700_000_000,
    shareHash: bitcoinHeight % 2 === 0 ? null : hashOf(bitcoinHeight),
    outputs: [{ address: 'bcrt1example', valueSats: 2n ** 50n }],
    result
  }
}
