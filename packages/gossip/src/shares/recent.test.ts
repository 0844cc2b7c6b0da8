import { ChainBuilder } from '@p2poolv2/sharechain/testing'
import { expect, it } from 'vitest'
import { MAX_RECENT_BYTES, MAX_RECENT_SHARES, RecentShares } from './recent.ts'

const builder = new ChainBuilder()
const [share] = builder.row(builder.genesis, 1)
if (share === undefined) throw new Error('a share was built')
const hashOf = (number: number) => `${number.toString(16).padStart(64, '0')}` as typeof share.hash

it('keeps the first copy of a share', () => {
  const recent = new RecentShares()
  const entry = recent.add(share, 'told')
  expect(recent.add({ ...share }, 'own')).toBe(entry)
  recent.delete(share.hash)
  recent.delete(share.hash)
  expect([recent.size, recent.get(share.hash)]).toEqual([0, undefined])
})

it('lets the oldest go at its cap of shares', () => {
  const recent = new RecentShares()
  for (let i = 0; i < MAX_RECENT_SHARES + 5; i++) recent.add({ ...share, hash: hashOf(i) }, 'told')
  recent.checkInvariants()
  expect(recent.get(hashOf(4))).toBeUndefined()
  expect(recent.get(hashOf(5))).toBeDefined()
})

it('lets the oldest go at its cap of bytes', () => {
  const recent = new RecentShares()
  const [output] = share.bitcoinCoinbase.outputs
  if (output === undefined) throw new Error('a coinbase has outputs')
  const outputs = [{ ...output, script: new Uint8Array(200_000) }]
  const large = { ...share, bitcoinCoinbase: { ...share.bitcoinCoinbase, outputs } }
  const fit = Math.floor(MAX_RECENT_BYTES / 201_000)
  for (let i = 0; i < fit + 10; i++) recent.add({ ...large, hash: hashOf(i) }, 'told')
  recent.checkInvariants()
  expect(recent.size).toBeLessThan(fit + 10)
  expect(recent.get(hashOf(fit + 9))).toBeDefined()
})

it('keeps of a share its bytes alone, which are what its cap counts', () => {
  const entry = new RecentShares().add(share, 'told')
  expect(Object.values(entry).filter(value => typeof value === 'object')).toEqual([entry.bytes])
})
