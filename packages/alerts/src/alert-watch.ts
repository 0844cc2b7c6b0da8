import { type Moment, type SteadyMs, secFromMs } from '@p2poolv2/primitives'
import { ALERT_RULES, type Alert, type AlertRule, type AlertState } from './alert.ts'
import { HashrateDrop } from './hashrate-drop.ts'
import { Incident } from './incident.ts'
import { type BlockNews, PoolBlocks } from './pool-blocks.ts'
import type { Sight } from './sight.ts'
import { SilentWorkers } from './silent-workers.ts'

export interface WatchSettings {
  /** Those that are told of. */
  readonly rules: readonly AlertRule[]
  /** A worker is silent after so long without an accepted submit. */
  readonly silentSec: number
  /** Part of the usual hash rate that has to be missing, between 0 and 1. */
  readonly dropPart: number
  readonly words: WatchWords
}

/** How amounts are written. */
export interface WatchWords {
  readonly hashrate: (hps: number) => string
  readonly sats: (sats: bigint) => string
}

/** Alerts of one rule within an hour; what comes beyond is counted and said with the next one. */
export const MAX_PER_HOUR = 12
const HOUR_MS = 3_600_000
/** Names in one message. */
const MAX_NAMES = 5
const MAX_NAME_LENGTH = 64

const BEHIND_AFTER_MS = 300_000
const AWAY_AFTER_MS = 120_000
const CALM_MS = 60_000
const DISK_LOW_BYTES = 1 << 30
/** So much more has to be free again. */
const DISK_WELL_BYTES = DISK_LOW_BYTES * 1.5

/** Miners and blocks that are remembered for the next start, of each so many. */
export const MAX_STANDING = 1_000

/** What has been told and is not over. */
export interface Standing {
  readonly rules: readonly AlertRule[]
  /** Ids of silent workers. */
  readonly silent: readonly string[]
  /** Hashes a second that the hash rate fell from; null: it did not. */
  readonly dropFromHps: number | null
  /** Hashes of blocks that are not a hundred blocks deep. */
  readonly growing: readonly string[]
}

export const NOTHING_STANDS: Standing = { rules: [], silent: [], dropFromHps: null, growing: [] }

interface Hour {
  fromMs: SteadyMs
  told: number
  left: number
}

/** What the owner has to hear of, from one look at the node to the next. To be called every few seconds. */
export class AlertWatch {
  readonly #settings: WatchSettings
  readonly #silent: SilentWorkers
  readonly #drop: HashrateDrop
  readonly #behind: Incident
  readonly #away: Incident
  readonly #disk: Incident
  readonly #blocks: PoolBlocks
  readonly #hours = new Map<AlertRule, Hour>()

  /** @param stood what stood when the node ended: it is not told again, but its end is */
  constructor(settings: WatchSettings, { rules, silent, dropFromHps, growing }: Standing = NOTHING_STANDS) {
    this.#settings = settings
    this.#silent = new SilentWorkers(settings.silentSec, silent)
    this.#drop = new HashrateDrop(settings.dropPart, dropFromHps)
    this.#behind = new Incident({ afterMs: BEHIND_AFTER_MS, calmMs: CALM_MS }, rules.includes('node-behind'))
    this.#away = new Incident({ afterMs: AWAY_AFTER_MS, calmMs: CALM_MS }, rules.includes('bitcoind-away'))
    this.#disk = new Incident({ afterMs: 0, calmMs: 0 }, rules.includes('disk-low'))
    this.#blocks = new PoolBlocks(growing)
  }

  /** What the next start has to know. */
  get standing(): Standing {
    const silent = this.#silent.silent.slice(0, MAX_STANDING)
    const growing = this.#blocks.growing.slice(-MAX_STANDING)
    return { rules: this.open, silent, dropFromHps: this.#drop.standsHps, growing }
  }

  /** The rules whose incidents are not over, in the order of `ALERT_RULES`. */
  get open(): readonly AlertRule[] {
    const open = new Set<AlertRule>()
    if (this.#behind.isOpen) open.add('node-behind')
    if (this.#away.isOpen) open.add('bitcoind-away')
    if (this.#disk.isOpen) open.add('disk-low')
    if (this.#drop.isOpen) open.add('hashrate-drop')
    if (this.#silent.silent.length > 0) open.add('worker-silent')
    return ALERT_RULES.filter(rule => open.has(rule))
  }

  look(sight: Sight, now: Moment): readonly Alert[] {
    const found = [
      ...this.#workers(sight, now),
      ...this.#hashrate(sight, now),
      ...this.#node(sight, now),
      ...this.#diskSpace(sight, now),
      ...this.#blocks
        .look(sight)
        .filter(({ type, block }) => type !== 'matured' || block.oursSats > 0n)
        .map(news => this.#blockNews(news))
    ]
    return found.filter(({ rule }) => this.#settings.rules.includes(rule)).flatMap(one => this.#within(one, now))
  }

  #workers({ workers }: Sight, now: Moment): Found[] {
    const { silent, back } = this.#silent.look(workers, secFromMs(now.wallMs))
    const minutes = Math.round(this.#settings.silentSec / 60)
    const found: Found[] = []
    if (silent.length > 0) {
      const text = `${namesOf(silent)} ${silent.length === 1 ? 'has' : 'have'} had nothing accepted for ${minutes} minutes. Look at power, network and pool setting.`
      found.push({ rule: 'worker-silent', state: 'raised', title: 'Miner silent', text })
    }
    if (back.length > 0) {
      const text = `${namesOf(back)} ${back.length === 1 ? 'is' : 'are'} at work again.`
      found.push({ rule: 'worker-silent', state: 'over', title: 'Miner back', text })
    }
    return found
  }

  #hashrate({ hashrate }: Sight, { steadyMs }: Moment): Found[] {
    const turned = this.#drop.look(hashrate, steadyMs)
    if (turned === null) return []
    const [now, before] = [turned.nowHps, turned.beforeHps].map(this.#settings.words.hashrate)
    switch (turned.turn) {
      case 'begins': {
        const text = `All miners together do ${now} over a quarter of an hour; over the day before it was ${before}.`
        return [{ rule: 'hashrate-drop', state: 'raised', title: 'Hash rate is low', text }]
      }
      case 'ends':
        return [
          {
            rule: 'hashrate-drop',
            state: 'over',
            title: 'Hash rate is back',
            text: `All miners together do ${now} again.`
          }
        ]
      case 'accepted': {
        const text = `All miners together have done ${now} for a day: from now on that is what is compared with.`
        return [{ rule: 'hashrate-drop', state: 'over', title: 'Hash rate stays low', text }]
      }
    }
  }

  #node({ behind, bitcoindAway }: Sight, { steadyMs }: Moment): Found[] {
    const found: Found[] = []
    const behindTurn = this.#behind.look(behind !== null, steadyMs)
    if (behindTurn === 'begins')
      found.push({ rule: 'node-behind', state: 'raised', title: 'Node is behind', text: behind ?? '' })
    if (behindTurn === 'ends')
      found.push({
        rule: 'node-behind',
        state: 'over',
        title: 'Node has caught up',
        text: 'Nothing is known to be missing.'
      })
    const awayTurn = this.#away.look(bitcoindAway !== null, steadyMs)
    if (awayTurn === 'begins') {
      const text = `Miners get no new work, and a found block would not reach bitcoin: ${bitcoindAway}`
      found.push({ rule: 'bitcoind-away', state: 'raised', title: 'Bitcoin node is away', text })
    }
    if (awayTurn === 'ends')
      found.push({ rule: 'bitcoind-away', state: 'over', title: 'Bitcoin node is back', text: 'Miners have new work.' })
    return found
  }

  #diskSpace({ diskFreeBytes }: Sight, { steadyMs }: Moment): Found[] {
    if (diskFreeBytes === null) return []
    const turn = this.#disk.look(diskFreeBytes < (this.#disk.isOpen ? DISK_WELL_BYTES : DISK_LOW_BYTES), steadyMs)
    if (turn === null) return []
    const megabytes = Math.floor(diskFreeBytes / 1_048_576)
    const text = `The disk with the data directory has ${megabytes} MiB left.`
    return turn === 'begins'
      ? [
          {
            rule: 'disk-low',
            state: 'raised',
            title: 'Disk is almost full',
            text: `${text} When it is full the node stops.`
          }
        ]
      : [{ rule: 'disk-low', state: 'over', title: 'Disk has room', text }]
  }

  #blockNews({ type, block }: BlockNews): Found {
    const { bitcoinHeight, oursSats } = block
    const paid = oursSats === 0n ? 'nothing' : this.#settings.words.sats(oursSats)
    switch (type) {
      case 'found': {
        const text = `The pool found bitcoin block ${bitcoinHeight}. It pays you ${paid}${oursSats === 0n ? '' : ', to be spent in a hundred blocks'}.`
        return { rule: 'block-found', state: 'told', title: 'Block found', text }
      }
      case 'lost': {
        const text = `Bitcoin block ${bitcoinHeight} of the pool was beaten by another one: it pays nobody${oursSats === 0n ? '' : `, and you lose ${paid}`}.`
        return { rule: 'block-lost', state: 'told', title: 'Block lost', text }
      }
      case 'matured': {
        const text = `Bitcoin block ${bitcoinHeight} is a hundred blocks deep: the ${paid} it pays you can be spent.`
        return { rule: 'payout-matured', state: 'told', title: 'Payout can be spent', text }
      }
    }
  }

  /** The end of an incident is always told. */
  #within(found: Found, { wallMs, steadyMs }: Moment): Alert[] {
    const hour = this.#hours.get(found.rule) ?? { fromMs: steadyMs, told: 0, left: 0 }
    this.#hours.set(found.rule, hour)
    if (steadyMs - hour.fromMs >= HOUR_MS) Object.assign(hour, { fromMs: steadyMs, told: 0 })
    if (hour.told >= MAX_PER_HOUR && found.state !== 'over') {
      hour.left += 1
      return []
    }
    hour.told += 1
    const more = hour.left === 0 ? '' : ` (${hour.left} more like it were not told in the hour before.)`
    hour.left = 0
    return [{ ...found, text: found.text + more, atSec: secFromMs(wallMs) }]
  }
}

interface Found {
  readonly rule: AlertRule
  readonly state: AlertState
  readonly title: string
  readonly text: string
}

function namesOf(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMES).map(printable)
  const more = names.length - shown.length
  if (more > 0) shown.push(`${more} more`)
  const last = shown.pop() ?? ''
  return shown.length === 0 ? last : `${shown.join(', ')} and ${last}`
}

/**
 * Control characters and marks that turn the direction of writing are nothing for a phone's screen; and a machine called @everyone calls
 * nobody in a chat: a space without width follows the sign.
 */
function printable(name: string): string {
  const plain = name.replace(/[\p{C}\u2028\u2029]/gu, '?').slice(0, MAX_NAME_LENGTH)
  return plain.replaceAll('@', '@\u200b')
}
