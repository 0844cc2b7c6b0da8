import { EXTRANONCE_BYTES, type MiningWork } from '@p2poolv2/bitcoin'
import { type Bound, nearestBound, type SizedMake, type SizeFit } from '../mining/size-fit.ts'

/** What one make of firmware can take of a job: found by the user agent without regard to case, the first match counts. Null: no bound is known. */
export interface SizeClass extends SizedMake {
  /** The whole coinbase without witness. */
  readonly coinbaseBytes: number | null
  /** What follows the extranonce in it. */
  readonly secondPartBytes: number | null
  /** The whole `mining.notify` line. */
  readonly lineBytes: number | null
  /** Where that is from. */
  readonly evidence: string
  /** When it was looked at. */
  readonly seenOn: string
}

const none = { coinbaseBytes: null, secondPartBytes: null, lineBytes: null }

/** To be kept up as firmware changes: a row wants evidence and a date. */
export const SIZE_CLASSES: readonly SizeClass[] = [
  {
    ...none,
    userAgentPrefix: 'nerdminer',
    coinbaseBytes: 255,
    lineBytes: 4_096,
    basis: 'measured',
    evidence: 'NerdMiner_v2 V1.8.3: coinbase in 512 hex digits, JSON document of 4,096 bytes; NerdMiner_v2 #809, #820',
    seenOn: '2026-11-28'
  },
  {
    ...none,
    userAgentPrefix: 'sparkminer',
    secondPartBytes: 128,
    basis: 'measured',
    evidence: 'SparkMiner #25: second part in 256 hex digits before its fix, which the user agent does not tell',
    seenOn: '2026-11-28'
  },
  {
    ...none,
    userAgentPrefix: 'bitaxe',
    coinbaseBytes: 6_500,
    basis: 'measured',
    evidence: 'ESP-Miner 5c277131: the coinbase is copied to a task stack of 8,192 bytes; 6,669 go, 8,389 do not',
    seenOn: '2026-11-28'
  },
  {
    ...none,
    userAgentPrefix: 'nerdaxe',
    coinbaseBytes: 6_500,
    lineBytes: 16_384,
    basis: 'reported',
    evidence: 'a fork of ESP-Miner; ESP-Miner-NerdQAxePlus 6a5b5b58 reads 16,384 bytes a line',
    seenOn: '2026-11-28'
  },
  {
    ...none,
    userAgentPrefix: 'nerdqaxe',
    lineBytes: 16_384,
    basis: 'measured',
    evidence: 'ESP-Miner-NerdQAxePlus 6a5b5b58: a line or burst of 16,384 bytes, beyond it reconnects',
    seenOn: '2026-11-28'
  },
  {
    ...none,
    userAgentPrefix: 'nicehash',
    coinbaseBytes: 500,
    basis: 'reported',
    evidence: 'DATUM gateway dbc3b14, class of the smallest coinbase',
    seenOn: '2026-11-28'
  },
  {
    ...none,
    userAgentPrefix: 'antminer s21',
    coinbaseBytes: 2_250,
    basis: 'reported',
    evidence: 'DATUM gateway dbc3b14',
    seenOn: '2026-11-28'
  },
  {
    ...none,
    userAgentPrefix: 'antminer',
    coinbaseBytes: 750,
    basis: 'reported',
    evidence: 'DATUM gateway dbc3b14: stock firmware of S9 to S19 hangs beyond it',
    seenOn: '2026-11-28'
  },
  {
    ...none,
    userAgentPrefix: 'bmminer',
    coinbaseBytes: 750,
    basis: 'reported',
    evidence: 'DATUM gateway dbc3b14, as stock Antminers',
    seenOn: '2026-11-28'
  },
  {
    ...none,
    userAgentPrefix: 'bosminer',
    coinbaseBytes: 2_250,
    basis: 'reported',
    evidence: 'DATUM gateway dbc3b14',
    seenOn: '2026-11-28'
  },
  {
    ...none,
    userAgentPrefix: 'whatsminer',
    coinbaseBytes: 6_500,
    basis: 'reported',
    evidence: 'DATUM gateway dbc3b14',
    seenOn: '2026-11-28'
  },
  {
    ...none,
    userAgentPrefix: 'powerplay',
    coinbaseBytes: 16_000,
    basis: 'reported',
    evidence: 'DATUM gateway dbc3b14',
    seenOn: '2026-11-28'
  },
  {
    ...none,
    userAgentPrefix: 'xminer',
    coinbaseBytes: 16_000,
    basis: 'reported',
    evidence: 'DATUM gateway dbc3b14',
    seenOn: '2026-11-28'
  }
]

/** @returns null where the work is well within what this miner can take, or nothing is known of it */
export function sizeFit(userAgent: string, work: MiningWork): SizeFit | null {
  const lower = userAgent.toLowerCase()
  const sizeClass = SIZE_CLASSES.find(({ userAgentPrefix }) => lower.startsWith(userAgentPrefix))
  if (sizeClass === undefined) return null
  const { coinbase } = work
  const coinbaseBytes = coinbase.bytes.length
  const bounds: readonly Bound[] = [
    ['coinbase', coinbaseBytes, sizeClass.coinbaseBytes],
    [
      'coinbase after the extranonce',
      coinbaseBytes - coinbase.extranonceOffset - EXTRANONCE_BYTES,
      sizeClass.secondPartBytes
    ],
    ['notify line', notifyLineBytes(work), sizeClass.lineBytes]
  ]
  return nearestBound(bounds, sizeClass)
}

/** What is the same in every line: names, quotes, the hash, version, bits, time and an id, and "false". */
const LINE_FRAME_BYTES = 182

/** Bytes of the longest line of this work (stratum §2.9), with its LF. */
export function notifyLineBytes({ coinbase, merkleBranch }: MiningWork): number {
  const nodes = merkleBranch.length / 32
  const branchBytes = nodes === 0 ? 0 : nodes * 67 - 1
  return LINE_FRAME_BYTES + 2 * (coinbase.bytes.length - EXTRANONCE_BYTES) + branchBytes
}
