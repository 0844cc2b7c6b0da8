import { encodeShareAddress } from '@p2poolv2/consensus'
import { systemRng } from '@p2poolv2/runtime'
import { openChain } from '../chain.ts'
import { type ConfigSources, loadConfig } from '../config.ts'
import { openDataDir } from '../data-dir.ts'
import { openWallet } from '../wallet.ts'

/** The share-chain address of this node's own wallet, as text. */
export function address(sources: ConfigSources): string {
  const { config } = loadConfig(sources)
  openDataDir(config.data_dir)
  const wallet = openWallet(config.data_dir, () => systemRng().bytes(32))
  return encodeShareAddress({ version: 1, program: wallet.shareProgram }, openChain(config).shareAddressHrp)
}
