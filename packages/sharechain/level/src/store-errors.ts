import { innermostReason } from '@p2poolv2/runtime'
import { OLDEST_LAYOUT, type StoreIdentity } from '@p2poolv2/sharechain'

/** Why a store cannot be used. Each message says what to do. */
export type StoreErrorCode =
  | 'store-locked'
  | 'store-of-another-chain'
  | 'store-of-another-fingerprint'
  | 'store-schema'
  | 'store-damaged'
  | 'store-unavailable'
  | 'store-sequence'
  | 'store-closed'

const FRESH_START = 'Move the directory away and start again: the node fetches the share chain from its peers.'

abstract class StoreError extends Error {
  abstract readonly code: StoreErrorCode

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = new.target.name
  }
}

/** Another process has the store open. */
export class StoreLocked extends StoreError {
  readonly code = 'store-locked'
  /** Of the process that holds it, if it could be told. */
  readonly holderPid: number | null

  constructor(directory: string, holder: { readonly pid: number; readonly since: string } | null, cause: unknown) {
    const who =
      holder === null
        ? 'Another process'
        : `Process ${holder.pid}${holder.pid === process.pid ? ' (this one)' : ''}, which opened it at ${holder.since},`
    super(
      `${who} is using the store in ${directory}. Stop that node first, or give this one a directory of its own.`,
      cause
    )
    this.holderPid = holder?.pid ?? null
  }
}

/** The store holds another chain. */
export class StoreOfAnotherChain extends StoreError {
  readonly code = 'store-of-another-chain'

  constructor(directory: string, found: StoreIdentity, wanted: StoreIdentity) {
    super(
      `The store in ${directory} holds the share chain of ${found.chain}, but this node is configured for ${wanted.chain}. ` +
        'Set the directory or the chain in the configuration so that they belong together.'
    )
  }
}

/** Same chain, but consensus values or the genesis differ: the shares in it were judged by other rules. */
export class StoreOfAnotherFingerprint extends StoreError {
  readonly code = 'store-of-another-fingerprint'

  constructor(directory: string, found: StoreIdentity, wanted: StoreIdentity) {
    super(
      `The store in ${directory} was written under other consensus settings: fingerprint ${short(found.fingerprint)} and ` +
        `genesis ${short(found.genesisHash)}, now ${short(wanted.fingerprint)} and ${short(wanted.genesisHash)}. ` +
        `If the change was not meant, undo it in the configuration. If it was: ${FRESH_START}`
    )
  }
}

/** The store was written with another layout. */
export class StoreSchema extends StoreError {
  readonly code = 'store-schema'

  constructor(directory: string, found: number, wanted: number) {
    const what = `The store in ${directory} has layout ${found}, this version of the node reads layout ${wanted}. `
    super(
      found > wanted
        ? `${what}The newer version can bring it back, and nothing is lost: install that again and run ` +
            '`p2poolv2 db rollback`. Or start afresh. ' +
            FRESH_START
        : found < OLDEST_LAYOUT
          ? what + FRESH_START
          : `${what}Start the node once: it brings the store to that layout, and nothing is lost.`
    )
  }
}

/** The files contradict themselves. */
export class StoreDamaged extends StoreError {
  readonly code = 'store-damaged'

  constructor(directory: string, what: string, cause?: unknown) {
    super(
      `The store in ${directory} is damaged: ${what}. ${FRESH_START} ` +
        'If this happens again, check the disk and its free space.',
      cause
    )
  }
}

/** The operating system refuses: permissions, a full disk, a path that is no directory. */
export class StoreUnavailable extends StoreError {
  readonly code = 'store-unavailable'

  constructor(directory: string, cause: unknown) {
    super(
      `The store in ${directory} cannot be used: ${innermostReason(cause)}. ` +
        'Check that the directory is writable for this user and that the disk has space left.',
      cause
    )
  }
}

/** A delta does not follow the last one: a bug, and the store is unchanged. */
export class StoreSequence extends StoreError {
  readonly code = 'store-sequence'

  constructor(last: number, given: number) {
    super(`Delta ${given} was given to a store whose last one is ${last}. This is a bug in the node, please report it.`)
  }
}

/** The store was closed. */
export class StoreClosed extends StoreError {
  readonly code = 'store-closed'

  constructor() {
    super('The store is closed.')
  }
}

function short(hex: string): string {
  return hex.slice(0, 8)
}
