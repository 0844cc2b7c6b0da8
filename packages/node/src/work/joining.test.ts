import { steadyMs } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { A_SHARE, address, Rig, START_MS, sharesMade } from '../testing/rig.ts'
import { Wires } from '../testing/wires.ts'
import { BASE_COALESCE_MS } from './job-maker.ts'

const JOINS_WITHIN_MS = 15_000

/** A node whose miner has found three shares. */
function withShares(): Rig {
  const rig = new Rig()
  rig.template()
  rig.connect(1, address(1))
  for (let count = 0; count < 3; count++) {
    rig.advance(1_000)
    rig.mine(1, A_SHARE)
  }
  return rig
}

function joining(): Rig {
  const rig = new Rig({ joinsUntilMs: steadyMs(START_MS + JOINS_WITHIN_MS) })
  rig.template()
  rig.connect(7, address(7))
  return rig
}

describe('a node that is to join others', () => {
  it('makes no share of its own before the first peer has told what it has, and then builds on it', () => {
    const wires = new Wires()
    const [other, node] = [wires.add('other', withShares()), wires.add('node', joining())]
    node.advance(3_000)
    expect(node.core.queries.work()).toMatchObject({ jobs: 'bitcoin-only', reason: 'joining' })
    expect(sharesMade(node.mine(7, A_SHARE))).toEqual([])
    wires.connect('node', 'other')
    wires.advance(BASE_COALESCE_MS)
    expect(node.core.queries.work()).toMatchObject({ jobs: 'full', reason: null })
    expect(node.chain.confirmedTip().hash).toBe(other.chain.confirmedTip().hash)
    const [share] = sharesMade(node.mine(7, A_SHARE))
    expect(share?.header.prevShareHash).toBe(other.chain.confirmedTip().hash)
  })

  it('waits no longer than it was told to when nobody answers', () => {
    const node = joining()
    node.advance(JOINS_WITHIN_MS - 1)
    expect(node.core.queries.work()).toMatchObject({ jobs: 'bitcoin-only', reason: 'joining' })
    node.advance(1 + BASE_COALESCE_MS)
    expect(node.core.queries.work()).toMatchObject({ jobs: 'full', reason: null })
    expect(sharesMade(node.mine(7, A_SHARE))).toHaveLength(1)
  })

  it('does not take its own fresh shares for the share chain of all before a peer has had a word', () => {
    const wires = new Wires()
    wires.add('other', withShares())
    const node = wires.add('node', new Rig())
    node.template()
    node.connect(7, address(7))
    node.advance(3_000)
    expect(sharesMade(node.mine(7, A_SHARE))).toHaveLength(1)
    wires.connect('node', 'other')
    const told = node.facts('gossip').map(({ fact }) => (fact.type === 'statusChanged' ? fact.state : fact.type))
    expect(told).toContain('headersTaken')
    expect(told.indexOf('current')).toBeGreaterThan(told.indexOf('headersTaken'))
  })
})
