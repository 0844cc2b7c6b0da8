import { execSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { consensusFingerprint, genesisShare } from '@p2poolv2/consensus'
import { seededRng, shareHashFromWire, ZERO_SHARE_HASH } from '@p2poolv2/primitives'
import { bodyKey, headerKey, SCHEMA_VERSION, ShareChain, stateKey } from '@p2poolv2/sharechain'
import { easyParams, minerAddress } from '../src/build-chain.test-support.ts'
import { indexPut } from '../src/changes.ts'
import { HeaderIndex } from '../src/header-index.ts'
import { encodeState } from '../src/store/records.ts'
import { openLevelStore } from '../level/src/index.ts'

const params = easyParams({ difficultyMultiplier: 10n ** 9n })
const genesis = genesisShare(params)
const identity = {
  schemaVersion: SCHEMA_VERSION,
  chain: params.chain,
  fingerprint: consensusFingerprint(params),
  genesisHash: genesis.hash
}
const count = Number(process.argv[2])
const dir = process.argv[3] ?? mkdtempSync('/tmp/bench-store-')
const miners = Array.from({ length: 250 }, (_, i) => minerAddress(params, i))
if (process.argv[3] === undefined) {
  const rng = seededRng(1)
  const index = new HeaderIndex({
    hash: genesis.hash,
    prevHash: ZERO_SHARE_HASH,
    bits: genesis.header.bits,
    timeSec: genesis.header.timeSec,
    uncles: [],
    miner: genesis.header.minerBitcoinAddress
  })
  const store = await openLevelStore(dir, identity)
  let prev = genesis.hash
  let puts = [indexPut(index, 0)]
  let seq = 1
  const body = rng.bytes(1500)
  const head = rng.bytes(400)
  let uncleOf = null
  for (let i = 1; i <= count; i++) {
    const hash = shareHashFromWire(rng.bytes(32))
    const isUncle = i % 50 === 0
    const slot = index.insert({
      hash,
      prevHash: prev,
      bits: 0x1b384bd7 - (i % 100),
      timeSec: genesis.header.timeSec + i,
      uncles: uncleOf !== null ? [uncleOf] : [],
      miner: miners[rng.u32() % 250]
    })
    uncleOf = null
    index.setValidity(slot, 'blockValid')
    index.setBody(slot)
    puts.push(indexPut(index, slot), { key: bodyKey(hash), value: body }, { key: headerKey(hash), value: head })
    if (isUncle) uncleOf = hash
    else prev = hash
    if (puts.length > 3000 || i === count) {
      puts.push({
        key: stateKey(),
        value: encodeState({ sequence: seq, confirmedTip: prev, candidateTip: prev, uncleCount: 0 })
      })
      await store.commit({ sequence: seq, puts, deletes: [], durability: 'buffered' })
      seq++
      puts = []
    }
  }
  await store.close()
  console.log(dir, execSync(`du -sh ${dir}`).toString())
} else {
  const t0 = performance.now()
  const store = await openLevelStore(dir, identity)
  const t1 = performance.now()
  const chain = new ShareChain({ params })
  chain.beginRestore()
  for await (const batch of store.load()) for (const row of batch) chain.restoreRow(row)
  chain.finishRestore()
  const t2 = performance.now()
  const tip = chain.miningBase()
  chain.payoutWeights(tip.hash, 0x1b00ffff)
  const t3 = performance.now()
  globalThis.gc?.()
  console.log(
    `open ${(t1 - t0).toFixed(0)} ms, restore ${chain.shareCount} rows ${(t2 - t1).toFixed(0)} ms, window ${chain.windowShares(tip.hash, 0x1b00ffff)} ${(t3 - t2).toFixed(0)} ms, rss ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB heap ${(process.memoryUsage().heapUsed / 1e6).toFixed(0)} ext ${(process.memoryUsage().external / 1e6).toFixed(0)}`
  )
  await store.close()
}
