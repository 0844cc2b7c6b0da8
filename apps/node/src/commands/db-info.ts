import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { consensusFingerprint } from '@p2poolv2/consensus'
import { decodeState, type StoredRow, unsealed } from '@p2poolv2/sharechain'
import { bytes, grouped } from '../cli/amounts.ts'
import type { Sheet } from '../cli/style.ts'
import { textList, textTable } from '../cli/text-table.ts'
import { ConfigError, type ConfigSources, loadSettings } from '../config.ts'

/** What is kept on disk. */
export interface DbInfo {
  readonly dataDir: string
  readonly chain: string
  readonly folders: readonly {
    readonly name: string
    readonly holds: string
    readonly files: number
    readonly bytes: number
  }[]
  /** Null while a node runs: it alone can have the store open. */
  readonly shares: {
    readonly fingerprint: string
    /** Changes written so far. */
    readonly sequence: number
    readonly confirmedTip: string
    readonly confirmedHeight: number | null
    readonly candidateTip: string
    readonly indexRows: number
    readonly blocks: number
  } | null
  /** Why `shares` is null; else null. */
  readonly message: string | null
}

/** Of the folder of a chain. */
const FOLDERS: readonly (readonly [name: string, holds: string])[] = [
  ['store', 'the share chain and found blocks: fetched from peers anew if it is lost, but for the record of blocks'],
  ['blocks', 'found bitcoin blocks as hex, written before they are handed over'],
  ['history', 'charts'],
  ['figures', 'counters and best shares of workers'],
  ['peers', 'addresses of other nodes'],
  ['hydrapool', 'the accounting of mode hydrapool: whom blocks pay'],
  ['devchain', 'the embedded bitcoin chain of a devnet']
]
const MAX_BLOCKS = 1_000_000

/** @param isRunning whether a node has the store open */
export async function dbInfo(sources: ConfigSources, isRunning: boolean): Promise<DbInfo> {
  const { data_dir: dataDir, chain } = loadSettings(sources).config
  const folders = FOLDERS.flatMap(([name, holds]) => {
    const folder = join(dataDir, chain, name)
    return existsSync(folder) ? [{ name: join(chain, name), holds, ...sizeOf(folder) }] : []
  })
  if (folders.length === 0)
    throw new ConfigError(
      `there is nothing in ${join(dataDir, chain)}: no node has run on this data directory and chain. Name others with --data-dir and --chain`
    )
  if (isRunning) {
    const message =
      'a node runs, and it alone can have the share store open: stop it to see what is in there, or ask it with ./p2poolv2 status'
    return { dataDir, chain, folders, shares: null, message }
  }
  const { withStoredChain } = await import('./stored-chain.ts')
  const shares = await withStoredChain(sources, async ({ params, store }) => {
    let state: StoredRow | undefined
    let rows = 0
    for await (const batch of store.load()) {
      state ??= batch[0]
      rows += batch.length
    }
    if (state === undefined)
      throw new ConfigError('the store is empty: the node has not run long enough to keep anything')
    const { sequence, confirmedTip, candidateTip } = decodeState(unsealed(state))
    const [record] = await store.readHeaders([confirmedTip])
    return {
      fingerprint: consensusFingerprint(params),
      sequence,
      confirmedTip,
      confirmedHeight: record?.height ?? null,
      candidateTip,
      indexRows: Math.max(0, rows - 1),
      blocks: (await store.readBlocks(MAX_BLOCKS)).length
    }
  })
  return { dataDir, chain, folders, shares, message: null }
}

export function dbView({ dataDir, folders, shares, message }: DbInfo, sheet: Sheet): string[] {
  const table = textTable(
    [
      { title: 'folder' },
      { title: 'files', align: 'right' },
      { title: 'size', align: 'right' },
      { title: 'holds', cut: 'end' }
    ],
    folders.map(folder => [folder.name, grouped(folder.files), bytes(folder.bytes), folder.holds]),
    sheet
  )
  const list =
    shares === null
      ? [sheet.style.warn(message ?? '')]
      : textList(
          [
            [
              'Confirmed',
              `${shares.confirmedTip}${shares.confirmedHeight === null ? '' : ` at height ${grouped(shares.confirmedHeight)}`}`
            ],
            ['Candidate', shares.candidateTip],
            ['Shares held', grouped(shares.indexRows)],
            ['Blocks', grouped(shares.blocks)],
            ['Changes', grouped(shares.sequence)],
            ['Rules', shares.fingerprint]
          ],
          sheet
        )
  return [`${dataDir}`, '', ...table, '', ...list]
}

function sizeOf(folder: string): { readonly files: number; readonly bytes: number } {
  const itself = statSync(folder, { throwIfNoEntry: false })
  if (itself?.isDirectory() !== true) return { files: 1, bytes: itself?.size ?? 0 }
  let sum = { files: 0, bytes: 0 }
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      const below = sizeOf(path)
      sum = { files: sum.files + below.files, bytes: sum.bytes + below.bytes }
    } else if (entry.isFile()) {
      // It may be gone by now: LevelDB tidies up while it runs.
      sum = { files: sum.files + 1, bytes: sum.bytes + (statSync(path, { throwIfNoEntry: false })?.size ?? 0) }
    }
  }
  return sum
}
