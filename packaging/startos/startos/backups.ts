import { sdk } from './sdk'

/** The wallet key and the found blocks above all; the share chain comes back from other nodes, but restoring it is quicker. */
export const { createBackup, restoreInit } = sdk.setupBackups(async () => sdk.Backups.ofVolumes('main'))
