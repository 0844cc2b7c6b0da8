import { type ArchivedHeight, genesisShare } from '@p2poolv2/consensus'
import { frameRow } from '@p2poolv2/earnings'
import { blockHash, concatBytes, sha256d, shareHash, steadyMs, unixMs } from '@p2poolv2/primitives'
import { sealed, unsealed } from '@p2poolv2/sharechain'
import { emptyFrame } from '../../../packages/earnings/src/history/frame.ts'
import { frameKey, frameOfRow, seriesKey, seriesOfRow, seriesRow } from '../../../packages/earnings/src/history/rows.ts'
import {
  AccountingUnavailable,
  accountingKey,
  accountingRow
} from '../../../packages/node/shell/src/accounting-store.ts'
import { PoolStats } from '../../../packages/node/src/figures/pool-stats.ts'
import { indexKey, parseIndexKey, stateKey } from '../../../packages/sharechain/src/store/keys.ts'
import {
  decodeArchiveRow,
  decodeFoundBlock,
  decodeHeaderRecord,
  decodeIdentity,
  decodeIndexRow,
  decodeState,
  encodeArchiveRow,
  encodeFoundBlock,
  encodeHeaderRecord,
  encodeIdentity,
  encodeIndexRow,
  encodeState,
  type IndexRow,
  type StateRow
} from '../../../packages/sharechain/src/store/records.ts'
import type { FoundBlock, StoreIdentity } from '../../../packages/sharechain/src/store/share-store.ts'
import { asBytes } from '../engine/change.ts'
import { hold, type Target } from '../engine/target.ts'
import { holdCanonical, holdSettled, isCodecError, latin1 } from './same.ts'
import { SAMPLE_PARAMS, SAMPLE_SHARES } from './sample-shares.ts'

const HASH = shareHash('ab'.repeat(32))
const OTHER = shareHash('01'.repeat(32))
const ROW: IndexRow = {
  prevHash: HASH,
  bits: 0x207fffff,
  timeSec: 1_700_000_000,
  chainWork: 1n << 70n,
  miner: { addressClass: 2, script: new Uint8Array(22).fill(1) },
  uncles: [OTHER],
  validity: 'blockValid',
  hasBody: true,
  bodyBytes: 1_200,
  verdict: '',
  rulesVersion: 3,
  contextSkipped: false,
  scriptsUnchecked: false,
  padding: 'unseen'
}

const state: Target<StateRow> = {
  name: 'store-state',
  door: 'disk',
  maxBytes: 128,
  seeds: () => [
    sealed(stateKey(), encodeState({ sequence: 7, confirmedTip: HASH, candidateTip: OTHER, uncleCount: 3 })).value
  ],
  isRefusal: isCodecError,
  decode: bytes => decodeState(unsealed({ key: stateKey(), value: bytes })),
  laws: (read, bytes) => holdCanonical(sealed(stateKey(), encodeState(read)).value, bytes),
  mend: bytes => sealed(stateKey(), bytes.subarray(0, -4)).value
}

const KEY = indexKey(5, HASH)

const index: Target<IndexRow> = {
  name: 'store-index',
  door: 'disk',
  maxBytes: 1_024,
  seeds: () =>
    [ROW, { ...ROW, validity: 'invalid' as const, verdict: 'share-work', chainWork: 5n, uncles: [] }].map(
      row => sealed(KEY, encodeIndexRow(row)).value
    ),
  isRefusal: isCodecError,
  decode: bytes => decodeIndexRow(unsealed({ key: KEY, value: bytes })),
  laws: read => holdSettled(read, decodeIndexRow(encodeIndexRow(read))),
  mend: bytes => sealed(KEY, bytes.subarray(0, -4)).value
}

const indexKeys: Target<ReturnType<typeof parseIndexKey>> = {
  name: 'store-index-key',
  door: 'disk',
  maxBytes: 64,
  seeds: () => [KEY, KEY.slice(0, 5)],
  decode: parseIndexKey,
  laws(read, bytes) {
    if (read !== null) holdCanonical(indexKey(read.height, read.hash), bytes)
  }
}

const header: Target<ReturnType<typeof decodeHeaderRecord>> = {
  name: 'store-header',
  door: 'disk',
  maxBytes: 2_048,
  seeds: () => [...SAMPLE_SHARES.slice(2, 4), genesisShare(SAMPLE_PARAMS)].map(share => encodeHeaderRecord(9, share)),
  isRefusal: isCodecError,
  decode: decodeHeaderRecord,
  laws({ height, batch }, bytes) {
    const head = new Uint8Array(4)
    new DataView(head.buffer).setUint32(0, height, true)
    holdCanonical(concatBytes(head, batch), bytes)
  }
}

const archive: Target<ArchivedHeight> = {
  name: 'store-archive',
  door: 'disk',
  maxBytes: 1_024,
  seeds: () => [encodeArchiveRow(HASH, []), encodeArchiveRow(HASH, [OTHER])],
  isRefusal: isCodecError,
  decode: bytes => decodeArchiveRow(5, bytes),
  laws(read) {
    const others = read.hashes.filter((hash, i) => hash !== read.chain || read.hashes.indexOf(hash) !== i)
    holdSettled(read, decodeArchiveRow(5, encodeArchiveRow(read.chain, others)))
  }
}

const foundBlock: Target<FoundBlock> = {
  name: 'store-found-block',
  door: 'disk',
  maxBytes: 1_024,
  seeds: () =>
    [HASH, null].map(hash =>
      encodeFoundBlock({
        bitcoinHeight: 900_000,
        blockHash: blockHash('cd'.repeat(32)),
        timeSec: 1_700_000_000,
        shareHash: hash,
        outputs: [{ address: 'bcrt1example', valueSats: 2n ** 50n }],
        result: 'accepted'
      })
    ),
  isRefusal: isCodecError,
  decode: decodeFoundBlock,
  laws: read => holdSettled(read, decodeFoundBlock(encodeFoundBlock(read)))
}

const identity: Target<StoreIdentity> = {
  name: 'store-identity',
  door: 'disk',
  maxBytes: 1_024,
  seeds: () => [encodeIdentity({ schemaVersion: 3, chain: 'devnet', fingerprint: 'f'.repeat(64), genesisHash: HASH })],
  isRefusal: isCodecError,
  decode: decodeIdentity,
  // JSON has a zero below zero, and writes it as the other.
  laws: read => holdCanonical(encodeIdentity(decodeIdentity(encodeIdentity(read))), encodeIdentity(read))
}

/** Key of five bytes, then the value. */
const history: Target<ReturnType<typeof frameOfRow> | ReturnType<typeof seriesOfRow>> = {
  name: 'store-history',
  door: 'disk',
  maxBytes: 1_024,
  seeds: () => {
    const mined = { accepted: 5, rejected: 1, workHashes: 2 ** 40, bestDifficulty: 3.5 }
    const frame = {
      ...emptyFrame('minute', 1_700_000_040),
      observedMs: 60_000,
      household: mined,
      workers: new Map([[3, { ...mined, onlineMs: 60_000 }]])
    }
    const series = { id: 3, address: 'bcrt1example', worker: 'attic', firstSec: 5, lastSec: 3_600 }
    return [frameRow(frame), frameRow(emptyFrame('day', 86_400)), seriesRow(series)].map(({ key, value }) =>
      concatBytes(key, value)
    )
  },
  decode(bytes) {
    const row = { key: bytes.subarray(0, 5), value: bytes.subarray(5) }
    return frameOfRow(row) ?? seriesOfRow(row)
  },
  laws(read) {
    if (read === null) return
    if ('level' in read) {
      const written = frameRow(read)
      hold(written.key.join() === frameKey(read.level, read.startSec).join(), 'has another key')
      if (read.workers.size <= 64) holdSettled(read, frameOfRow(written) as typeof read)
    } else {
      const written = seriesRow(read)
      hold(written.key.join() === seriesKey(read.id).join(), 'has another key')
      if (written.value.length < 2_000) holdSettled(read, seriesOfRow(written) as typeof read)
    }
  },
  mend(bytes) {
    if (bytes.length < 9) return bytes
    return concatBytes(bytes.subarray(0, -4), sha256d(bytes.subarray(0, -4)).subarray(0, 4))
  }
}

const NOW = { steadyMs: steadyMs(1_000_000), wallMs: unixMs(1_750_000_000_000) }
const FIGURES = {
  at: 1_749_999_000_000,
  accepted: 5,
  rejected: [['Stale', 1]],
  credited: 12.5,
  best: 3.5,
  blocks: 0,
  last: 1_749_998_000_000,
  observedMs: 60_000,
  sums: [1, 2, 3, 4, 5, 6, 7]
}

/** A line of text is a key, the next one its value. */
const figures: Target<PoolStats> = {
  name: 'store-figures',
  door: 'disk',
  maxBytes: 2_048,
  seeds: () => {
    const text = JSON.stringify(FIGURES)
    return [asBytes(`all\n${text}\nbcrt1q.attic\n${text}`), asBytes(`x.\n${text.replace('1749999000000', '9e15')}`)]
  },
  decode(bytes) {
    const lines = latin1(bytes).split('\n')
    const rows = lines.flatMap((key, i) => (i % 2 === 0 ? [[key, lines[i + 1] ?? ''] as const] : []))
    return new PoolStats({ startedAtMs: NOW.steadyMs, kept: { rows, now: NOW } })
  },
  laws(stats) {
    stats.checkInvariants()
    for (const { accepted, rejected, creditedDifficulty, hashrates } of [
      stats.totals(NOW.steadyMs),
      ...stats.workers(NOW.steadyMs)
    ]) {
      hold(accepted >= 0 && rejected >= 0 && creditedDifficulty >= 0, 'has counts below zero')
      for (const rate of Object.values(hashrates)) hold(!(rate < 0) && !Number.isNaN(rate), 'has a rate that is none')
    }
  }
}

const accounting: Target<ReturnType<typeof accountingRow>> = {
  name: 'store-accounting',
  door: 'disk',
  maxBytes: 256,
  seeds: () => [asBytes('0000001f bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080\n123456789012345678901234567890 17')],
  isRefusal: error => error instanceof AccountingUnavailable,
  decode(bytes) {
    const text = latin1(bytes)
    const at = text.indexOf('\n')
    return accountingRow(text.slice(0, Math.max(0, at)), text.slice(at + 1), 'folder')
  },
  laws(read, bytes) {
    hold(accountingKey(read) === latin1(bytes).split('\n')[0], 'has another key')
    hold(read.workHashes >= 0n && Number.isSafeInteger(read.submits), 'counts what is none')
  }
}

export const TARGETS: readonly Target[] = [
  state,
  index,
  indexKeys,
  header,
  archive,
  foundBlock,
  identity,
  history,
  figures,
  accounting
] as Target[]
