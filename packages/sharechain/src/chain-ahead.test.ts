import type { Share } from '@p2poolv2/consensus'
import { decodeShare } from '@p2poolv2/consensus'
import { invariant, msFromSec, type ShareHash, type UnixMs, unixSec } from '@p2poolv2/primitives'
import { beforeEach, describe, expect, it } from 'vitest'
import { ChainBuilder, easyParams, GENESIS_TIME_SEC } from './testing/build-chain.ts'
import { StoredChain, snapshotOf } from './testing/stored-chain.ts'

/** When the clock is set right, and how far it was ahead. */
const NOW_SEC = 100
const AHEAD_SEC = 86_400
const NOW = at(NOW_SEC)

function at(sec: number): UnixMs {
  return msFromSec(unixSec(GENESIS_TIME_SEC + sec))
}

let builder: ChainBuilder
let node: StoredChain

beforeEach(() => {
  builder = new ChainBuilder(easyParams())
  node = new StoredChain(builder.params)
})

/** Gives the node shares, and what it asks of its store with them. */
function add(shares: readonly Share[], nowMs: UnixMs): void {
  for (const share of shares) node.take(node.chain.addShare(share, 'own', nowMs))
  rest(nowMs)
}

/** Until nothing is due and every stored body has its verdict. */
function rest(nowMs: UnixMs): void {
  node.rest(nowMs)
  for (let wanted = node.chain.resume(64); wanted.length > 0; wanted = node.chain.resume(64)) {
    const shares = node.store.readNow(wanted).map(bytes => {
      invariant(bytes !== null, 'a body that is asked for is stored')
      return decodeShare(bytes)
    })
    node.take(node.chain.bodiesRead(shares, nowMs))
    node.rest(nowMs)
  }
}

const hashes = (shares: readonly Share[]): ShareHash[] => shares.map(({ hash }) => hash)
const tipOf = (shares: readonly Share[]): Share => {
  const tip = shares.at(-1)
  invariant(tip !== undefined, 'there are shares')
  return tip
}

/** A row of shares made while the clock was ahead, but for the second one, whose time is that of a clock that was right. */
function madeAhead(parent: ShareHash, count: number): Share[] {
  const row: Share[] = []
  for (const offSec of [AHEAD_SEC, 0, AHEAD_SEC + 9]) {
    const timeSec = GENESIS_TIME_SEC + NOW_SEC + offSec
    row.push(builder.build({ parent: row.at(-1)?.hash ?? parent, timeSec }))
  }
  return [...row, ...builder.row(tipOf(row).hash, count - row.length)]
}

describe('a clock that was ahead and is set right', () => {
  it('has the chain go on from the last share of before', () => {
    const before = builder.row(builder.genesis, 5)
    const ahead = madeAhead(tipOf(before).hash, 4)
    add([...before, ...ahead], at(NOW_SEC + AHEAD_SEC))
    expect(node.chain.confirmedTip().hash).toBe(tipOf(ahead).hash)
    const outcome = node.take(node.chain.holdAhead(NOW))
    expect(outcome).toMatchObject({ newBase: true, unconfirmed: hashes(ahead).reverse(), confirmed: [] })
    const { chain } = node
    expect(chain.miningBase().hash).toBe(tipOf(before).hash)
    expect(chain.candidateTip().hash).toBe(tipOf(before).hash)
    expect(chain.uncleChoice(tipOf(before).hash)).toEqual([])
    expect(snapshotOf(node.rebuilt())).toEqual(snapshotOf(chain))
    const next = builder.build({ parent: tipOf(before).hash, timeSec: GENESIS_TIME_SEC + NOW_SEC })
    add([next], NOW)
    expect(chain.confirmedTip().hash).toBe(next.hash)
  })

  it('has it follow the branch that others made meanwhile, however light', () => {
    const before = builder.row(builder.genesis, 5)
    const ahead = madeAhead(tipOf(before).hash, 4)
    const others = [builder.build({ parent: tipOf(before).hash, miner: 1 })]
    add([...before, ...ahead, ...others], at(NOW_SEC + AHEAD_SEC))
    expect(node.chain.confirmedTip().hash).toBe(tipOf(ahead).hash)
    const outcome = node.take(node.chain.holdAhead(NOW))
    expect(outcome).toMatchObject({ unconfirmed: hashes(ahead).reverse(), confirmed: hashes(others) })
    expect(node.chain.miningBase().hash).toBe(tipOf(others).hash)
  })

  it('has what was dated ahead back once its time has come, none before its parent, also after a restart', () => {
    const before = builder.row(builder.genesis, 5)
    const ahead = madeAhead(tipOf(before).hash, 4)
    add([...before, ...ahead], at(NOW_SEC + AHEAD_SEC))
    node.take(node.chain.holdAhead(NOW))
    for (const chain of [node.chain, node.rebuilt()]) {
      expect(chain.nextDeadlineMs).toBe(at(NOW_SEC + AHEAD_SEC - builder.params.futureTimeSec))
      for (const hash of hashes(ahead)) expect(chain.facts(hash)?.validity).toBe('invalid')
    }
    const firstDue = at(NOW_SEC + AHEAD_SEC - builder.params.futureTimeSec)
    rest(firstDue)
    expect(node.chain.confirmedTip().hash).toBe(ahead[1]?.hash)
    rest(at(NOW_SEC + AHEAD_SEC))
    expect(node.chain.confirmedTip().hash).toBe(tipOf(ahead).hash)
    expect(snapshotOf(node.rebuilt())).toEqual(snapshotOf(node.chain))
  })

  it('has it leave what is dated ahead below shares that are dated right: a few do not move the median of their times', () => {
    const before = builder.row(builder.genesis, 12)
    const [dated] = builder.row(tipOf(before).hash, 1, { timeSec: GENESIS_TIME_SEC + NOW_SEC + AHEAD_SEC })
    invariant(dated !== undefined, 'one was made')
    const after = [builder.build({ parent: dated.hash, timeSec: GENESIS_TIME_SEC + 20 })]
    after.push(...builder.row(tipOf(after).hash, 3))
    expect(node.chain.hasAhead(NOW)).toBe(false)
    add([...before, dated, ...after], at(NOW_SEC + AHEAD_SEC))
    expect(node.chain.hasAhead(at(NOW_SEC + AHEAD_SEC))).toBe(false)
    for (const chain of [node.chain, node.rebuilt()]) {
      expect(chain.medianTimePast(tipOf(after).hash)).toBeLessThan(GENESIS_TIME_SEC + NOW_SEC)
      expect(chain.hasAhead(NOW)).toBe(true)
    }
    node.take(node.chain.holdAhead(NOW))
    expect(node.chain.miningBase().hash).toBe(tipOf(before).hash)
    for (const chain of [node.chain, node.rebuilt()]) expect(chain.hasAhead(NOW)).toBe(false)
  })

  it('has shares that are built on those wait with them', () => {
    const before = builder.row(builder.genesis, 5)
    const ahead = madeAhead(tipOf(before).hash, 3)
    add([...before, ...ahead], at(NOW_SEC + AHEAD_SEC))
    node.take(node.chain.holdAhead(NOW))
    // Its own time has come, but not that of what it is built on.
    const child = builder.build({ parent: (ahead[1] as Share).hash, timeSec: GENESIS_TIME_SEC + NOW_SEC })
    const { verdict } = node.take(node.chain.addShare(child, 'peer', NOW))
    expect(verdict).toEqual({ type: 'waiting', missing: [], code: 'share-parent-invalid' })
    expect(node.chain.nextDeadlineMs).toBe(at(NOW_SEC + AHEAD_SEC - builder.params.futureTimeSec))
    rest(at(NOW_SEC + AHEAD_SEC))
    expect(node.chain.facts(child.hash)?.validity).toBe('blockValid')
  })

  it('that falls back once more finds what came back ahead of it', () => {
    const before = builder.row(builder.genesis, 5)
    add([...before, ...madeAhead(tipOf(before).hash, 4)], at(NOW_SEC + AHEAD_SEC))
    node.take(node.chain.holdAhead(NOW))
    expect(node.chain.hasAhead(NOW)).toBe(false)
    rest(at(NOW_SEC + AHEAD_SEC))
    expect([node.chain.hasAhead(at(NOW_SEC + AHEAD_SEC)), node.chain.hasAhead(NOW)]).toEqual([false, true])
  })

  it('changes nothing where less than a payout window would be left to judge by', () => {
    builder = new ChainBuilder(easyParams({ windowMaxShares: 20, pruneDepth: 40, paddingSpan: 10 }))
    node = new StoredChain(builder.params)
    const before = builder.row(builder.genesis, 50)
    const ahead = madeAhead(tipOf(before).hash, 40)
    add([...before, ...ahead], at(NOW_SEC + AHEAD_SEC))
    expect(node.chain.keptFromHeight).toBeGreaterThan(50 - 20)
    expect(node.take(node.chain.holdAhead(NOW))).toMatchObject({ delta: null, newBase: false, unconfirmed: [] })
    expect(node.chain.confirmedTip().hash).toBe(tipOf(ahead).hash)
  })
})
