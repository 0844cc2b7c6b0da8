import type { EarningsJson, StatusJson } from '@p2poolv2/api/schema'
import { expect, it } from 'vitest'
import { verdictOf } from './verdict.ts'

type Told = NonNullable<EarningsJson['earnings']>
const MINER: StatusJson['miners'][number] = {
  worker: 'bitaxe',
  address: 'bc1q',
  userAgent: 'bitaxe',
  difficulty: 1000,
  hashrate: 1e12,
  accepted: 1,
  rejected: 0,
  work: 'pool',
  warnings: []
}
const WAIT = { meanSec: 7200, band50Sec: { low: 2000, high: 10_000 }, band90Sec: { low: 360, high: 21_600 } }

function status(more: { miners?: number; bitcoind?: Partial<StatusJson['bitcoind']> } = {}): StatusJson {
  const { miners = 1, bitcoind = {} } = more
  return {
    mode: 'sharechain',
    miners: Array.from({ length: miners }, () => MINER),
    bitcoind: { url: 'http://127.0.0.1:8332', state: 'ready', height: 1, message: null, ...bitcoind }
  } as unknown as StatusJson
}

function earnings(more: { shares?: number; verdict?: Told['shareSpell']['verdict'] } = {}): EarningsJson {
  const { shares = 0, verdict = 'usual' } = more
  const told = {
    now: { sats: shares * 2583, part: shares / 120_960 },
    window: { shares, uncles: 0, lastLeaves: WAIT },
    nextShare: { ...WAIT, mean90Sec: null },
    shareSpell: { verdict },
    sentences: { nextShare: 'Next share.', nextPayout: 'Next payout.', shareSpell: 'Dry spell.' }
  }
  return { time: 0, addresses: [], message: null, earnings: told as unknown as Told, whatIf: null }
}

it('says yes as soon as a share of ours is in the window, with what a block pays', () => {
  expect(verdictOf(status(), earnings({ shares: 145 }))).toEqual({
    tone: 'good',
    answer:
      'Yes: the next block the pool finds pays you 374,535 sats. Your 145 shares are 0.12 % of the payout window.',
    details: ['Next payout.']
  })
})

it('says not yet while the window holds nothing of ours, and how long the first share takes', () => {
  const verdict = verdictOf(status(), earnings())
  expect(verdict?.answer).toBe(
    'Not yet: none of your shares is in the payout window; the first comes in 2 hours on average.'
  )
  expect(verdict?.tone).toBe('plain')
})

it('without a miner it says so, whatever is in the window', () => {
  expect(verdictOf(status({ miners: 0 }), earnings())?.answer).toContain('no miner of yours is connected')
  const verdict = verdictOf(status({ miners: 0 }), earnings({ shares: 1 }))
  expect(verdict?.tone).toBe('warn')
  expect(verdict?.details).toContain(
    'No miner of yours is connected now, so nothing is added to that; the last share leaves the window in about 2 hours.'
  )
})

it('a dry spell that chance hardly makes is a warning, one that it makes is not', () => {
  expect(verdictOf(status(), earnings({ shares: 1, verdict: 'suspicious' }))).toMatchObject({
    tone: 'warn',
    details: ['Next payout.', 'Dry spell.']
  })
  expect(verdictOf(status(), earnings({ shares: 1, verdict: 'very-rare' }))?.tone).toBe('good')
})

it('says what keeps miners from earning, in the words of the node', () => {
  const verdict = verdictOf(status({ bitcoind: { state: 'unreachable', message: 'start bitcoind' } }), earnings())
  expect(verdict?.tone).toBe('warn')
  expect(verdict?.details.at(-1)).toBe('Your bitcoin node gives no work (unreachable): start bitcoind.')
})

it('says nothing before the node has told, and hands on why there is nothing to say', () => {
  expect(verdictOf(status(), null)).toBeNull()
  const message = 'No work yet: the bitcoin node is syncing.'
  expect(verdictOf(status(), { ...earnings(), earnings: null, message })?.answer).toBe(`Not yet. ${message}`)
})

it('without a share chain answers what its blocks pay, and nothing of a window', () => {
  const message = 'This node stands alone: a block pays the miner that finds it.'
  expect(verdictOf({ ...status(), mode: 'solo' }, { ...earnings(), earnings: null, message })).toEqual({
    tone: 'plain',
    answer: message,
    details: []
  })
})
