import { encodeShare, type Share } from '@p2poolv2/consensus'
import { decodeMessage, encodeMessage } from '@p2poolv2/gossip'
import { bytesToHex, concatBytes, type ShareHash } from '@p2poolv2/primitives'
import { bodyKey } from '@p2poolv2/sharechain'
import { ChainBuilder, easyParams, refuseByOtherRules } from '@p2poolv2/sharechain/testing'
import { expect, it } from 'vitest'
import type { NodeEffect, NodeEvent } from '../contract.ts'
import { effectsOf, Rig } from '../testing/rig.ts'

const PARAMS = easyParams()
const builder = new ChainBuilder(PARAMS)
const shares = builder.row(builder.genesis, 1_400)

/** A node with a peer and a disk that is as slow as it may be: a read finds what the commits it waits for have stored, and no more. */
class SlowDisk {
  readonly rig: Rig
  readonly #storedBy = new Map<string, number>()
  /** Bodies asked for by the chain, and those of them that were not there. */
  asked = 0
  missing = 0
  #lastId = 0

  constructor(rig: Rig) {
    this.rig = rig
    this.run(rig.handle({ type: 'peerConnected', peer: 'peer', direction: 'inbound', dialect: 'ours' }))
  }

  run(effects: readonly NodeEffect[]): void {
    for (const { delta } of effectsOf(effects, 'commit'))
      for (const { key } of delta.puts) this.#storedBy.set(bytesToHex(key), delta.sequence)
    for (const { requestId, hashes, afterSequence, for: reader } of effectsOf(effects, 'readShares')) {
      const bodies = hashes.map(hash => this.#read(hash, afterSequence))
      if (reader === 'chain') {
        this.asked += bodies.length
        this.missing += bodies.filter(body => body === null).length
      }
      this.run(this.rig.handle({ type: 'sharesRead', for: reader, requestId, hashes, shares: bodies }))
    }
  }

  push(share: Share, gapMs = 20): void {
    // The type byte of a whole share (protocol §18.4).
    const payload = concatBytes(Uint8Array.of(5), encodeShare(share))
    this.#lastId++
    // A peer may not say everything at once.
    this.run(this.rig.advance(gapMs))
    this.run(
      this.rig.handle({ type: 'peerRequest', peer: 'peer', requestId: this.#lastId, protocol: 'shares', payload })
    )
  }

  /** Time passes, and what the chain has put off is done. */
  pass(seconds: number): void {
    for (let second = 0; second < seconds; second++) this.run(this.rig.advance(1_000))
  }

  #read(hash: ShareHash, afterSequence: number): Uint8Array | null {
    const storedBy = this.#storedBy.get(bytesToHex(bodyKey(hash))) ?? 0
    return storedBy > afterSequence ? null : (this.rig.store.readNow([hash])[0] ?? null)
  }
}

it('1,300 shares that were stored without a verdict are all judged once the clock is right, and read no more often than that takes', () => {
  const before = new Rig({ params: PARAMS, check: 'never' })
  before.nowMs += 1_400_000
  const first = new SlowDisk(before)
  for (const share of shares.slice(0, 1_300)) first.push(share, 300)
  expect(before.chain.confirmedTip().height).toBe(1_300)
  for (const { hash } of shares.slice(0, 1_300))
    refuseByOtherRules(before.store, { genesis: builder.genesis, share: hash })
  // The new node's clock is twenty minutes behind: memory has no room for all that have to wait.
  const disk = new SlowDisk(new Rig({ params: PARAMS, store: before.store, check: 'never' }))
  disk.pass(60)
  expect(disk.rig.chain.confirmedTip().height).toBeLessThan(250)
  expect(disk.asked).toBeLessThan(1_300)
  disk.rig.skewMs = 1_400_000
  for (const share of shares.slice(1_300)) disk.push(share, 300)
  disk.pass(10)
  expect(disk.rig.chain.confirmedTip().hash).toBe(shares.at(-1)?.hash)
  expect([disk.missing, disk.rig.facts('bodyLost'), disk.rig.facts('bug')]).toEqual([0, [], []])
  expect(disk.asked).toBeLessThan(2 * 1_300)
  disk.rig.core.checkInvariants()
})

it('1,300 shares told while the clock is twenty minutes behind are all judged once it is right', () => {
  const disk = new SlowDisk(new Rig({ params: PARAMS, check: 'never' }))
  const { rig } = disk
  const asked: Request[] = []
  rig.onEffect = effect => {
    if (effect.type === 'request') asked.push(effect)
  }
  for (const share of shares.slice(0, 1_300)) {
    disk.push(share)
  }
  // What is not far ahead of the clock is taken, the rest is nowhere in the tree yet.
  expect(rig.chain.confirmedTip().height).toBeLessThan(200)
  rig.skewMs = 1_300_000
  for (const share of shares.slice(1_300)) {
    disk.push(share)
    disk.pass(1)
    for (let next = asked.shift(); next !== undefined; next = asked.shift()) disk.run(rig.handle(answerTo(next)))
  }
  disk.pass(60)
  expect(rig.chain.confirmedTip().hash).toBe(shares.at(-1)?.hash)
  expect([disk.missing, rig.facts('bodyLost'), rig.facts('bug')]).toEqual([0, [], []])
})

type Request = Extract<NodeEffect, { type: 'request' }>

/** What an honest peer that has all shares says to a question. */
function answerTo({ requestId, payload }: Request): NodeEvent {
  const question = decodeMessage(payload)
  const answer = (message: Parameters<typeof encodeMessage>[0]): NodeEvent => ({
    type: 'peerResponse',
    requestId,
    payload: encodeMessage(message)
  })
  const shareOf = (hash: ShareHash) => builder.shares.get(hash) ?? expect.fail()
  if (question.type === 'getData' && question.kind === 'share')
    return answer({ type: 'shareBlock', share: shareOf(question.hash) })
  if (question.type !== 'getShareHeaders') return answer({ type: 'ack' })
  const items = builder.known
    .headerAnswer({ locator: question.locator, stopHash: question.stop })
    .filter(hash => builder.shares.has(hash))
    .map(shareOf)
  return answer({ type: 'shareHeaders', items })
}
