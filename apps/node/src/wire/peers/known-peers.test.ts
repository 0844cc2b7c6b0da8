import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PeerRecord } from '@p2poolv2/gossip'
import { unixMs } from '@p2poolv2/primitives'
import { createLog } from '@p2poolv2/runtime'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openKnownPeers } from './known-peers.ts'

const log = createLog({ level: 'silent', format: 'json' })
const heardOf: PeerRecord = {
  type: 'address',
  key: '/ip4/192.0.2.1/tcp/6884',
  peer: null,
  source: 'kademlia',
  lastGoodMs: null,
  goodForMs: 0
}
const ban: PeerRecord = { type: 'ban', key: 'ip:192.0.2.9', reason: 'x', cause: 'breach', untilMs: unixMs(2), banMs: 1 }

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'p2poolv2-known-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A node begins with an empty folder, keeps this, and is started again. */
async function afterRestart(...records: readonly PeerRecord[]) {
  const first = await openKnownPeers(folder, log)
  expect(first.wereGood).toBe(false)
  for (const record of records) first.store.keep(record)
  await first.store.close()
  const again = await openKnownPeers(folder, log)
  await again.store.close()
  return again
}

it('a node whose connection to a peer was good before has others to wait for', async () => {
  const known = await afterRestart(ban, { ...heardOf, lastGoodMs: unixMs(1_700_000_000_000) })
  expect(known.wereGood).toBe(true)
  expect(known.records).toHaveLength(2)
})

it('a node that was alone, or only heard of others, has nobody to wait for', async () => {
  expect((await afterRestart(ban, heardOf)).wereGood).toBe(false)
})
