import { FileHelper, z } from '@start9labs/start-sdk'
import { sdk } from './sdk'

export const STRATUM_PORT = 3333
export const PEER_PORT = 6884
export const PAGE_PORT = 46884
export const BITCOIND_MOUNT = '/mnt/bitcoind'

/** What the owner has answered to the action. */
export const settings = FileHelper.json(
  { base: sdk.volumes.main, subpath: 'startos.json' },
  z.object({ payoutAddress: z.string().catch('') })
)
