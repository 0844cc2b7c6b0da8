import { type SeededRng, seededRng, steadyMs, unixMs } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { DevChain } from '../dev-chain.ts'
import { REGTEST_DIFFICULTY } from '../testing/build-block.ts'
import { growBranch } from '../testing/grow-branch.ts'
import { BlockExchange } from './block-exchange.ts'
import type { ExchangeEffect, ExchangeEvent } from './contract.ts'
import { type ExchangeMessage, encodeMessage } from './messages.ts'

const NOW_SEC = 1_795_360_577
const trunk = growBranch({ count: 20, fromSec: NOW_SEC })
const fork = growBranch({ on: trunk.blocks.slice(0, 12), count: 10, fromSec: NOW_SEC + 367 })
const BLOCKS = [...trunk.blocks, ...fork.blocks.slice(12)]
const PEERS = ['eve', 'mal', 'ned']

const pick = <T>(rng: SeededRng, items: readonly T[]): T => items[rng.u32() % items.length] as T

function anyMessage(rng: SeededRng): ExchangeMessage {
  const blocks = Array.from({ length: rng.u32() % 4 }, () => pick(rng, BLOCKS))
  const from = rng.u32() % trunk.blocks.length
  return pick<ExchangeMessage>(rng, [
    { type: 'getBlocks', locator: [trunk.chain.blockAt(rng.u32() % 21)?.hash ?? trunk.chain.tip.hash] },
    { type: 'newBlock', block: pick(rng, BLOCKS) },
    { type: 'blocks', firstHeight: rng.u32() % 25, tipHeight: rng.u32() % 40, blocks },
    {
      type: 'blocks',
      firstHeight: from + 1,
      tipHeight: 20,
      blocks: trunk.blocks.slice(from, from + 1 + (rng.u32() % 8))
    },
    { type: 'noted' }
  ])
}

/** A message as it is, with a byte changed, cut short, or followed by more. */
function anyPayload(rng: SeededRng): Uint8Array {
  const payload = encodeMessage(anyMessage(rng))
  const at = rng.u32() % payload.length
  return pick(rng, [
    () => payload,
    () => payload,
    () => payload.map((byte, i) => (i === at ? byte ^ (1 << (rng.u32() % 8)) : byte)),
    () => payload.subarray(0, at),
    () => Uint8Array.of(...payload, 0),
    () => rng.bytes(rng.u32() % 300)
  ])()
}

it('whatever peers send, in whatever order, every request is answered once and an honest peer still brings the chain', () => {
  fc.assert(
    fc.property(fc.string(), seed => {
      const rng = seededRng(seed)
      const chain = new DevChain(REGTEST_DIFFICULTY)
      const exchange = new BlockExchange({ chain })
      let nowMs = 0
      let open: Extract<ExchangeEffect, { type: 'ask' }>[] = []
      const tell = (event: ExchangeEvent): readonly ExchangeEffect[] => {
        const effects = exchange.handle(event, { steadyMs: steadyMs(nowMs), wallMs: unixMs((NOW_SEC + 7_000) * 1_000) })
        exchange.checkInvariants()
        const answers = effects.filter(({ type }) => type === 'answer')
        expect(answers).toHaveLength(event.type === 'request' ? 1 : 0)
        open.push(...effects.filter(effect => effect.type === 'ask'))
        return effects
      }
      for (let i = 0; i < 60; i++) {
        nowMs += rng.u32() % 4_000
        const peer = pick(rng, PEERS)
        const requestId = open.length === 0 ? 0 : pick(rng, open).requestId
        pick(rng, [
          () => tell({ type: 'peerConnected', peer }),
          () => tell({ type: 'peerGone', peer }),
          () => tell({ type: 'request', peer, requestId: i, payload: anyPayload(rng) }),
          () => tell({ type: 'response', requestId, payload: anyPayload(rng) }),
          () => tell({ type: 'response', requestId, payload: null }),
          () => tell({ type: 'failed', requestId }),
          () => tell({ type: 'deadline' })
        ])()
        chain.checkInvariants()
      }
      // Bob has the heavier branch, and answers what he is asked.
      const bob = new BlockExchange({ chain: fork.chain })
      open = []
      const moment = { steadyMs: steadyMs(nowMs), wallMs: unixMs((NOW_SEC + 7_000) * 1_000) }
      bob.handle({ type: 'peerConnected', peer: 'we' }, moment)
      tell({ type: 'peerConnected', peer: 'bob' })
      for (let i = 0; i < 60 && chain.blockOf(fork.chain.tip.hash) === null; i++) {
        for (const ask of open.splice(0)) {
          if (ask.peer !== 'bob') continue
          const effects = bob.handle({ type: 'request', peer: 'we', requestId: 1, payload: ask.payload }, moment)
          for (const effect of effects) {
            if (effect.type === 'answer') tell({ type: 'response', requestId: ask.requestId, payload: effect.payload })
          }
        }
        nowMs += 10_000
        tell({ type: 'deadline' })
      }
      expect(chain.blockOf(fork.chain.tip.hash)).not.toBeNull()
      // Not by work: a chain may begin where a peer's answer did. And a changed block may be as good as bob's last.
      expect(chain.tip.bitcoinHeight).toBe(fork.chain.tip.bitcoinHeight)
    })
  )
})
