import { hashrateText } from '@p2poolv2/earnings/words'
import type { SyncProgress } from '@p2poolv2/gossip'
import type { NodeStatus } from '@p2poolv2/node'
import { counted, grouped } from './cli/amounts.ts'

/**
 * The node in one line: what a person wants to know at a glance. It reads the same view as the page and `/v1/status`.
 */
export function statusLine(status: NodeStatus): string {
  const hashrateHps = status.miners.reduce((sum, miner) => sum + miner.hashrateHps, 0)
  const { accepted, rejected, blocksFound } = status.totals
  const parts = [
    `share ${status.sharechain.confirmedHeight}`,
    counted(status.sharechain.uncles, 'uncle'),
    `window ${status.windowShares} shares, ${counted(status.window.length, 'address', 'addresses')}`,
    `${counted(status.miners.length, 'miner')} ${hashrateText(hashrateHps)}`,
    `${accepted} accepted, ${rejected} rejected`,
    `${counted(blocksFound, 'block')} found here`,
    status.bitcoind.state === 'ready'
      ? `bitcoin ${status.bitcoind.bitcoinHeight ?? '?'}`
      : `bitcoin node ${status.bitcoind.state}`,
    networkText(status.network)
  ]
  return parts.join(' | ')
}

function networkText({ state, peers, sync }: NodeStatus['network']): string {
  if (state === 'alone') return 'no peers'
  const company = counted(peers, 'peer')
  if (state === 'current') return company
  return sync === null ? `syncing with ${company}` : `syncing with ${company}: ${syncText(sync)}`
}

const PHASES: Readonly<Record<SyncProgress['phase'], string>> = {
  comparing: 'comparing headers',
  fetching: 'headers',
  checking: 'shares'
}

/** `shares 1,200 of 5,000, 390 a second, 10 s left` */
export function syncText({ phase, doneHeights, totalHeights, heightsPerSec, secondsLeft }: SyncProgress): string {
  const done = `${PHASES[phase]} ${grouped(doneHeights)} of ${grouped(totalHeights)}`
  if (heightsPerSec === null || secondsLeft === null) return done
  const rate = heightsPerSec >= 10 ? grouped(Math.round(heightsPerSec)) : heightsPerSec.toFixed(1)
  return `${done}, ${rate} a second, ${durationText(secondsLeft)} left`
}

/** Two units at most: `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`. */
function durationText(seconds: number): string {
  if (seconds < 100) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 100) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}
