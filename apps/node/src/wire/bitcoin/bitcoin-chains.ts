import type { ChainName } from '@p2poolv2/consensus'

/** Values of bitcoind's `chain` on which each share chain may be mined. */
export const BITCOIN_CHAINS: Readonly<Record<ChainName, readonly string[]>> = {
  main: ['main'],
  testnet4: ['testnet4'],
  signet: ['signet'],
  regtest: ['regtest'],
  devnet: ['regtest', 'signet']
}
