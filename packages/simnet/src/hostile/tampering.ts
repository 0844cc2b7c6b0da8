import { decodeShare, encodeShare, type Share } from '@p2poolv2/consensus'
import { type DecodedMessage, decodeMessage, encodeMessage } from '@p2poolv2/gossip'
import type { NodeEffect } from '@p2poolv2/node'
import { CodecError, type SeededRng, type ShareHash, shareHashFromWire } from '@p2poolv2/primitives'
import { below, happens } from '../chance.ts'
import type { Evil, Mischief } from './mischief.ts'

/** What is said in place of one effect. */
type Lie = (effect: NodeEffect, evil: Evil) => readonly NodeEffect[]

function lying(lie: Lie): Mischief {
  return evil => {
    evil.node.tamper = effect => lie(effect, evil)
  }
}

/** Never answers anything: whoever asks it waits for a time-out. */
export const neverAnswer: Mischief = lying(effect => (effect.type === 'respond' ? [] : [effect]))

/** Keeps its connections, and says nothing: no question, no answer, no message. */
export const pingsOnly: Mischief = lying(effect => {
  const says = ['respond', 'request', 'publish', 'verdict'].includes(effect.type)
  return says ? [] : [effect]
})

/** Shows headers and keeps the bodies: of its own shares, which it tells nobody of, and of everybody else's. */
export const withholdBodies: Mischief = lying((effect, evil) => {
  if (effect.type === 'publish' && effect.topic === 'shares') return []
  const share = shareIn(effect)
  if (share === null) return [effect]
  if (effect.type !== 'respond' || happens(evil.rng, 0.5)) return []
  return [{ ...effect, payload: encodeMessage({ type: 'notFound', kind: 'share', hash: share.hash }) }]
})

/** Has no word about one body, as long as it likes, and for all else is as honest as can be. */
export function withholdOneBody(hash: ShareHash, likes: { readonly it: boolean }): Mischief {
  return lying(effect => (likes.it && effect.type === 'respond' && shareIn(effect)?.hash === hash ? [] : [effect]))
}

/** Sends other bodies under the right headers, in answers, pushes and the topic. */
export const invalidBodies: Mischief = lying((effect, evil) => {
  if (effect.type === 'publish' && effect.topic === 'shares') {
    return [{ ...effect, data: encodeShare(spoilt(decodeShare(effect.data), evil.rng)) }]
  }
  const share = shareIn(effect)
  if (share === null || (effect.type !== 'respond' && effect.type !== 'request')) return [effect]
  return [{ ...effect, payload: encodeMessage({ type: 'shareBlock', share: spoilt(share, evil.rng) }) }]
})

/** Answers header questions with what nobody mined, and claims tips that do not exist. */
export const lieAboutHeaders: Mischief = evil => {
  evil.node.tamper = effect => {
    const message = messageIn(effect)
    if (message === null || (effect.type !== 'respond' && effect.type !== 'request')) return [effect]
    if (message.type === 'handshake') {
      const tipHash = shareHashFromWire(evil.rng.bytes(32))
      return [{ ...effect, payload: encodeMessage({ type: 'handshake', tipHeight: 4_000_000_000, tipHash }) }]
    }
    if (message.type !== 'shareHeaders') return [effect]
    return [{ ...effect, payload: encodeMessage({ type: 'shareHeaders', items: falsified(message.items, evil.rng) }) }]
  }
}

/** The message a request or answer of the shares protocol carries. What the node itself wrote can be read. */
function messageIn(effect: NodeEffect): DecodedMessage | null {
  if (effect.type === 'request') return effect.protocol === 'shares' ? decodeMessage(effect.payload) : null
  if (effect.type !== 'respond' || effect.payload === null) return null
  try {
    return decodeMessage(effect.payload)
  } catch (error) {
    // An answer does not say of which protocol it is: this one is about templates.
    if (error instanceof CodecError) return null
    throw error
  }
}

function shareIn(effect: NodeEffect): Share | null {
  const message = messageIn(effect)
  return message?.type === 'shareBlock' ? message.share : null
}

/** Changes something of a body that its header does not allow. */
function spoilt(share: Share, rng: SeededRng): Share {
  const { bitcoinCoinbase, transactions } = share
  const [first, ...rest] = bitcoinCoinbase.outputs
  switch (below(rng, 3)) {
    case 0:
      return { ...share, transactions: [...transactions, ...transactions] }
    case 1:
      return first === undefined
        ? share
        : {
            ...share,
            bitcoinCoinbase: { ...bitcoinCoinbase, outputs: [{ ...first, valueSats: first.valueSats + 1n }, ...rest] }
          }
    default:
      return { ...share, bitcoinCoinbase: { ...bitcoinCoinbase, lockTime: bitcoinCoinbase.lockTime ^ 1 } }
  }
}

type Items = Extract<DecodedMessage, { readonly type: 'shareHeaders' }>['items']

function falsified(items: Items, rng: SeededRng): Items {
  switch (below(rng, 4)) {
    case 0:
      return [...items].reverse()
    case 1:
      return items.map(item => ({ ...item, header: { ...item.header, timeSec: item.header.timeSec + 1 } }))
    case 2:
      return items.map(item => ({
        ...item,
        header: { ...item.header, prevShareHash: shareHashFromWire(rng.bytes(32)) }
      }))
    default:
      return []
  }
}
