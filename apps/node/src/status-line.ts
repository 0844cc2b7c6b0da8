import type { NodeStatus } from '@p2poolv2/node'

/**
 * The node in one line: what a person wants to know at a glance. It reads the same view as the page and `/v1/status`.
 */
export function statusLine(status: NodeStatus): string {
  const hashrateHps = status.miners.reduce((sum, miner) => sum + miner.hashrateHps, 0)
  const accepted = status.miners.reduce((sum, miner) => sum + miner.accepted, 0)
  const rejected = status.miners.reduce((sum, miner) => sum + miner.rejected, 0)
  const parts = [
    `share ${status.sharechain.confirmedHeight}`,
    counted(status.sharechain.uncles, 'uncle', 'uncles'),
    `window ${status.windowShares} shares, ${counted(status.window.length, 'address', 'addresses')}`,
    `${counted(status.miners.length, 'miner', 'miners')} ${hashrateText(hashrateHps)}`,
    `${accepted} accepted, ${rejected} rejected`,
    `${counted(status.blocks.length, 'block', 'blocks')} found`,
    status.bitcoind.state === 'ready'
      ? `bitcoin ${status.bitcoind.bitcoinHeight ?? '?'}`
      : `bitcoin node ${status.bitcoind.state}`,
    networkText(status.network)
  ]
  return parts.join(' | ')
}

function networkText({ state, peers }: NodeStatus['network']): string {
  if (state === 'alone') return 'no peers'
  return state === 'current' ? counted(peers, 'peer', 'peers') : `syncing with ${counted(peers, 'peer', 'peers')}`
}

const UNITS = ['H/s', 'kH/s', 'MH/s', 'GH/s', 'TH/s', 'PH/s', 'EH/s'] as const

/** A hashrate with three digits and a unit. */
export function hashrateText(hashrateHps: number): string {
  let value = hashrateHps
  let unit = 0
  while (value >= 1_000 && unit < UNITS.length - 1) {
    value /= 1_000
    unit += 1
  }
  return `${value >= 1_000 ? value.toFixed(0) : value.toPrecision(3)} ${UNITS[unit]}`
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`
}
