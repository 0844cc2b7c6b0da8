import { type Moment, steadyMs, unixMs } from '@p2poolv2/primitives'
import { beforeEach, describe, expect, it } from 'vitest'
import { ALERT_RULES, type Alert } from './alert.ts'
import { AlertWatch, MAX_PER_HOUR, type WatchSettings } from './alert-watch.ts'
import type { BlockSight, Sight } from './sight.ts'

const START_MS = 1_700_000_000_000
const LOOK_MS = 15_000
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

const CALM: Sight = {
  workers: [],
  hashrate: { m15: 0, d1: 0 },
  behind: null,
  bitcoindAway: null,
  bitcoinHeight: 1_000,
  blocks: [],
  diskFreeBytes: 2 ** 40
}

const SETTINGS: WatchSettings = {
  rules: ALERT_RULES,
  silentSec: 600,
  dropPart: 0.3,
  words: { hashrate: hps => `${hps} H/s`, sats: sats => `${sats} sats` }
}

let elapsedMs: number
let watch: AlertWatch
const now = (): Moment => ({ wallMs: unixMs(START_MS + elapsedMs), steadyMs: steadyMs(elapsedMs) })
const nowSec = (): number => (START_MS + elapsedMs) / 1_000

beforeEach(() => {
  elapsedMs = 0
  watch = new AlertWatch(SETTINGS)
})

/** Looks at what `sight` says every fifteen seconds for so long. @returns everything told */
function during(ms: number, sight: () => Partial<Sight>): Alert[] {
  const told: Alert[] = []
  for (const endMs = elapsedMs + ms; elapsedMs < endMs; elapsedMs += LOOK_MS) {
    told.push(...watch.look({ ...CALM, ...sight() }, now()))
  }
  return told
}

/** The node ends and starts again: what the next watch knows is what the last had. */
function restarted(): void {
  watch = new AlertWatch(SETTINGS, JSON.parse(JSON.stringify(watch.standing)))
  elapsedMs += HOUR_MS
}

const brief = (alerts: readonly Alert[]): string[] => alerts.map(({ rule, state }) => `${rule} ${state}`)

describe('a silent worker', () => {
  const worker = (name: string, lastAcceptedSec: number | null) => ({ id: `bcrt1q.${name}`, name, lastAcceptedSec })

  it('is told once, and once when it is back', () => {
    const atWork = () => ({ workers: [worker('attic', nowSec())] })
    expect(during(HOUR_MS, atWork)).toEqual([])
    const lastSec = nowSec()
    const silent = during(2 * HOUR_MS, () => ({ workers: [worker('attic', lastSec)] }))
    expect(brief(silent)).toEqual(['worker-silent raised'])
    expect(silent[0]?.text).toContain('attic has had nothing accepted for 10 minutes')
    expect(watch.open).toEqual(['worker-silent'])
    const back = during(HOUR_MS, atWork)
    expect(brief(back)).toEqual(['worker-silent over'])
    expect(watch.open).toEqual([])
  })

  it('is no news if it was silent when the node started, or has never mined', () => {
    const before = nowSec() - 3_600
    expect(during(HOUR_MS, () => ({ workers: [worker('old', before), worker('idle', null)] }))).toEqual([])
  })

  it('comes with the others that fell silent with it, and not all of their names', () => {
    const workers = Array.from({ length: 9 }, (_, index) => worker(`m${index}`, nowSec()))
    const told = during(HOUR_MS, () => ({ workers }))
    expect(brief(told)).toEqual(['worker-silent raised'])
    expect(told[0]?.text).toContain('m0, m1, m2, m3, m4 and 4 more have')
  })

  it('is named without what would play tricks on a screen', () => {
    const workers = [worker('a\u202eb\nc', nowSec())]
    expect(during(HOUR_MS, () => ({ workers }))[0]?.text).toContain('a?b?c has')
  })

  it('calls nobody in a chat by its name', () => {
    const workers = [worker('@everyone', nowSec())]
    expect(during(HOUR_MS, () => ({ workers }))[0]?.text).toMatch(/^@\u200beveryone has/)
  })
})

describe('the hash rate', () => {
  it('that falls is told when it has stayed low, and when it is back with some room to the threshold', () => {
    expect(during(3 * HOUR_MS, () => ({ hashrate: { m15: 100, d1: 100 } }))).toEqual([])
    expect(during(5 * MINUTE_MS, () => ({ hashrate: { m15: 60, d1: 99 } }))).toEqual([])
    const low = during(HOUR_MS, () => ({ hashrate: { m15: 60, d1: 95 } }))
    expect(brief(low)).toEqual(['hashrate-drop raised'])
    expect(low[0]?.text).toContain('60 H/s')
    // Above the threshold again, but not by half of the gap: it would come and go.
    expect(during(HOUR_MS, () => ({ hashrate: { m15: 75, d1: 90 } }))).toEqual([])
    expect(brief(during(HOUR_MS, () => ({ hashrate: { m15: 99, d1: 90 } })))).toEqual(['hashrate-drop over'])
  })

  it('that stays low for a day is how it is', () => {
    during(2 * HOUR_MS, () => ({ hashrate: { m15: 100, d1: 100 } }))
    const told = during(48 * HOUR_MS, () => ({ hashrate: { m15: 50, d1: 90 } }))
    expect(brief(told)).toEqual(['hashrate-drop raised', 'hashrate-drop over'])
    expect(told[1]?.title).toBe('Hash rate stays low')
    // From there it can fall once more.
    expect(brief(during(HOUR_MS, () => ({ hashrate: { m15: 20, d1: 50 } })))).toEqual(['hashrate-drop raised'])
  })

  it('of the first hour is no news', () => {
    expect(during(HOUR_MS - LOOK_MS, () => ({ hashrate: { m15: 1, d1: 100 } }))).toEqual([])
  })
})

describe('the node', () => {
  it('that is behind for a moment is no news, for long it is', () => {
    expect(during(4 * MINUTE_MS, () => ({ behind: 'Shares are being fetched.' }))).toEqual([])
    expect(during(10 * MINUTE_MS, () => ({}))).toEqual([])
    expect(brief(during(10 * MINUTE_MS, () => ({ behind: 'Shares are being fetched.' })))).toEqual([
      'node-behind raised'
    ])
    expect(brief(during(10 * MINUTE_MS, () => ({})))).toEqual(['node-behind over'])
  })

  it('without a bitcoin node says what is wrong with it', () => {
    const told = during(10 * MINUTE_MS, () => ({ bitcoindAway: 'it cannot be reached: start bitcoind' }))
    expect(brief(told)).toEqual(['bitcoind-away raised'])
    expect(told[0]?.text).toContain('start bitcoind')
    // It comes and goes within the minute: one incident.
    let look = 0
    expect(during(10 * MINUTE_MS, () => ({ bitcoindAway: look++ % 3 === 0 ? 'away' : null }))).toEqual([])
  })

  it('says when the disk is almost full, and not again at every byte', () => {
    const free = [2 ** 40, 2 ** 30 - 1, 2 ** 30 + 1, 2 ** 30 - 1, 2 ** 31]
    const told = free.flatMap(diskFreeBytes => during(MINUTE_MS, () => ({ diskFreeBytes })))
    expect(brief(told)).toEqual(['disk-low raised', 'disk-low over'])
  })
})

describe('blocks of the pool', () => {
  const block = (bitcoinHeight: number, over: Partial<BlockSight> = {}): BlockSight => ({
    hash: String(bitcoinHeight),
    bitcoinHeight,
    state: 'good',
    oursSats: 0n,
    ...over
  })

  it('are told from their find to the day their coins can be spent', () => {
    during(MINUTE_MS, () => ({ blocks: [block(950)] }))
    const found = during(MINUTE_MS, () => ({ blocks: [block(1_001, { oursSats: 7n }), block(950)] }))
    expect(found.map(({ text }) => text)).toEqual([
      'The pool found bitcoin block 1001. It pays you 7 sats, to be spent in a hundred blocks.'
    ])
    const blocks = [block(1_001, { oursSats: 7n }), block(950, { oursSats: 5n })]
    const matured = during(MINUTE_MS, () => ({ blocks, bitcoinHeight: 1_100 }))
    expect(brief(matured)).toEqual(['payout-matured told', 'payout-matured told'])
    expect(during(MINUTE_MS, () => ({ blocks, bitcoinHeight: 1_101 }))).toEqual([])
  })

  it('that pay you nothing mature without a word', () => {
    during(MINUTE_MS, () => ({ blocks: [block(950)] }))
    expect(during(MINUTE_MS, () => ({ blocks: [block(950)], bitcoinHeight: 1_100 }))).toEqual([])
  })

  it('that another one beats are told as lost', () => {
    during(MINUTE_MS, () => ({}))
    during(MINUTE_MS, () => ({ blocks: [block(1_001, { oursSats: 7n })] }))
    const lost = during(MINUTE_MS, () => ({ blocks: [block(1_001, { oursSats: 7n, state: 'lost' })] }))
    expect(lost.map(({ text }) => text)).toEqual([
      'Bitcoin block 1001 of the pool was beaten by another one: it pays nobody, and you lose 7 sats.'
    ])
  })

  it('are told once for a height, and again there only when the first was beaten', () => {
    during(MINUTE_MS, () => ({}))
    const at = (hash: string, over: Partial<BlockSight> = {}) => block(1_001, { hash, ...over })
    expect(brief(during(MINUTE_MS, () => ({ blocks: [at('a'), at('b')] })))).toEqual(['block-found told'])
    expect(during(MINUTE_MS, () => ({ blocks: [at('a'), at('b'), at('c')] }))).toEqual([])
    const beaten = [at('a', { state: 'lost' }), at('b'), at('c')]
    during(MINUTE_MS, () => ({ blocks: beaten }))
    expect(brief(during(MINUTE_MS, () => ({ blocks: [...beaten, at('d')] })))).toEqual(['block-found told'])
  })

  it('of before the start are no news, however late the bitcoin node tells its height', () => {
    const blocks = [block(900), block(950)]
    expect(during(MINUTE_MS, () => ({ blocks, bitcoinHeight: null }))).toEqual([])
    expect(during(MINUTE_MS, () => ({ blocks, bitcoinHeight: 1_000 }))).toEqual([])
  })

  it('cannot flood a phone: beyond a dozen an hour they are counted', () => {
    during(MINUTE_MS, () => ({}))
    const blocks = Array.from({ length: 20 }, (_, index) => block(1_001 + index))
    expect(during(MINUTE_MS, () => ({ blocks }))).toHaveLength(MAX_PER_HOUR)
    during(HOUR_MS, () => ({ blocks }))
    const next = during(MINUTE_MS, () => ({ blocks: [block(1_030), ...blocks] }))
    expect(next).toHaveLength(1)
    expect(next[0]?.text).toContain('8 more like it')
  })
})

it('tells of the rules alone that the owner wants', () => {
  watch = new AlertWatch({
    rules: ['block-found'],
    silentSec: 600,
    dropPart: 0.3,
    words: { hashrate: String, sats: String }
  })
  expect(during(HOUR_MS, () => ({ bitcoindAway: 'away', diskFreeBytes: 0 }))).toEqual([])
})

describe('over a restart', () => {
  const worker = (lastAcceptedSec: number) => ({ id: 'bcrt1q.attic', name: 'attic', lastAcceptedSec })

  it('what stands is not told again, and its end is told', () => {
    const atWork = (): Partial<Sight> => ({ workers: [worker(nowSec())] })
    during(HOUR_MS, atWork)
    const lastSec = nowSec()
    const wrong = (): Partial<Sight> => ({
      workers: [worker(lastSec)],
      bitcoindAway: 'It does not answer.',
      behind: 'Shares are being fetched.',
      diskFreeBytes: 5
    })
    expect(brief(during(HOUR_MS, wrong)).sort()).toEqual([
      'bitcoind-away raised',
      'disk-low raised',
      'node-behind raised',
      'worker-silent raised'
    ])
    restarted()
    // Until the node has asked it does not know what is wrong.
    expect(during(2 * MINUTE_MS, () => ({ ...wrong(), bitcoindAway: null, behind: null }))).toEqual([])
    expect(during(HOUR_MS, wrong)).toEqual([])
    restarted()
    expect(brief(during(HOUR_MS, atWork)).sort()).toEqual([
      'bitcoind-away over',
      'disk-low over',
      'node-behind over',
      'worker-silent over'
    ])
    restarted()
    expect(during(HOUR_MS, atWork)).toEqual([])
  })

  it('a hash rate that fell is compared with what it was before', () => {
    const usual = { hashrate: { m15: 100, d1: 100 } }
    during(2 * HOUR_MS, () => usual)
    expect(brief(during(HOUR_MS, () => ({ hashrate: { m15: 50, d1: 95 } })))).toEqual(['hashrate-drop raised'])
    restarted()
    expect(during(2 * HOUR_MS, () => ({ hashrate: { m15: 50, d1: 60 } }))).toEqual([])
    expect(brief(during(HOUR_MS, () => usual))).toEqual(['hashrate-drop over'])
  })

  it('what became of blocks meanwhile is told, and older ones are no news', () => {
    const block = (hash: string, bitcoinHeight: number, state: BlockSight['state'] = 'good'): BlockSight => ({
      hash,
      bitcoinHeight,
      state,
      oursSats: 7n
    })
    during(MINUTE_MS, () => ({ blocks: [block('old', 1)] }))
    during(MINUTE_MS, () => ({ blocks: [block('old', 1), block('a', 990), block('b', 991)] }))
    restarted()
    const later = { bitcoinHeight: 1_100, blocks: [block('old', 1), block('a', 990), block('b', 991, 'lost')] }
    expect(brief(during(HOUR_MS, () => later))).toEqual(['payout-matured told', 'block-lost told'])
    restarted()
    expect(during(HOUR_MS, () => later)).toEqual([])
  })
})
