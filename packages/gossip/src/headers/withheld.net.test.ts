import type { Share } from '@p2poolv2/consensus'
import { type ShareHash, steadyMs } from '@p2poolv2/primitives'
import { ChainBuilder, easyParams, GENESIS_TIME_SEC, headerItem } from '@p2poolv2/sharechain/testing'
import { beforeEach, expect, it } from 'vitest'
import { ScriptedPeer } from '../testing/scripted-peer.ts'
import { TestNet } from '../testing/test-net.ts'
import { TestNode } from '../testing/test-node.ts'

const params = easyParams()
const START_MS = steadyMs((GENESIS_TIME_SEC + 2_000) * 1_000)
const SHARES = 800
const FORK = 400

const builder = new ChainBuilder(params)
const honest = builder.row(builder.genesis, SHARES)
/** Heavier, and right in all that is to be seen of it. */
const [parting] = honest.slice(FORK - 1)
const own = builder.row(parting?.hash ?? builder.genesis, SHARES - FORK + 20, { miner: 7 })
const told = [...honest.slice(0, FORK), ...own]
const tipOf = (shares: readonly Share[]): ShareHash => shares.at(-1)?.hash ?? builder.genesis

/** Has every header of a chain and every body but those withheld, for which it has no word. */
function teller(chain: readonly Share[], withheld: ReadonlySet<ShareHash> = new Set()): ScriptedPeer {
  return new ScriptedPeer(
    message => {
      if (message.type === 'getShareHeaders') {
        const at = chain.findLastIndex(({ hash }) => message.locator.includes(hash))
        return { type: 'shareHeaders', items: chain.slice(at + 1, at + 901).map(headerItem) }
      }
      if (message.type !== 'getData' || message.kind !== 'share') return null
      if (withheld.has(message.hash)) return 'silent'
      const share = chain.find(({ hash }) => hash === message.hash)
      return share === undefined
        ? { type: 'notFound', kind: 'share', hash: message.hash }
        : { type: 'shareBlock', share }
    },
    [{ type: 'handshake', tipHeight: chain.length, tipHash: tipOf(chain) }]
  )
}

let net: TestNet
let ann: TestNode

beforeEach(() => {
  net = new TestNet(START_MS)
  ann = new TestNode(params)
  net.add('ann', ann)
})

const meet = (id: string, peer: ScriptedPeer): void => {
  net.add(id, peer)
  net.connect('ann', id, { latencyMs: 20 })
}

it.each([
  ['the first body of its own', 0],
  ['one in the middle', 200],
  ['the last', own.length - 1]
])('who tells the heaviest headers and keeps %s holds up nobody for longer than a minute or so', (_, at) => {
  const kept = own[at]?.hash ?? builder.genesis
  meet('liar', teller(told, new Set([kept])))
  net.run(300)
  expect(ann.chain.candidateTip().hash).toBe(tipOf(told))
  meet('bob', teller(honest))
  net.run(40_000)
  // It may yet come.
  expect(ann.chain.candidateTip().hash).toBe(tipOf(told))
  net.run(50_000)
  const withoutIt = [...honest.slice(0, FORK), ...own.slice(0, at)]
  const isHeavier = withoutIt.length > honest.length
  expect(ann.tip).toBe(tipOf(isHeavier ? withoutIt : honest))
  expect(net.penalties).toEqual([])
})

it('several of them cost one minute and some seconds each', () => {
  for (const miner of [8, 9, 10]) {
    const fork = builder.row(parting?.hash ?? builder.genesis, SHARES - FORK + miner, { miner })
    meet(`l${miner}`, teller([...honest.slice(0, FORK), ...fork], new Set([fork[miner]?.hash ?? builder.genesis])))
    net.run(300)
  }
  meet('bob', teller(honest))
  net.run(140_000)
  expect(ann.tip).toBe(tipOf(honest))
})

it('a body that comes after all makes its chain as good as any', () => {
  const withheld = new Set([own[0]?.hash ?? builder.genesis])
  meet('liar', teller(told, withheld))
  net.run(300)
  meet('bob', teller(honest))
  net.run(90_000)
  expect(ann.tip).toBe(tipOf(honest))
  withheld.clear()
  net.run(120_000)
  expect(ann.tip).toBe(tipOf(told))
})

it('one who is slow, and alone, is waited for', () => {
  net.add('bob', teller(honest))
  net.connect('ann', 'bob', { latencyMs: 4_500 })
  net.run(700_000)
  expect(ann.tip).toBe(tipOf(honest))
  expect(ann.facts.filter(({ type }) => type === 'headersFailed')).toEqual([])
})
