import { addressFromScript, witnessProgramScript } from '@p2poolv2/bitcoin'

/** A payout address that nobody has the key to, by number, in the form of regtest and devnet. */
export function regtestAddress(number: number): string {
  const address = addressFromScript(witnessProgramScript(0, new Uint8Array(20).fill(number)), 'regtest')
  if (address === null) throw new Error('a witness program has an address')
  return address
}
