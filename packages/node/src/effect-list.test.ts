import { blockHash } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import type { NodeEffect } from './contract.ts'
import { EffectList } from './effect-list.ts'

const send = (text: string): NodeEffect => ({ type: 'sendMiner', miner: 1, output: text })
const block: NodeEffect = { type: 'submitBlock', blockHash: blockHash('0'.repeat(64)), bitcoinHeight: 1, blockHex: '' }

describe('EffectList', () => {
  it('hands a block out first, whenever it was added', () => {
    const list = new EffectList()
    list.report({ type: 'committed', sequence: 1 })
    list.add(send('a'))
    list.add(block)
    expect(list.take().map(effect => effect.type)).toEqual(['submitBlock', 'sendMiner', 'report'])
  })

  it('keeps the order of what goes to miners, closing included', () => {
    const list = new EffectList()
    list.report({ type: 'committed', sequence: 1 })
    list.add(send('a'))
    list.add({ type: 'closeMiner', miner: 1, reason: 'asked' })
    list.add(send('b'))
    expect(list.take().slice(0, 3)).toEqual([send('a'), { type: 'closeMiner', miner: 1, reason: 'asked' }, send('b')])
  })

  it('starts anew after it was taken, and has one answer for nothing', () => {
    const list = new EffectList()
    list.add(send('a'))
    list.take()
    expect(list.take()).toHaveLength(0)
    expect(list.take()).toBe(new EffectList().take())
  })
})
