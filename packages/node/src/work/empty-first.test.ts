import { type BlockTemplate, bitcoinHeaderHashWire, emptyTemplate } from '@p2poolv2/bitcoin'
import { blockHashFromWire, bytesToHexReversed } from '@p2poolv2/primitives'
import { expect, it } from 'vitest'
import { SERVED_AT_ONCE } from '../miners/miner-desk.ts'
import { A_BLOCK, A_SHARE, address, effectsOf, Rig, SOURCE, template } from '../testing/rig.ts'
import { Wires } from '../testing/wires.ts'

/** What is foreseen of the block after the one that this template was for. */
function foreseen(before: BlockTemplate): BlockTemplate {
  const header = {
    version: before.version,
    prevHashWire: before.prevHashWire,
    merkleRootWire: new Uint8Array(32).fill(5),
    timeSec: before.curTimeSec,
    bits: before.bits,
    nonce: 1
  }
  const hash = blockHashFromWire(bitcoinHeaderHashWire(header))
  const tip = { hash, header, bitcoinHeight: before.bitcoinHeight, medianTimeSec: before.minTimeSec }
  const empty = emptyTemplate(tip, { chain: 'main', before, nowSec: before.curTimeSec })
  if (empty === null) throw new Error('the bits of the next block are known')
  return empty
}

function twoNodes() {
  const wires = new Wires()
  const ours = wires.add('ours', new Rig())
  const theirs = wires.add('theirs', new Rig())
  wires.connect('ours', 'theirs')
  const before = template({ transactions: 3 })
  for (const rig of [ours, theirs]) rig.handle({ type: 'template', template: before, source: SOURCE })
  const miner = ours.connect(1, address(1))
  const empty = foreseen(before)
  ours.handle({ type: 'template', template: empty, source: SOURCE })
  return { wires, ours, theirs, miner, empty, before }
}

it('work without transactions is clean, and the whole work that follows goes on beside it', () => {
  const { ours, miner, empty } = twoNodes()
  expect(miner.job).toMatchObject({ branch: [], clean: true })
  expect(bytesToHexReversed(miner.job.prevHashWire)).toBe(empty.prevHash)
  const late = miner.job
  const whole = {
    ...template({ transactions: 3, height: empty.bitcoinHeight }),
    prevHash: empty.prevHash,
    prevHashWire: empty.prevHashWire
  }
  ours.handle({ type: 'template', template: whole, source: SOURCE })
  expect(miner.job.clean).toBe(false)
  expect(miner.job.branch.length).toBeGreaterThan(0)
  ours.mine(1, { ...A_SHARE, job: late })
  expect(miner.lastReply?.result).toBe(true)
})

it('who has not got it yet when the whole work is there gets that one alone, clean', () => {
  const rig = new Rig({ check: 'never' })
  const before = template({ transactions: 3 })
  rig.handle({ type: 'template', template: before, source: SOURCE })
  const served = Array.from({ length: SERVED_AT_ONCE }, (_, at) => rig.connect(at + 1, address(1)))
  const unserved = Array.from({ length: 20 }, (_, at) => rig.connect(SERVED_AT_ONCE + at + 1, address(1)))
  const empty = foreseen(before)
  rig.handle({ type: 'template', template: empty, source: SOURCE })
  expect(rig.core.queries.unservedMiners()).toBe(20)
  const { bitcoinHeight: height, prevHash, prevHashWire } = empty
  const whole = { ...template({ transactions: 3, height }), prevHash, prevHashWire }
  rig.handle({ type: 'template', template: whole, source: SOURCE })
  for (const { jobs } of unserved) {
    expect(jobs).toHaveLength(2)
    expect(jobs[1]).toMatchObject({ clean: true, prevHashWire })
    expect(jobs[1]?.branch.length).toBeGreaterThan(0)
  }
  rig.advance(0)
  expect(rig.core.queries.unservedMiners()).toBe(0)
  for (const { jobs } of served) {
    expect(jobs.map(({ clean }) => clean)).toEqual([true, true, false])
    expect(jobs.map(({ branch }) => branch.length > 0)).toEqual([true, false, true])
  }
  rig.core.checkInvariants()
})

it('a share of it passes the checks of a peer, counts there and here, and so does what is built on it', () => {
  const { wires, ours, theirs } = twoNodes()
  for (let share = 0; share < 3; share++) {
    ours.mine(1, A_SHARE)
    wires.advance(700)
  }
  expect(theirs.facts('peerPenalised')).toEqual([])
  for (const rig of [ours, theirs]) {
    const made = ours.facts('shareFound').map(({ shareHash }) => shareHash)
    expect(made).toHaveLength(3)
    expect(made.map(hash => rig.chain.facts(hash)?.validity)).toEqual(['blockValid', 'blockValid', 'blockValid'])
    expect(rig.chain.confirmedTip().height).toBe(ours.chain.confirmedTip().height)
  }
})

it('a block of it is submitted here and, without a transaction to ask for, by the peer', () => {
  const { wires, ours, theirs, empty } = twoNodes()
  const [submitted] = effectsOf(ours.mine(1, A_BLOCK), 'submitBlock')
  wires.settle()
  const [again] = effectsOf(theirs.effects, 'submitBlock')
  expect(submitted?.bitcoinHeight).toBe(empty.bitcoinHeight)
  expect(again?.blockHex).toBe(submitted?.blockHex)
  // Header, one transaction, no more.
  expect(submitted?.blockHex.slice(160, 162)).toBe('01')
})
