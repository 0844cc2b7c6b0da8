/** What alerts are told of. A name keeps its meaning: configurations hold them. */
export const ALERT_RULES = [
  'worker-silent',
  'hashrate-drop',
  'node-behind',
  'bitcoind-away',
  'block-found',
  'block-lost',
  'payout-matured',
  'disk-low'
] as const

export type AlertRule = (typeof ALERT_RULES)[number]

/** What each rule looks at, for the page and the documentation. */
export const RULE_MEANINGS: Readonly<Record<AlertRule, string>> = {
  'worker-silent': 'A miner that was at work has had nothing accepted for a while.',
  'hashrate-drop': 'All miners together do far less than over the day before.',
  'node-behind': 'The share chain or the bitcoin node is behind for more than five minutes.',
  'bitcoind-away': 'No bitcoin node has been usable for two minutes.',
  'block-found': 'The pool found a bitcoin block, here or elsewhere.',
  'block-lost': 'A block of the pool was beaten or replaced by another one: it pays nobody.',
  'payout-matured': 'A block that pays you is a hundred blocks deep: its coins can be spent.',
  'disk-low': 'The disk with the data directory has less than 1 GiB left.'
}

/** `raised`: an incident has begun. `over`: it has ended. `told`: news without an end. */
export type AlertState = 'raised' | 'over' | 'told'

/** One message to the owner. */
export interface Alert {
  readonly rule: AlertRule | 'test' | 'summary'
  readonly state: AlertState
  /** A few words, ASCII. */
  readonly title: string
  /** One or two sentences; names of miners in it are text from outside, made printable. */
  readonly text: string
  /** By the wall clock. */
  readonly atSec: number
}
