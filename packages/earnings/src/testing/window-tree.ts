/** A chain of shares without work or hashes, as the payout window reads it. */
import { type ConsensusAddress, consensusAddress } from '@p2poolv2/consensus'
import { ShareTree } from '@p2poolv2/consensus/testing'
import type { DatedWindowSource } from '../window/window-view.ts'

const BECH32 = [
  'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4',
  'bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3',
  'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0',
  '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa'
]

/** Payout addresses of main by the number of their miner. */
export const MINERS: readonly ConsensusAddress[] = BECH32.map(text => {
  const address = consensusAddress(text, 'main')
  if (address === null) throw new Error('an address of main')
  return address
})

/** Text of a miner's payout address. */
export function minerText(miner: number): string {
  return (MINERS[miner] as ConsensusAddress).text
}

/** A tree of shares by these miners; slot 0 is the genesis, each ten seconds after the one before. */
export class WindowTree extends ShareTree implements DatedWindowSource {
  override minerAddress(miner: number): ConsensusAddress {
    return MINERS[miner] as ConsensusAddress
  }

  timeSec(slot: number): number {
    return 1_800_000_000 + slot * 10
  }
}
