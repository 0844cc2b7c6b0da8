import {
  addressFromScript,
  bitcoinHeaderHashWire,
  decodeBitcoinHeader,
  decodeTransaction,
  merkleRoot,
  txidWire
} from '@p2poolv2/bitcoin'
import { encodeShare, type Share } from '@p2poolv2/consensus'
import { decodeMessage, encodeMessage } from '@p2poolv2/gossip'
import {
  ByteReader,
  bigIntFromBits,
  blockHashFromWire,
  bytesToHex,
  concatBytes,
  hexToBytes,
  type ShareHash
} from '@p2poolv2/primitives'
import { refuseByOtherRules } from '@p2poolv2/sharechain/testing'
import { describe, expect, it } from 'vitest'
import type { NodeEffect, NodeEvent } from '../contract.ts'
import {
  A_BLOCK,
  A_SHARE,
  address,
  EASY_BITS,
  effectsOf,
  factsOf,
  PARAMS,
  Rig,
  SHARE_TARGET,
  SOURCE,
  sharesMade,
  template
} from '../testing/rig.ts'
import { MAX_HELD_SHARES } from './chain-keeper.ts'

function only<T>(list: readonly T[]): T {
  const [first] = list
  if (first === undefined || list.length !== 1) throw new Error(`there are ${list.length} where one was expected`)
  return first
}

function blockOf(effects: readonly NodeEffect[]) {
  const { blockHex, blockHash } = only(effectsOf(effects, 'submitBlock'))
  const reader = new ByteReader(hexToBytes(blockHex))
  const header = decodeBitcoinHeader(reader)
  const count = reader.compactSize()
  const transactions = Array.from({ length: count }, () => decodeTransaction(reader))
  reader.expectEnd()
  return { blockHash, header, transactions }
}

describe('a block', () => {
  it('comes first in the list, whole, with the template’s transactions under its merkle root', () => {
    const rig = new Rig()
    rig.template({ transactions: 5 })
    rig.connect(1, address(1))
    const effects = rig.mine(1, A_BLOCK)
    expect(effects[0]?.type).toBe('submitBlock')
    const { blockHash, header, transactions } = blockOf(effects)
    expect(transactions).toHaveLength(6)
    expect(blockHashFromWire(bitcoinHeaderHashWire(header))).toBe(blockHash)
    expect(bytesToHex(merkleRoot(transactions.map(txidWire)))).toBe(bytesToHex(header.merkleRootWire))
    expect(transactions[0]?.inputs[0]?.witness).toEqual([new Uint8Array(32)])
  })

  it('is recorded with what it pays and the share it is', () => {
    const rig = new Rig()
    rig.template({ valueSats: 5_000_000_007 })
    rig.connect(1, address(1))
    rig.mine(1, A_SHARE)
    rig.advance(1000)
    const effects = rig.mine(1, A_BLOCK)
    const { transactions } = blockOf(effects)
    const paid = (transactions[0]?.outputs ?? []).filter(output => output.valueSats > 0n)
    const stored = only(rig.store.blocksNow(10))
    expect(stored.outputs).toEqual(
      paid.map(({ valueSats, script }) => ({ address: addressFromScript(script, 'regtest'), valueSats }))
    )
    expect(stored.outputs.reduce((sum, output) => sum + output.valueSats, 0n)).toBe(5_000_000_007n)
    expect(stored.shareHash).toBe(only(sharesMade(effects)).hash)
    expect(stored.result).toBe('submitted')
    expect(rig.facts('blockFound')).toMatchObject([{ bitcoinHeight: 101, payees: 2, payoutAddress: address(1) }])
  })

  it('comes first even if the share has no place on the chain any more', () => {
    const rig = new Rig({ check: 'never', params: { ...PARAMS, windowMaxShares: 6, pruneDepth: 12 } })
    rig.template()
    rig.connect(1, address(1))
    rig.mine(1, A_SHARE)
    const { job } = rig.miner(1)
    for (let count = 0; count < 40; count++) {
      rig.advance(1_000)
      rig.mine(1, A_SHARE)
    }
    expect(rig.chain.keptFromHeight).toBeGreaterThan(1)
    const effects = rig.mine(1, { ...A_BLOCK, job })
    expect(factsOf(effects, 'shareLost')).toHaveLength(1)
    expect(sharesMade(effects)).toEqual([])
    expect(effects[0]?.type).toBe('submitBlock')
    expect(only(rig.store.blocksNow(10)).shareHash).toBeNull()
  })

  it('comes first even if our own share is held back until its time has come', () => {
    const rig = new Rig()
    rig.template()
    rig.connect(1, address(1))
    // The clock stepped back by more than a share's time may be ahead.
    rig.nowMs -= 200_000
    const effects = rig.mine(1, A_BLOCK)
    expect(effects[0]?.type).toBe('submitBlock')
    const { shareHash } = only(factsOf(effects, 'shareFound'))
    expect(factsOf(effects, 'shareHeld')).toEqual([{ type: 'shareHeld', shareHash, code: 'share-time-future' }])
    expect(rig.chain.confirmedTip().height).toBe(0)
    expect(only(rig.store.blocksNow(10)).shareHash).toBe(shareHash)
    rig.advance(200_000)
    expect(rig.chain.confirmedTip().hash).toBe(shareHash)
    expect(rig.facts('bug')).toEqual([])
  })

  it('that is easier than a share is submitted and recorded without one', () => {
    const rig = new Rig()
    rig.template({ bits: EASY_BITS })
    rig.connect(1, address(1))
    const effects = rig.mine(1, { atMost: bigIntFromBits(EASY_BITS), above: SHARE_TARGET })
    expect(effects[0]?.type).toBe('submitBlock')
    expect(sharesMade(effects)).toEqual([])
    expect(only(rig.store.blocksNow(10)).shareHash).toBeNull()
    expect(rig.facts('bug')).toEqual([])
  })

  it('is submitted from a job that bitcoin has already overtaken', () => {
    const rig = new Rig()
    rig.template()
    const { job } = rig.connect(1, address(1))
    rig.advance(1000)
    rig.template({ parent: 2, height: 102 })
    rig.advance(20_000)
    const effects = rig.mine(1, { ...A_BLOCK, job })
    expect(effects[0]?.type).toBe('submitBlock')
    expect(factsOf(effects, 'shareRejected').map(fact => fact.code)).toEqual([21])
    expect(only(rig.store.blocksNow(10)).bitcoinHeight).toBe(101)
  })

  it('takes the best answer of several bitcoin nodes, and keeps it in the store', () => {
    const rig = new Rig()
    rig.template()
    rig.connect(1, address(1))
    const { blockHash } = only(effectsOf(rig.mine(1, A_BLOCK), 'submitBlock'))
    const answer = { type: 'blockResult', blockHash, url: SOURCE } as const
    rig.handle({ ...answer, result: 'rejected', reason: 'high-hash' })
    expect(only(rig.store.blocksNow(10)).result).toBe('rejected: high-hash')
    rig.handle({ ...answer, result: 'accepted', reason: null })
    const late = rig.handle({ ...answer, result: 'failed', reason: 'timeout' })
    expect(effectsOf(late, 'commit')).toEqual([])
    expect(only(rig.store.blocksNow(10)).result).toBe('accepted')
    expect(rig.core.queries.status(rig.now).blocks).toMatchObject([{ blockHash, result: 'accepted' }])
    expect(factsOf(rig.effects, 'blockResult')).toHaveLength(3)
  })
})

it('a block that nobody had answered to when the node stopped is shown as such, and a late answer counts', () => {
  const before = new Rig()
  before.template()
  before.connect(1, address(1))
  const { blockHash } = only(effectsOf(before.mine(1, A_BLOCK), 'submitBlock'))
  const rig = new Rig({ store: before.store, recentBlocks: before.store.blocksNow(10) })
  const first = rig.handle({ type: 'deadline' })
  expect(factsOf(first, 'blockUnanswered')).toEqual([{ type: 'blockUnanswered', blockHash, bitcoinHeight: 101 }])
  const result = () => only(rig.core.queries.status(rig.now).blocks).result
  expect(result()).toBe('submitted: no answer on record')
  rig.handle({ type: 'blockResult', blockHash, url: SOURCE, result: 'accepted', reason: null })
  expect([result(), only(rig.store.blocksNow(10)).result]).toEqual(['accepted', 'accepted'])
})

describe('what is stored', () => {
  it('a chain restored from the commits equals the one that gave them', () => {
    const rig = new Rig()
    rig.template()
    rig.connect(1, address(1))
    rig.connect(2, address(2))
    for (let round = 0; round < 8; round++) {
      rig.mine(1 + (round % 2), round === 5 ? A_BLOCK : A_SHARE)
      rig.advance(1500)
    }
    const again = new Rig({ store: rig.store })
    expect(again.chain.confirmedTip()).toEqual(rig.chain.confirmedTip())
    expect(again.chain.miningBase()).toEqual(rig.chain.miningBase())
    expect(rig.chain.confirmedTip().height).toBe(8)
  })

  it('a share stored without a verdict is read and validated after a restart', () => {
    const { rig, share } = nodeWithUnjudgedShare()
    const effects = rig.handle({ type: 'deadline' })
    const read = only(effectsOf(effects, 'readShares'))
    expect(read.hashes).toEqual([share.hash])
    expect(rig.chain.miningBase().height).toBe(0)
    const after = rig.handle({
      type: 'sharesRead',
      for: 'chain',
      requestId: read.requestId,
      hashes: read.hashes,
      shares: rig.store.readNow(read.hashes)
    })
    expect(rig.chain.miningBase().hash).toBe(share.hash)
    expect(factsOf(after, 'resumed')).toEqual([{ type: 'resumed', validated: 1 }])
    expect(effectsOf(after, 'readShares')).toEqual([])
  })

  it('an answer nobody waits for changes nothing', () => {
    const { rig } = nodeWithUnjudgedShare()
    const read = only(effectsOf(rig.handle({ type: 'deadline' }), 'readShares'))
    const { hashes } = read
    const wrong = { type: 'sharesRead', for: 'chain', requestId: read.requestId + 1, hashes, shares: [null] } as const
    expect(rig.handle(wrong)).toEqual([])
    expect(rig.chain.facts(only(hashes))?.hasBody).toBe(true)
  })

  it.each([
    ['missing', null],
    ['damaged', new Uint8Array([1, 2, 3])]
  ])('a stored share whose body is %s is fetched from a peer again, and the log says so', (_, bytes) => {
    const { rig, share } = nodeWithUnjudgedShare()
    rig.listener('peer')
    rig.handle(handshakeAt(rig.chain.confirmedTip()))
    const read = only(effectsOf(rig.effects, 'readShares'))
    const { requestId, hashes } = read
    const answer = rig.handle({ type: 'sharesRead', for: 'chain', requestId, hashes, shares: [bytes] })
    const after = [...answer, ...rig.advance(15_000)]
    expect(factsOf(after, 'bodyLost')).toEqual([{ type: 'bodyLost', shareHash: share.hash, height: 1 }])
    expect(effectsOf(after, 'readShares')).toEqual([])
    expect(effectsOf(after, 'request').map(bodyAskedFor)).toContain(share.hash)
    const again = rig.handle(pushOf(share))
    expect(effectsOf(again, 'readShares')).toEqual([])
    expect(rig.chain.miningBase().hash).toBe(share.hash)
    expect(new Rig({ store: rig.store }).chain.miningBase().hash).toBe(share.hash)
  })

  it('a body lost after its verdict is fetched again too, also after a restart, and the chain stays as it is', () => {
    const rig = new Rig()
    rig.template()
    rig.connect(1, address(1))
    const share = only(sharesMade(rig.mine(1, A_SHARE)))
    const again = new Rig({ store: rig.store })
    again.listener('peer')
    const effects = again.handle(askFor(share.hash))
    const { requestId, hashes } = only(effectsOf(effects, 'readShares'))
    const damaged = again.store.readNow(hashes).map(body => body?.with(40, 0xee) ?? null)
    const answer = again.handle({ type: 'sharesRead', for: 'peers', requestId, hashes, shares: damaged })
    // A damaged body sent on would be held against this node.
    expect(decodeMessage(only(effectsOf(answer, 'respond')).payload ?? expect.fail()).type).toBe('notFound')
    expect(factsOf(answer, 'bodyLost')).toHaveLength(1)
    expect(again.chain.confirmedTip().hash).toBe(share.hash)
    const restarted = new Rig({ store: again.store })
    expect(restarted.chain.bodiesWanted(10)).toEqual([share.hash])
    restarted.listener('peer')
    restarted.handle(pushOf(share))
    expect(restarted.chain.bodiesWanted(10)).toEqual([])
    expect(restarted.chain.facts(share.hash)).toMatchObject({ hasBody: true, validity: 'blockValid' })
  })

  it('work is made meanwhile', () => {
    const { rig } = nodeWithUnjudgedShare()
    rig.template()
    expect(rig.connect(1, address(1)).jobs).toHaveLength(1)
  })
})

function pushOf(share: Share): NodeEvent {
  // The type byte of a whole share (protocol §18.4).
  const payload = concatBytes(Uint8Array.of(5), encodeShare(share))
  return { type: 'peerRequest', peer: 'peer', requestId: 900, protocol: 'shares', payload }
}

/** The peer says where it stands: it is somebody to ask from then on. */
function handshakeAt({ height, hash }: { readonly height: number; readonly hash: ShareHash }): NodeEvent {
  const payload = encodeMessage({ type: 'handshake', tipHeight: height, tipHash: hash })
  return { type: 'peerRequest', peer: 'peer', requestId: 899, protocol: 'shares', payload }
}

function askFor(hash: ShareHash): NodeEvent {
  const payload = encodeMessage({ type: 'getData', kind: 'share', hash })
  return { type: 'peerRequest', peer: 'peer', requestId: 901, protocol: 'shares', payload }
}

function bodyAskedFor({ payload }: Extract<NodeEffect, { type: 'request' }>): ShareHash | null {
  const message = decodeMessage(payload)
  return message.type === 'getData' && message.kind === 'share' ? message.hash : null
}

/** A node that starts with a store holding one share that another version of the rules refused. */
function nodeWithUnjudgedShare() {
  const maker = new Rig()
  maker.template()
  maker.connect(1, address(1))
  const share = only(sharesMade(maker.mine(1, A_SHARE)))
  refuseByOtherRules(maker.store, { genesis: share.header.prevShareHash, share: share.hash })
  return { rig: new Rig({ store: maker.store }), share }
}

it('the rig’s template is one bitcoind could give', () => {
  expect(template().transactions).toHaveLength(3)
})

describe('while the disk is behind', () => {
  it('a block goes to bitcoin at once and its miner is answered; the shares are added when the disk has caught up', () => {
    const rig = new Rig()
    rig.template()
    rig.connect(1, address(1))
    rig.handle({ type: 'storeBehind' })
    const before = rig.miner(1).replies.size
    const effects = [...rig.mine(1, A_SHARE), ...rig.mine(1, A_BLOCK)]
    expect(effectsOf(effects, 'submitBlock')).toHaveLength(1)
    expect(rig.miner(1).replies.size).toBe(before + 2)
    expect(rig.chain.shareCount).toBe(1)
    const after = rig.handle({ type: 'storeCaughtUp' })
    expect(factsOf(after, 'storeCaughtUp')).toEqual([{ type: 'storeCaughtUp', shares: 2 }])
    const [, block] = sharesMade(after)
    expect(rig.chain.shareCount).toBe(3)
    expect(only(rig.store.blocksNow(10)).shareHash).toBe(block?.hash)
  })

  it('each share is to be kept before its miner is answered, and until the store has the delta that brings it', () => {
    const rig = new Rig()
    rig.template()
    rig.connect(1, address(1))
    rig.handle({ type: 'storeBehind' })
    const effects = rig.mine(1, A_SHARE)
    const kept = only(effectsOf(effects, 'keepShare'))
    expect(kept).toMatchObject({ untilSequence: null })
    const types = effects.map(({ type }) => type)
    expect(types.indexOf('keepShare')).toBeLessThan(types.indexOf('sendMiner'))
    const after = rig.handle({ type: 'storeCaughtUp' })
    const { delta } = only(effectsOf(after, 'commit'))
    expect(effectsOf(after, 'keepShare')).toEqual([{ ...kept, untilSequence: delta.sequence }])
    const [share] = sharesMade(after)
    expect(encodeShare(share ?? expect.unreachable('it was found'))).toEqual(kept.encoded)
  })

  it('at the cap the oldest share that waits is given up, and said to be', () => {
    const rig = new Rig({ check: 'never' })
    rig.template()
    rig.connect(1, address(1))
    rig.handle({ type: 'storeBehind' })
    for (let count = 0; count <= MAX_HELD_SHARES; count++) {
      // Other work each time, or the same nonce would be found again.
      rig.template({ valueSats: 5_000_000_000 - count })
      rig.mine(1, A_SHARE)
    }
    const lost = rig.facts('shareLost')
    expect(lost).toMatchObject([{ code: 'disk-too-slow' }])
    expect(effectsOf(rig.effects, 'letGoOfShare').map(({ shareHash }) => shareHash)).toEqual([only(lost).shareHash])
    const after = rig.handle({ type: 'storeCaughtUp' })
    expect(factsOf(after, 'storeCaughtUp')).toEqual([{ type: 'storeCaughtUp', shares: MAX_HELD_SHARES }])
    rig.core.checkInvariants()
  })
})
