import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type ChainParams, protocolTag } from '@p2poolv2/consensus'
import { checkInvite, type Invite } from '@p2poolv2/gossip'
import { AccountingStore } from '@p2poolv2/node/shell'
import type { Rng, UnixMs } from '@p2poolv2/primitives'
import { type Log, MESSAGES, type Part } from '@p2poolv2/runtime'
import { ConfigError } from '../config.ts'
import { configuredParams } from '../data/chain-params.ts'
import { makeFolder, storeFolder, WALLET_FILE_NAME } from '../data/data-dir.ts'
import { beginFromSeed } from '../data/devnet-seed.ts'
import { type FiguresStore, openFigures } from '../data/figures-store.ts'
import { MadeShares } from '../data/made-shares.ts'
import { openWallet, type Wallet, WalletError } from '../data/wallet.ts'
import type { Config } from '../settings.ts'
import { type KnownPeers, openKnownPeers } from './peers/known-peers.ts'
import { type OpenedChain, type OpeningDeps, openShareChain } from './share-store.ts'
import { STOP_RANK } from './stop-order.ts'

/** What the data directory holds of the time before this start, opened to be gone on with. */
export interface KeptData extends OpenedChain {
  readonly params: ChainParams
  readonly wallet: Wallet
  readonly madeShares: MadeShares
  /** Null in a mode without peers. */
  readonly knownPeers: KnownPeers | null
  /** The pool's own, in the mode that has one. */
  readonly accounting: Awaited<ReturnType<typeof AccountingStore.open>> | null
  readonly figures: FiguresStore
  /** Folders of what is kept, beside those that are open. */
  readonly folders: { readonly blocks: string; readonly history: string }
  readonly parts: readonly Part[]
}

/**
 * Opens, or begins, all that the machine needs to go on where it was.
 * @param invite a devnet that has not begun begins as the inviter's
 * @throws the reason of `deps.signal`, aborted while the share chain is read
 */
export async function openKeptData(
  config: Config,
  invite: Invite | null,
  deps: {
    readonly log: Log
    readonly rng: Rng
    readonly signal?: AbortSignal | undefined
    /** Of the wall clock. */
    readonly nowMs: UnixMs
    readonly onAccountingFailed: (cause: Error) => void
  }
): Promise<KeptData> {
  const { log, onAccountingFailed: onFailed } = deps
  const { chain, data_dir, mode } = config
  const folder = (name: string): string => join(data_dir, chain, name)
  const params = paramsFor(config, invite)
  const wallet = openWallet(data_dir, () => firstKey(config, deps))
  makeFolder(join(data_dir, chain))
  const { shares: madeShares, left, setAside } = MadeShares.open(folder('made-shares'))
  if (setAside !== null) log.warn(MESSAGES.madeSharesSetAside, { setAside })
  const onWaits: OpeningDeps['onWaits'] = (hash, encoded) => madeShares.keepLeft(hash, encoded)
  const opened = await openShareChain(storeFolder(data_dir, chain), params, { ...deps, left, onWaits })
  const knownPeers = mode === 'sharechain' ? await openKnownPeers(folder('peers'), log) : null
  const accounting = mode === 'hydrapool' ? await AccountingStore.open(folder('hydrapool'), { chain, onFailed }) : null
  const figures = await openFigures(folder('figures'), log)
  return {
    ...opened,
    params,
    wallet,
    madeShares,
    knownPeers,
    accounting,
    figures,
    folders: { blocks: folder('blocks'), history: folder('history') },
    parts: [
      {
        name: 'share store',
        stopRank: STOP_RANK.shareStore,
        stop: () => opened.store.close().then(() => madeShares.close())
      },
      { name: 'figures', stopRank: STOP_RANK.figures, stop: () => figures.close() },
      { name: 'accounting', stopRank: STOP_RANK.accounting, stop: async () => accounting?.store.close() }
    ]
  }
}

function paramsFor(config: Config, invite: Invite | null): ChainParams {
  if (invite !== null && config.mode !== 'sharechain')
    throw new ConfigError(`--join is for the share chain, and mode = "${config.mode}" has none: leave one of them out`)
  if (invite === null) return configuredParams(config)
  checkInvite(invite, { chain: config.chain, genesisTag: null })
  const params = config.chain === 'devnet' ? beginFromSeed(config, invite.extra) : configuredParams(config)
  checkInvite(invite, { chain: config.chain, genesisTag: protocolTag(params) })
  return params
}

/** 32 random bytes for a wallet key, unless there were shares before: those belong to a key that should not be forgotten. */
function firstKey(config: Config, { log, rng }: { readonly log: Log; readonly rng: Rng }): Uint8Array {
  const file = join(config.data_dir, WALLET_FILE_NAME)
  const store = storeFolder(config.data_dir, config.chain)
  if (existsSync(store)) {
    throw new WalletError(
      `${file} is missing, and the shares in ${store} were made with it: restore it from your backup. To go on with a ` +
        `new key instead, make one with: ./p2poolv2 address --new --data-dir '${config.data_dir}'`
    )
  }
  log.info({ file }, 'this node gets a wallet key of its own: keep a backup of that file')
  return rng.bytes(32)
}
