/** How long a start takes from a store on disk: opening, reading the chain back, and the first payout window. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRng } from '@p2poolv2/primitives'
import { bodyKey, headerKey, ShareChain, type StoredRow } from '@p2poolv2/sharechain'
import { openLevelStore } from '@p2poolv2/sharechain/level'
import { IDENTITY } from './inputs/restored-chain.ts'
import { ALL_HELD, BITCOIN_BITS, FULL_WINDOW, madeUpShares, PARAMS, stateRow } from './inputs/window-rows.ts'
import { measure, note } from './measure.ts'

const MINERS = 500
const SHARES_PER_DELTA = 2_000
/** Sizes of a header with its branch and of a body of a small pool: they fill the store but are not read on start. */
const HEADER_BYTES = 800
const BODY_BYTES = 1_000

const { signal } = new AbortController()

async function writeStore(directory: string, shares: number): Promise<void> {
  const store = await openLevelStore(directory, IDENTITY, { signal })
  const rng = seededRng('bodies')
  await store.commit(new ShareChain({ params: PARAMS }).genesisDelta())
  let sequence = 1
  let puts: StoredRow[] = []
  for (const { height, hash, row } of madeUpShares({ shares, miners: MINERS })) {
    puts.push(row, { key: headerKey(hash), value: rng.bytes(HEADER_BYTES) })
    puts.push({ key: bodyKey(hash), value: rng.bytes(BODY_BYTES) })
    if (height % SHARES_PER_DELTA !== 0 && height !== shares) continue
    sequence += 1
    const state = stateRow(hash, { sequence, shares: height })
    await store.commit({ sequence, puts: [state, ...puts], deletes: [], durability: 'buffered' })
    puts = []
  }
  await store.close()
}

async function start(directory: string, shares: number): Promise<void> {
  const store = await openLevelStore(directory, IDENTITY, { signal })
  const chain = new ShareChain({ params: PARAMS })
  chain.beginRestore()
  for await (const rows of store.load()) for (const row of rows) chain.restoreRow(row)
  chain.finishRestore()
  const { hash, height } = chain.confirmedTip()
  if (height !== shares) throw new Error(`the bench starts at height ${height}`)
  if (chain.windowShares(hash, BITCOIN_BITS) !== FULL_WINDOW) throw new Error('the bench has no full window')
  await store.close()
}

for (const [id, shares] of [
  ['start.window', FULL_WINDOW],
  ['start.all-held', ALL_HELD]
] as const) {
  const directory = await mkdtemp(join(tmpdir(), 'p2poolv2-bench-'))
  try {
    const fromMs = performance.now()
    await writeStore(directory, shares)
    note(`${id}: ${shares} shares, ${MINERS} miners, written in ${((performance.now() - fromMs) / 1000).toFixed(1)} s`)
    await measure({ id, unit: 'start', operationsPerSample: 1, samples: 5, run: () => start(directory, shares) })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
