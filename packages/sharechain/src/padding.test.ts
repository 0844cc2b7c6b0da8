import { PADDING_FORMS, type PaddingForm } from '@p2poolv2/bitcoin'
import type { Share } from '@p2poolv2/consensus'
import { describe, expect, it } from 'vitest'
import type { ShareChain } from './share-chain.ts'
import { ChainBuilder, FAR_FUTURE_MS, headerItem } from './testing/build-chain.ts'
import { StoredChain, snapshotOf } from './testing/stored-chain.ts'

/** From here on a chain of one form demands it. */
const DECIDED = 20

function others(form: PaddingForm): PaddingForm[] {
  return PADDING_FORMS.filter(other => other !== form)
}

/** A node that took a row of shares padded in one way, and the means to make more. */
function networkOf(form: PaddingForm, count = DECIDED + 5) {
  const builder = new ChainBuilder()
  const node = new StoredChain(builder.params)
  const row = builder.row(builder.genesis, count, { padding: form })
  for (const share of row) node.take(node.chain.addShare(share, 'peer', FAR_FUTURE_MS))
  return { builder, node, row, tip: row.at(-1)?.hash ?? builder.genesis }
}

function judged(chain: ShareChain, share: Share) {
  const { verdict } = chain.addShare(share, 'peer', FAR_FUTURE_MS)
  return verdict.type === 'refused' ? verdict.code : verdict.type
}

describe.each(PADDING_FORMS)('a network that pads in form %s', form => {
  it('is followed, and the next share is asked for in that form', () => {
    const { node, tip } = networkOf(form)
    expect(node.chain.confirmedTip().hash).toBe(tip)
    expect(node.chain.padding(tip)).toEqual({ demand: form, form })
  })

  it('has a lone share of a foreign form refused for ever, and goes on without it', () => {
    const { builder, node, tip } = networkOf(form)
    for (const foreign of others(form)) {
      const share = builder.build({ parent: tip, padding: foreign })
      expect(judged(node.chain, share)).toBe('coinbase-padding')
      expect(node.chain.facts(share.hash)?.validity).toBe('invalid')
      expect(judged(node.chain, share)).toBe('known')
    }
    const next = builder.build({ parent: tip, padding: form })
    expect(judged(node.chain, next)).toBe('accepted')
    expect(node.chain.confirmedTip().hash).toBe(next.hash)
  })

  it('takes shares of any form in its first twenty, and is not moved by a few', () => {
    const { builder, node, tip } = networkOf(form, DECIDED - 3)
    let parent = tip
    for (const foreign of others(form)) {
      const share = builder.build({ parent, padding: foreign })
      expect(judged(node.chain, share)).toBe('accepted')
      parent = share.hash
    }
    expect(node.chain.padding(parent).demand).toBe('any')
    parent = builder.build({ parent, padding: form }).hash
    expect(builder.known.padding(parent)).toEqual({ demand: form, form })
  })

  it('is remembered over a restart', () => {
    const { builder, node, tip } = networkOf(form)
    const again = node.rebuilt()
    expect(snapshotOf(again)).toEqual(snapshotOf(node.chain))
    expect(again.padding(tip)).toEqual({ demand: form, form })
    const [foreign = form] = others(form)
    expect(judged(again, builder.build({ parent: tip, padding: foreign }))).toBe('coinbase-padding')
  })
})

it('each branch has the form its own ancestors show, in whatever order shares arrive', () => {
  const builder = new ChainBuilder()
  const branchOf = (padding: PaddingForm, count: number) => builder.row(builder.genesis, count, { padding })
  const light = branchOf('A', DECIDED + 1)
  const heavy = branchOf('B', DECIDED + 3)
  const [lightTip, heavyTip] = [light.at(-1)?.hash ?? builder.genesis, heavy.at(-1)?.hash ?? builder.genesis]
  const wrong = [builder.build({ parent: lightTip, padding: 'B' }), builder.build({ parent: heavyTip, padding: 'A' })]
  const shares = [...light, ...heavy, ...wrong]
  for (const order of [shares, shares.toReversed(), [...heavy, ...wrong, ...light]]) {
    const node = new StoredChain(builder.params)
    for (const share of order) node.take(node.chain.addShare(share, 'peer', FAR_FUTURE_MS))
    node.rest(FAR_FUTURE_MS)
    expect(node.chain.padding(lightTip).demand).toBe('A')
    expect(node.chain.padding(heavyTip).demand).toBe('B')
    expect(wrong.map(({ hash }) => node.chain.facts(hash)?.validity)).toEqual(['invalid', 'invalid'])
    expect(node.chain.confirmedTip().hash).toBe(heavyTip)
  }
})

it('nothing is demanded, and nothing refused, while ancestors are known by their headers alone', () => {
  const { builder, row, tip } = networkOf('B')
  const node = new StoredChain(builder.params)
  node.take(node.chain.addHeaders(row.map(headerItem), FAR_FUTURE_MS))
  expect(node.chain.padding(tip)).toEqual({ demand: 'unknown', form: 'A' })
  const foreign = builder.build({ parent: tip, padding: 'A' })
  // It waits for its parent's body, and is judged once all bodies are here.
  expect(judged(node.chain, foreign)).toBe('waiting')
  for (const share of row) node.take(node.chain.addShare(share, 'peer', FAR_FUTURE_MS))
  node.rest(FAR_FUTURE_MS)
  expect(node.chain.facts(foreign.hash)?.validity).toBe('invalid')
  expect(node.chain.confirmedTip().hash).toBe(tip)
})
