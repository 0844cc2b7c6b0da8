import { asciiToBytes } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { EFFECT_RANK } from './contract.ts'
import { A_SHARE, address, EASY_BITS, effectsOf, HARD_BITS, Rig, SHARE_TARGET, SOURCE } from './testing/rig.ts'

const miner = fc.integer({ min: 1, max: 4 })

const peer = fc.constantFrom('ann', 'ben', 'eve')

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ what: fc.constant('peer' as const), peer, is: fc.constantFrom('ours', 'reference', 'gone') })
  },
  {
    weight: 8,
    arbitrary: fc.record({
      what: fc.constant('noise' as const),
      peer,
      by: fc.constantFrom('shares', 'templates', 'request', 'response'),
      // Often a message type of the protocol, then anything.
      data: fc.tuple(fc.nat(20), fc.uint8Array({ maxLength: 80 })).map(([type, rest]) => Uint8Array.of(type, ...rest))
    })
  },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('connect' as const), miner }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('leave' as const), miner }) },
  { weight: 20, arbitrary: fc.record({ what: fc.constant('mine' as const), miner, late: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('garbage' as const), miner, text: fc.string() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant('template' as const),
      parent: fc.integer({ min: 1, max: 3 }),
      bits: fc.constantFrom(HARD_BITS, EASY_BITS)
    })
  },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant('wait' as const),
      ms: fc.oneof(fc.nat(300), fc.nat(5000), fc.nat(40_000))
    })
  }
)

it('whatever miners, peers and bitcoin do: no bug, every bound held, every block submitted first, every delta in order', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 30, maxLength: 120 }), steps => {
      const rig = new Rig()
      const live = new Set([1, 2, 3])
      rig.template()
      for (const id of live) rig.connect(id, address(id))
      for (const action of steps) {
        // Rig checks all invariants after each event, and its store refuses a delta that is not the next.
        if (action.what === 'connect' && !live.has(action.miner)) rig.connect(action.miner, address(action.miner))
        if (action.what === 'connect') live.add(action.miner)
        if (action.what === 'leave') {
          rig.handle({ type: 'minerGone', miner: action.miner })
          live.delete(action.miner)
        }
        if (action.what === 'garbage') {
          const lines = [asciiToBytes(`[${action.text.replace(/[^\x20-\x7e]/g, '?')}`)]
          for (const effect of rig.handle({ type: 'minerLines', miner: action.miner, lines })) {
            if (effect.type === 'closeMiner') live.delete(action.miner)
          }
        }
        if (action.what === 'peer') meet(rig, action.peer, action.is)
        if (action.what === 'noise') hear(rig, action)
        if (action.what === 'template') rig.template({ parent: action.parent, bits: action.bits })
        if (action.what === 'wait') {
          for (const effect of rig.advance(action.ms)) if (effect.type === 'closeMiner') live.delete(effect.miner)
        }
        if (action.what === 'mine' && live.has(action.miner)) mineOne(rig, action.miner, action.late)
      }
      expect(rig.facts('bug')).toEqual([])
      expect(new Rig({ store: rig.store }).chain.miningBase()).toEqual(rig.chain.miningBase())
    }),
    { numRuns: 40 }
  )
})

let lastId = 0

function meet(rig: Rig, peer: string, is: string): void {
  if (is === 'gone') rig.handle({ type: 'peerGone', peer })
  else rig.handle({ type: 'peerConnected', peer, direction: 'inbound', dialect: is === 'ours' ? 'ours' : 'reference' })
}

/** A peer says what it likes; a held message and a request get exactly one answer, now or later. */
function hear(rig: Rig, noise: { readonly peer: string; readonly by: string; readonly data: Uint8Array }): void {
  const { peer, by, data } = noise
  const id = ++lastId
  if (by === 'response') {
    rig.handle({ type: 'peerResponse', requestId: id % 8, payload: data })
  } else if (by === 'request') {
    rig.handle({ type: 'peerRequest', peer, requestId: id, protocol: 'shares', payload: data })
    const answers = effectsOf(rig.effects, 'respond').filter(effect => effect.requestId === id)
    expect(answers.length).toBeLessThanOrEqual(1)
  } else {
    const topic = by === 'shares' ? 'shares' : 'templates'
    const effects = rig.handle({ type: 'gossip', peer, messageId: `${id}`, topic, data })
    expect(effectsOf(effects, 'verdict').map(effect => effect.messageId)).toEqual([`${id}`])
  }
}

/** A share on one of the miner's latest jobs; where bitcoin is easier than the share chain that is a block as well. */
function mineOne(rig: Rig, id: number, late: number): void {
  const scripted = rig.miner(id)
  const job = scripted.jobs.at(-1 - late)
  if (job === undefined) return
  const isBlock = job.bits === EASY_BITS.toString(16)
  const range = isBlock ? { atMost: SHARE_TARGET } : A_SHARE
  const find = scripted.grind({ ...range, job })
  const effects = rig.handle({ type: 'minerLines', miner: id, lines: [scripted.submit(find)] })
  const ranks = effects.map(effect => EFFECT_RANK[effect.type])
  expect([...ranks].sort((a, b) => a - b)).toEqual(ranks)
  const known = effectsOf(effects, 'sendMiner').some(({ output }) => !String(output).includes('Job not found'))
  if (!isBlock || !known) return
  const [block] = effectsOf(effects, 'submitBlock')
  expect(effects[0]).toBe(block)
  if (block === undefined) return
  const answer = { type: 'blockResult', blockHash: block.blockHash, url: SOURCE, reason: null } as const
  rig.handle({ ...answer, result: 'accepted' })
  expect(rig.store.blocksNow(1000).find(({ blockHash }) => blockHash === block.blockHash)?.result).toBe('accepted')
}
