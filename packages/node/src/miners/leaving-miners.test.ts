import { utf8FromString } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import type { NodeEffect } from '../contract.ts'
import { A_BLOCK, address, effectsOf, factsOf, Rig } from '../testing/rig.ts'
import { MAX_LATE_LINES } from './leaving-miners.ts'

const NUISANCE = utf8FromString('{"id":7,"method":"mining.nonsense","params":[]}')

function mining(): Rig {
  const rig = new Rig()
  rig.template()
  rig.connect(1, address(1))
  return rig
}

/** Bitcoin has the block, whatever the miner was told, and it is on record. */
function expectBlock(rig: Rig, effects: readonly NodeEffect[]): void {
  expect(effects[0]?.type).toBe('submitBlock')
  expect(effectsOf(effects, 'submitBlock')).toHaveLength(1)
  expect(rig.store.blocksNow(10)).toHaveLength(1)
  expect(rig.facts('bug')).toEqual([])
}

/** Does what gets a miner closed. */
function annoy(rig: Rig): readonly NodeEffect[] {
  const effects = rig.handle({ type: 'minerLines', miner: 1, lines: Array(101).fill(NUISANCE) })
  expect(effectsOf(effects, 'closeMiner')).toHaveLength(1)
  return effects
}

describe('a submit that meets bitcoin’s target is a block', () => {
  it('when it is stale to us', () => {
    const rig = mining()
    const { job } = rig.miner(1)
    rig.template({ parent: 2, height: 102 })
    rig.advance(30_000)
    const effects = rig.mine(1, { ...A_BLOCK, job })
    expect(factsOf(effects, 'shareRejected')).toHaveLength(1)
    expectBlock(rig, effects)
  })

  it('when it names a worker that nobody authorised', () => {
    const rig = mining()
    const scripted = rig.miner(1)
    const line = new TextDecoder().decode(scripted.submit(scripted.grind(A_BLOCK)))
    const lines = [utf8FromString(line.replace(address(1), `${address(2)}.stranger`))]
    const effects = rig.handle({ type: 'minerLines', miner: 1, lines })
    expect(factsOf(effects, 'shareRejected')).toHaveLength(1)
    expectBlock(rig, effects)
  })

  it('when it is told twice, once', () => {
    const rig = mining()
    const scripted = rig.miner(1)
    const line = scripted.submit(scripted.grind(A_BLOCK))
    expectBlock(rig, rig.handle({ type: 'minerLines', miner: 1, lines: [line] }))
    const again = rig.handle({ type: 'minerLines', miner: 1, lines: [line] })
    expect(factsOf(again, 'shareRejected')).toHaveLength(1)
  })

  it('when it comes together with what ends the session', () => {
    const rig = mining()
    const scripted = rig.miner(1)
    const lines = [...Array(101).fill(NUISANCE), scripted.submit(scripted.grind(A_BLOCK))]
    expectBlock(rig, rig.handle({ type: 'minerLines', miner: 1, lines }))
  })

  it('when it comes after the session was ended, and nothing is answered or credited', () => {
    const rig = mining()
    annoy(rig)
    const effects = rig.mine(1, A_BLOCK)
    expectBlock(rig, effects)
    expect(effectsOf(effects, 'sendMiner')).toEqual([])
    expect(factsOf(effects, 'shareAccepted')).toEqual([])
  })

  it('when the disk is behind', () => {
    const rig = mining()
    rig.handle({ type: 'storeBehind' })
    expectBlock(rig, rig.mine(1, A_BLOCK))
  })

  it('when the node was told to stop, until it has', () => {
    const rig = mining()
    rig.handle({ type: 'drain' })
    expectBlock(rig, rig.mine(1, A_BLOCK))
  })
})

describe('a miner that was told to go', () => {
  it('is not heard once its connection is gone', () => {
    const rig = mining()
    annoy(rig)
    rig.handle({ type: 'minerGone', miner: 1 })
    expect(rig.mine(1, A_BLOCK)).toEqual([])
  })

  it('is not heard for ever', () => {
    const rig = mining()
    annoy(rig)
    expect(rig.handle({ type: 'minerLines', miner: 1, lines: Array(MAX_LATE_LINES - 1).fill(NUISANCE) })).toEqual([])
    expectBlock(rig, rig.mine(1, A_BLOCK))
    expect(rig.mine(1, { ...A_BLOCK })).toEqual([])
  })

  it('can name no work that is kept no longer', () => {
    const rig = mining()
    const { job } = rig.miner(1)
    annoy(rig)
    for (let parent = 2; parent < 80; parent++) rig.template({ parent, height: 100 + parent })
    expect(rig.mine(1, { ...A_BLOCK, job })).toEqual([])
    expect(rig.facts('bug')).toEqual([])
  })
})
