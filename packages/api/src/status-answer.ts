import { type Status, type StatusJson, statusSchema } from '@p2poolv2/api/schema'
import type { NodeStatus } from '@p2poolv2/node'

const NETWORK_SENTENCES: Readonly<Record<NodeStatus['network']['state'] | 'quiet', string>> = {
  alone:
    'No peer is connected: shares found now count here and are offered to the first peer that comes, but a longer chain may exist elsewhere and leave them unpaid.',
  syncing:
    'Older shares are still being fetched: work is offered, but shares found now may build on a stale base and go unpaid.',
  current: 'The share chain is current: shares found now count as soon as they are found.',
  quiet:
    'No share has been confirmed in the last minutes and peers know of none: shares found now continue the chain and count.'
}

/** What is to be said of payouts in the modes without a share chain. */
export const STANDALONE_SENTENCES = {
  solo: 'This node stands alone: a block pays the miner that finds it.',
  hydrapool: 'This node stands alone: a block pays its miners for their newest work, by its own accounting.'
} as const

const INELIGIBLE_SENTENCES: Readonly<Record<NonNullable<NodeStatus['ineligible']>, string>> = {
  'clock-behind-chain':
    "this computer's clock is behind the share chain's: set it right; until then miners find blocks but no shares",
  'window-unavailable': 'the payout window cannot be read yet: until share history is complete miners find no shares',
  'too-many-payees':
    'the payout window names more miners than a share has room to pay: until it names fewer, miners find blocks but no shares',
  'chain-too-light':
    'the share chain known here has less work than the real one is known to have: until more of it is fetched, miners find blocks but no shares',
  'other-rules':
    'every peer follows other rules than this version (./p2poolv2 peers says which): update, or mine on a private fork with --i-know-this-is-a-private-fork; until then miners find blocks but no shares',
  joining:
    'the node has just started and waits some seconds for what its peers know, so as to build on their shares: until then miners find blocks but no shares'
}

/** The node's view as `GET /v1/status` gives it: in its field names, with the words a person reads. */
export function statusJson(view: NodeStatus): StatusJson {
  return statusSchema.encode(statusOf(view))
}

function statusOf(view: NodeStatus): Status {
  const { bitcoind, ineligible, network, windowWeight } = view
  return {
    chain: view.chain,
    fingerprint: view.fingerprint,
    version: view.version,
    sharechain: view.sharechain,
    window: view.window.map(({ address, weight, payoutSats }) => ({
      address,
      weight,
      percent: percentOf(weight, windowWeight),
      payoutSats
    })),
    windowShares: view.windowShares,
    blocks: view.blocks.map(block => ({
      height: block.bitcoinHeight,
      hash: block.blockHash,
      time: block.timeSec,
      outputs: block.outputs.map(({ address, valueSats }) => ({ address, sats: valueSats })),
      result: block.result
    })),
    miners: view.miners.map(({ payoutAddress, hashrateHps, warnings, ...miner }) => ({
      ...miner,
      warnings: [...warnings],
      address: payoutAddress,
      hashrate: hashrateHps
    })),
    refusedMiners: view.refusedMiners.map(({ firstAtMs, lastAtMs, ...refused }) => ({
      ...refused,
      since: Math.floor(firstAtMs / 1_000),
      last: Math.floor(lastAtMs / 1_000)
    })),
    bitcoind: {
      url: bitcoind.url,
      state: bitcoind.state,
      height: bitcoind.bitcoinHeight,
      message: bitcoind.message ?? (ineligible === null ? clockSentence(view) : INELIGIBLE_SENTENCES[ineligible])
    },
    network: {
      state: network.state,
      message:
        view.mode === 'sharechain'
          ? NETWORK_SENTENCES[network.quiet ? 'quiet' : network.state]
          : STANDALONE_SENTENCES[view.mode],
      peers: network.peers,
      sync: network.sync === null ? null : syncOf(network.sync)
    },
    mode: view.mode,
    totals: totalsOf(view.totals)
  }
}

function syncOf(sync: NonNullable<NodeStatus['network']['sync']>): Status['network']['sync'] {
  const { phase, doneHeights, totalHeights, heightsPerSec, secondsLeft } = sync
  return { phase, doneHeights, totalHeights, heightsPerSecond: heightsPerSec, secondsLeft }
}

function clockSentence({ clockDifferenceSec }: NodeStatus): string | null {
  if (clockDifferenceSec === null) return null
  const minutes = Math.round(Math.abs(clockDifferenceSec) / 60)
  const where = clockDifferenceSec > 0 ? 'ahead of' : 'behind'
  return `this computer's clock is ${minutes} minutes ${where} bitcoind's: set both right, or shares are refused for their time`
}

function totalsOf(totals: NodeStatus['totals']): Status['totals'] {
  const { accepted, rejected, rejectedByReason, bestDifficulty, blocksFound, hashrates } = totals
  const rejects = Object.entries(rejectedByReason).map(([reason, count]) => ({ reason, count }))
  rejects.sort((a, b) => b.count - a.count)
  return { accepted, rejected, rejects, bestDifficulty, blocksFound, hashrates }
}

/** To six decimals, cut; the weights themselves exceed what a JSON number holds. */
export function percentOf(weight: bigint, total: bigint): number {
  return total === 0n ? 0 : Number((weight * 100_000_000n) / total) / 1_000_000
}
