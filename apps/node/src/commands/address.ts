import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { encodeShareAddress } from '@p2poolv2/consensus'
import { systemRng } from '@p2poolv2/runtime'
import { ConfigError, type ConfigSources, loadSettings } from '../config.ts'
import { shareAddressHrp } from '../data/chain-params.ts'
import { openDataDir, WALLET_FILE_NAME } from '../data/data-dir.ts'
import { openWallet } from '../data/wallet.ts'

export interface OwnAddress {
  readonly address: string
  readonly chain: string
  /** Of the key. */
  readonly file: string
}

/**
 * The share-chain address of this node's own wallet. It reads the key alone, so nothing else has to be configured.
 * @param ifMissing whether a key may be made
 * @throws ConfigError where there is none
 */
export function address(sources: ConfigSources, ifMissing: 'make' | 'refuse'): OwnAddress {
  const { chain, data_dir: dataDir } = loadSettings(sources).config
  const file = join(dataDir, WALLET_FILE_NAME)
  if (ifMissing === 'refuse' && !existsSync(file))
    throw new ConfigError(
      `${file} is not there: no node has run on this data directory. Name another with --data-dir, or make a key now with: ./p2poolv2 address --new`
    )
  openDataDir(dataDir)
  const wallet = openWallet(dataDir, () => systemRng().bytes(32))
  const program = { version: 1, program: wallet.shareProgram }
  return { address: encodeShareAddress(program, shareAddressHrp(chain)), chain, file }
}
