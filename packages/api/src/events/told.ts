import type { TimelineJson } from '@p2poolv2/api/schema'
import { satsText } from '@p2poolv2/earnings'
import type { NodeFact } from '@p2poolv2/node'
import { workerId } from '../answers/workers-answer.ts'

/** A fact as a person reads it. */
export type Told = Omit<TimelineJson['entries'][number], 'id' | 'time'>

type Gossip = Extract<NodeFact, { type: 'gossip' }>['fact']

const MAX_TEXT_LENGTH = 300

/** @param worker id of the one that left, if the fact is of that @returns null for what nobody needs to read */
export function toldOf(fact: NodeFact, worker: string | null): Told | null {
  switch (fact.type) {
    case 'minerAuthorised': {
      const id = workerId(fact.payoutAddress, fact.worker)
      return told(
        'miner-joined',
        'info',
        `${nameOf(fact.worker)} is at work, with ${fact.userAgent || 'unknown firmware'}.`,
        id
      )
    }
    case 'minerGone':
      return worker === null
        ? null
        : told('miner-left', 'info', `${nameOf(worker.split('.').slice(1).join('.'))} is gone.`, worker)
    case 'minerRefused':
      return told('miner-refused', 'warn', `A miner was refused: ${fact.message}`, null)
    case 'minerWarned':
      return told(
        'miner-warned',
        'warn',
        `${nameOf(fact.worker)}: ${fact.message}`,
        workerId(fact.payoutAddress, fact.worker)
      )
    case 'shareFound':
      return told(
        'share-found',
        'good',
        `${nameOf(fact.worker)} made a share, at height ${fact.height}.`,
        fact.shareHash
      )
    case 'shareLost':
      return told(
        'share-lost',
        'warn',
        `A share of ours has no place in the share chain: ${fact.code}.`,
        fact.shareHash
      )
    case 'shareHeld':
      return told(
        'share-held',
        'warn',
        `A share of ours has to wait before it counts: ${fact.code}. Is the clock right?`,
        fact.shareHash
      )
    case 'reorg':
      return told(
        'reorg',
        'info',
        `The share chain was re-organised: ${fact.unconfirmed} shares left it and ${fact.confirmed} came in.`,
        fact.tip
      )
    case 'blockFound':
      // One of a parent at most can be in the chain.
      if (fact.siblingsBefore > 0) return null
      return told(
        'block-found',
        'good',
        `BLOCK FOUND by ${nameOf(fact.worker)} at bitcoin height ${fact.bitcoinHeight}: ${whomItPays(fact)}.`,
        fact.blockHash
      )
    case 'blockResult':
      return told(
        'block-result',
        fact.result === 'accepted' || fact.result === 'duplicate'
          ? 'good'
          : fact.result === 'superseded'
            ? 'info'
            : 'warn',
        `${ANSWERS[fact.result]}${fact.reason === null ? '' : `: ${fact.reason}`}.`,
        fact.blockHash
      )
    case 'blockUnanswered':
      return told(
        'block-result',
        'warn',
        `A block found before the last stop, at bitcoin height ${fact.bitcoinHeight}, has no answer on record.`,
        fact.blockHash
      )
    case 'bitcoindStatus': {
      const { url, state, message } = fact.status
      const isWrong = state === 'unreachable' || state === 'misconfigured'
      return told('bitcoind', isWrong ? 'error' : 'info', message ?? `The bitcoin node ${url} is ${state}.`, null)
    }
    case 'workUnavailable':
      return told('work', 'error', 'There is no work: nobody can be paid yet.', null)
    case 'coinbaseTooHeavy':
      return told('work', 'warn', `The payouts to ${fact.payees} payees need more room than bitcoind sets aside.`, null)
    case 'peerConnected':
      return told('peer-joined', 'info', `A node connected (${fact.direction}).`, fact.peer)
    case 'peerGone':
      return told('peer-left', 'info', 'A node is gone.', fact.peer)
    case 'peerPenalised':
      return told('network', 'warn', `A node broke a rule: ${fact.code}.`, fact.peer)
    case 'peerDropped':
      return told('network', 'warn', `A node was dropped: ${fact.reason}.`, fact.peer)
    case 'storeBehind':
      return told('disk', 'warn', 'The disk is far behind: shares wait in memory, blocks go to bitcoin as ever.', null)
    case 'storeCaughtUp':
      return told('disk', 'info', 'The disk has caught up.', null)
    case 'bodyLost':
      return told(
        'disk',
        'warn',
        'A stored share cannot be read: it is fetched from other nodes again.',
        fact.shareHash
      )
    case 'storeFailed':
      return told('disk', 'error', `The disk refuses: ${fact.message}. The node stops.`, null)
    case 'bug':
      return told('bug', 'error', `This is a bug of ours, please report it: ${fact.code}.`, null)
    case 'gossip':
      return toldOfGossip(fact.fact)
    default:
      return null
  }
}

function toldOfGossip(fact: Gossip): Told | null {
  switch (fact.type) {
    case 'blockSeen':
      return told('block-seen', 'good', 'Another node of the pool found a bitcoin block.', null)
    case 'rulesDiffer':
      return told('network', 'warn', 'A node follows other rules: one of you has to update.', null)
    case 'headersAhead':
      return told('network', 'warn', 'Shares of another node are from the future. Is the clock right?', null)
    case 'statusChanged':
      return told('network', 'info', STATES[fact.state], null)
    default:
      return null
  }
}

const STATES: Readonly<Record<Extract<Gossip, { type: 'statusChanged' }>['state'], string>> = {
  alone: 'No node is connected: mining goes on alone.',
  syncing: 'Shares of others are being fetched; mining goes on meanwhile.',
  current: 'The share chain is current.'
}

/** @param text may hold what miners and peers call themselves */
function told(kind: Told['kind'], level: Told['level'], text: string, subject: string | null): Told {
  return { kind, level, text: printable(text), subject: subject === null ? null : printable(subject) }
}

/** What a bitcoin node said to a block, of ours or of another node that was put together here. */
const ANSWERS = {
  accepted: 'The bitcoin node took a block of the pool',
  duplicate: 'The bitcoin node has a block of the pool already',
  superseded: 'A block of ours gave way to another one of ours on the same parent',
  'lost-race': 'A block of the pool came second: another one was there first, and it may still win',
  rejected: 'The bitcoin node refused a block of the pool',
  failed: 'A block of the pool did not reach the bitcoin node'
} as const satisfies Readonly<Record<Extract<NodeFact, { type: 'blockResult' }>['result'], string>>

/** Who finds a block is seldom the only one it pays. */
function whomItPays({ payees, valueSats, finderSats, lostSats }: Extract<NodeFact, { type: 'blockFound' }>): string {
  const all = satsText(valueSats)
  if (finderSats === valueSats) return `it pays ${all}, all of it to the finder's address`
  const finder = finderSats === 0n ? 'nothing' : satsText(finderSats)
  const lost = lostSats === 0n ? '' : `, and ${satsText(lostSats)} go to the key of the genesis share, which nobody has`
  return `it pays ${all} to ${payees === 1 ? 'one address' : `${payees} addresses`}; the finder's address gets ${finder}${lost}`
}

function nameOf(worker: string): string {
  return worker === '' ? 'A miner without a name' : `Miner ${worker}`
}

/** Control characters and marks that turn the direction of writing are nothing for a page or a terminal. */
function printable(text: string): string {
  return text.replace(/[\p{C}\u2028\u2029]/gu, '?').slice(0, MAX_TEXT_LENGTH)
}
