import { encodeShareAddress } from '@p2poolv2/consensus'
import { systemRng } from '@p2poolv2/runtime'
import { type ConfigSources, loadConfig } from '../config.ts'
import { configuredParams } from '../data/chain-params.ts'
import { openDataDir } from '../data/data-dir.ts'
import { openWallet } from '../data/wallet.ts'

/** The share-chain address of this node's own wallet, as text. */
export function address(sources: ConfigSources): string {
  const { config } = loadConfig(sources)
  openDataDir(config.data_dir)
  const wallet = openWallet(config.data_dir, () => systemRng().bytes(32))
  return encodeShareAddress({ version: 1, program: wallet.shareProgram }, configuredParams(config).shareAddressHrp)
}
