import { bytesToHex, type ShareHash, shareHash } from '@p2poolv2/primitives'
import { type PlainPayouts, type PlainShare, payoutsByHand } from './payouts-by-hand.ts'
import { type StoredChain, storedHeader } from './stored-chain.ts'

/** devnet's values that the payouts depend on (its difficulty scale is regtest's). */
export const DEVNET = { multiplier: 10n, difficultyOne: 0x7f_ffffn << 232n, maxShares: 120_960 }

/** What the stored shares of a devnet call for in the bitcoin block that one of them is, computed by hand. */
export async function owedBy(stored: StoredChain, block: ShareHash, amountSats: bigint): Promise<PlainPayouts> {
  const { prevShareHash, bitcoinHeader } = await storedHeader(stored, block)
  const shareOf = (hash: string): Promise<PlainShare> => plainShare(stored, hash)
  const { genesisHash } = stored
  return payoutsByHand(
    { ...DEVNET, shareOf, genesisHash, anchor: prevShareHash, bitcoinBits: bitcoinHeader.bits },
    amountSats
  )
}

export async function plainShare(stored: StoredChain, hash: string): Promise<PlainShare> {
  const { prevShareHash, uncles, bits, minerBitcoinAddress } = await storedHeader(stored, shareHash(hash))
  const { text, script } = minerBitcoinAddress
  return { prevHash: prevShareHash, uncles, bits, address: text, scriptHex: bytesToHex(script) }
}
