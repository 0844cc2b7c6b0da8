import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { ShareHash } from '@p2poolv2/primitives'

/** A share whose miner was told of it, and that does not count yet. */
export interface OwedShare {
  readonly share: ShareHash
  readonly height: number
  readonly by: 'killed' | 'peer'
  readonly beforeKill: number
}

/** A bitcoin block that a node said it had found. */
export interface SaidBlock {
  readonly hash: string
  readonly bitcoinHeight: number
  readonly by: OwedShare['by']
}

/** What a run of kills has to remember, so that it can be gone on with. */
export interface Ledger {
  kills: number
  /** Those at which the node had not come up yet. */
  killsAtStart: number
  /** Shares that miners had been told of and the confirmed chain was not seen to have, with the kill they were made before. */
  owed: OwedShare[]
  /** What each has made, in its order, and in which of its lives. */
  made: Record<OwedShare['by'], { readonly share: ShareHash; readonly life: number }[]>
  /** Shares on disk that came too late to be named, because the other node had gone on meanwhile. */
  overtaken: number
  /** What no rule explains. */
  lost: string[]
  blocks: SaidBlock[]
  confirmedHeight: number
}

export async function readLedger(file: string): Promise<Ledger> {
  const text = await readFile(file, 'utf8').catch(() => null)
  if (text !== null) return JSON.parse(text) as Ledger
  return {
    kills: 0,
    killsAtStart: 0,
    owed: [],
    made: { killed: [], peer: [] },
    overtaken: 0,
    lost: [],
    blocks: [],
    confirmedHeight: 0
  }
}

export async function writeLedger(file: string, ledger: Ledger): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(`${file}.new`, JSON.stringify(ledger))
  await rename(`${file}.new`, file)
}
