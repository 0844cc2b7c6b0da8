import type { AccountingDelta, AccountingRow } from '@p2poolv2/node'
import { TextStore, TextStoreError } from './text-store.ts'

/** Version of the layout of rows. */
const LAYOUT = 1
const ROW_KEY = /^([0-9a-f]{8}) ([a-zA-Z0-9]{14,90})$/
const ROW_VALUE = /^(\d{1,40}) (\d{1,15})$/

/** The pool's accounting cannot be kept or read: without it nobody knows whom a block must pay, so the node does not mine. */
export class AccountingUnavailable extends Error {
  readonly code = 'accounting-unavailable'

  constructor(directory: string, why: string, cause?: unknown) {
    super(
      `The pool's accounting in ${directory} cannot be used: ${why}. See that no other node uses the directory, that it is writable and that ` +
        'the disk has space. If it is damaged, restore it from a backup, or move it away: then everybody begins at nothing.',
      { cause }
    )
    this.name = 'AccountingUnavailable'
  }
}

/**
 * The rows of a pool's accounting on disk, in plain text: `row SLICE ADDRESS` (eight hex digits), then expected hashes and submits, both in
 * decimal digits.
 */
export class AccountingStore {
  readonly #rows: TextStore

  private constructor(rows: TextStore) {
    this.#rows = rows
  }

  /**
   * Opens or makes the accounting in a directory of its own.
   * @param onFailed told once, when the disk refuses; nothing is written after that
   * @throws AccountingUnavailable
   */
  static async open(
    directory: string,
    { chain, onFailed }: { readonly chain: string; readonly onFailed: (error: AccountingUnavailable) => void }
  ): Promise<{ readonly store: AccountingStore; readonly rows: readonly AccountingRow[] }> {
    const unavailable = (error: TextStoreError) => new AccountingUnavailable(directory, error.message, error)
    const opened = await TextStore.open(directory, {
      identity: `${LAYOUT} ${chain}`,
      journal: 'with',
      onFailed: error => onFailed(unavailable(error))
    }).catch((error: unknown) => {
      throw error instanceof TextStoreError ? unavailable(error) : error
    })
    try {
      const rows = opened.rows.map(([key, value]) => accountingRow(key, value, directory))
      return { store: new AccountingStore(opened.store), rows }
    } catch (error) {
      await opened.store.close()
      throw error
    }
  }

  /** Writes a change, after those given before it. Returns at once. */
  push({ puts, deletes }: AccountingDelta): void {
    this.#rows.push(
      puts.map(row => [accountingKey(row), `${row.workHashes} ${row.submits}`] as const),
      deletes.map(accountingKey)
    )
  }

  /** What was given is there after this process was killed. @returns false when the disk refuses: no miner may be told of it */
  keep(): boolean {
    return this.#rows.keep()
  }

  /** Resolves when nothing is waiting any more, written or failed. Never rejects. */
  drained(): Promise<void> {
    return this.#rows.drained()
  }

  /** Writes what is waiting and lets go of the directory. */
  close(): Promise<void> {
    return this.#rows.close()
  }
}

/** @throws AccountingUnavailable for what is no row */
export function accountingRow(key: string, value: string, directory: string): AccountingRow {
  const [, slice, address] = ROW_KEY.exec(key) ?? []
  const [, workHashes, submits] = ROW_VALUE.exec(value) ?? []
  if (slice === undefined || address === undefined || workHashes === undefined || submits === undefined)
    throw new AccountingUnavailable(directory, `it has a row that cannot be read: ${JSON.stringify(key.slice(0, 100))}`)
  return { slice: Number.parseInt(slice, 16), address, workHashes: BigInt(workHashes), submits: Number(submits) }
}

export function accountingKey({ slice, address }: Pick<AccountingRow, 'slice' | 'address'>): string {
  return `${slice.toString(16).padStart(8, '0')} ${address}`
}
