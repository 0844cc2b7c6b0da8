import type { MetricSpec, Metrics } from '@p2poolv2/runtime'

interface Spec {
  /** Ours without the prefix. */
  readonly name: string
  readonly help: string
  readonly labels?: readonly string[]
  /** The reference has it too, and by this name. */
  readonly of?: 'reference'
}

const PREFIX = 'p2pool_'
const ofReference = { of: 'reference' } as const

const COUNTERS = {
  sharesAccepted: { ...ofReference, name: 'shares_accepted_total', help: 'Accepted stratum shares' },
  acceptedDifficulty: {
    ...ofReference,
    name: 'accepted_difficulty_total',
    help: 'Credited difficulty; its rate times 2^32 is hashes a second'
  },
  sharesRejected: { ...ofReference, name: 'shares_rejected_total', help: 'Rejected stratum submits' },
  rejects: { name: 'rejects_total', help: 'Rejected stratum submits by stratum error code', labels: ['code'] },
  poolBlocks: {
    ...ofReference,
    name: 'bitcoin_blocks_found_total',
    help: 'Bitcoin blocks of the pool on record, found here or elsewhere'
  },
  blocksFound: { name: 'own_blocks_found_total', help: 'Bitcoin blocks found by our miners' },
  blockResults: {
    name: 'bitcoin_block_results_total',
    help: 'Answers of bitcoin nodes to found blocks',
    labels: ['result']
  },
  userValid: {
    ...ofReference,
    name: 'user_shares_valid_total',
    help: 'Credited work in expected hashes',
    labels: ['btcaddress']
  },
  workerValid: {
    ...ofReference,
    name: 'worker_shares_valid_total',
    help: 'Credited work in expected hashes',
    labels: ['btcaddress', 'workername']
  },
  chainWork: {
    ...ofReference,
    name: 'sharechain_work_total',
    help: 'Cumulative work of the confirmed share chain in hashes'
  },
  ownSharesFound: { name: 'own_shares_found_total', help: 'Shares of the share chain made by our miners' },
  ownSharesLost: { name: 'own_shares_lost_total', help: 'Solutions the share chain had no room for', labels: ['code'] },
  ownSharesHeld: {
    name: 'own_shares_held_total',
    help: 'Shares of ours that have to wait before they count',
    labels: ['code']
  },
  bodiesLost: { name: 'stored_shares_lost_total', help: 'Stored shares that could not be read and are fetched again' },
  relays: { name: 'share_relays_total', help: 'Shares told to peers, own ones and others' },
  pushes: { name: 'share_pushes_total', help: 'Shares sent to single peers' },
  peerSharesRefused: { name: 'peer_shares_refused_total', help: 'Shares of peers that broke a rule', labels: ['code'] },
  headers: { name: 'headers_taken_total', help: 'Headers taken from peers while synchronising' },
  headersFailed: {
    name: 'headers_failed_total',
    help: 'Peers that did not bring the headers asked for',
    labels: ['reason']
  },
  penalties: { name: 'peer_penalties_total', help: 'Breaches held against peers', labels: ['code'] },
  penaltyPoints: { name: 'peer_penalty_points_total', help: 'What these breaches cost' },
  peersDropped: { name: 'peers_dropped_total', help: 'Peers dropped' },
  peerTemplates: { name: 'peer_templates_total', help: 'Templates taken from peers' },
  blocksSeen: { name: 'blocks_seen_total', help: 'Bitcoin blocks found by other nodes of the pool' },
  blocksRebuilt: {
    name: 'rebuilt_blocks_total',
    help: 'Of these, put together and submitted here',
    labels: ['source']
  },
  blocksNotRebuilt: { name: 'unrebuilt_blocks_total', help: 'Of these, not put together for want of transactions' },
  sharesConfirmed: { name: 'shares_confirmed_total', help: 'Shares that joined the confirmed chain' },
  reorgs: { name: 'reorgs_total', help: 'Re-organisations of the confirmed share chain' },
  rpcErrors: { name: 'bitcoind_rpc_errors_total', help: 'Calls of bitcoin nodes that failed', labels: ['code'] },
  zmqMissed: {
    name: 'zmq_missed_total',
    help: 'Notices of new blocks that bitcoin nodes sent by zmq and we did not get'
  },
  minersRefused: { name: 'miners_refused_total', help: 'Authorisations refused' },
  jobsRenewed: { name: 'jobs_renewed_total', help: 'Renewals of the work of all miners', labels: ['cause'] },
  bugs: { name: 'bugs_total', help: 'Failures of our own code' }
} as const satisfies Record<string, Spec>

const GAUGES = {
  startTime: { ...ofReference, name: 'start_time_seconds', help: 'Unix time at which the node started' },
  lastUpdate: { ...ofReference, name: 'last_update_seconds', help: 'Unix time of these figures' },
  bestShare: { ...ofReference, name: 'best_share', help: 'Highest difficulty a hash reached since the node started' },
  bestEver: {
    ...ofReference,
    name: 'best_share_ever',
    help: 'Highest difficulty a hash reached, as far back as the history goes'
  },
  poolDifficulty: {
    ...ofReference,
    name: 'pool_difficulty',
    help: 'Difficulty of the next share; 0 when none can be made'
  },
  blockFoundTime: {
    ...ofReference,
    name: 'bitcoin_block_found_time_seconds',
    help: 'Unix time in the newest bitcoin blocks of the pool',
    labels: ['blockhash', 'height']
  },
  workSinceBlock: {
    ...ofReference,
    name: 'work_since_last_block',
    help: 'Difficulty of the shares confirmed since the pool found a bitcoin block; absent while the share chain stands still'
  },
  workerBestEver: {
    ...ofReference,
    name: 'worker_best_share_ever',
    help: 'Highest difficulty a hash of the worker reached, as far back as the history goes',
    labels: ['btcaddress', 'workername']
  },
  workerBest: {
    ...ofReference,
    name: 'worker_best_share',
    help: 'Highest difficulty a hash of the worker reached',
    labels: ['btcaddress', 'workername']
  },
  workerLast: {
    ...ofReference,
    name: 'worker_last_share_at',
    help: 'Unix time of the newest accepted stratum share',
    labels: ['btcaddress', 'workername']
  },
  coinbaseOutput: {
    ...ofReference,
    name: 'coinbase_output',
    help: 'Satoshis the next block pays',
    labels: ['index', 'address']
  },
  coinbaseTotal: { ...ofReference, name: 'coinbase_total', help: 'Coinbase value of the newest template in satoshis' },
  networkDifficulty: {
    ...ofReference,
    name: 'network_difficulty',
    help: "Bitcoin's difficulty by the newest template"
  },
  chainHeight: { name: 'sharechain_height', help: 'Height of the share chain', labels: ['chain'] },
  syncGap: { name: 'sync_gap_heights', help: 'Heights known from headers above the confirmed share chain' },
  coinbaseBytes: { name: 'coinbase_bytes', help: 'Length of the coinbase miners are given, without witness' },
  ownWindowPart: { name: 'own_window_part', help: 'Part of the payout window that is of our miners, from 0 to 1' },
  ownPayout: { name: 'own_payout_sats', help: 'Satoshis a block found now would pay our miners' },
  info: { name: 'info', help: 'Always 1; what this node is', labels: ['version', 'chain', 'fingerprint'] },
  windowShares: { name: 'window_shares', help: 'Shares in the payout window' },
  peers: { name: 'peers', help: 'Connected peers' },
  current: { name: 'network_current', help: '1 while nothing of the share chain is known to be missing, else 0' },
  miners: { name: 'miners', help: 'Connected miners' },
  hashrate: { name: 'hashrate_hps', help: 'Hashes a second by credited work', labels: ['window'] },
  commitQueue: { name: 'commit_queue_length', help: 'Changes of the share chain waiting for the disk' }
} as const satisfies Record<string, Spec>

/** From tenths of a millisecond to seconds. */
const FAST_SEC = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1]
/** From a millisecond to the longest that a call may take. */
const CALL_SEC = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30]

const HISTOGRAMS = {
  submitTime: {
    name: 'submit_seconds',
    help: 'From the lines of a read to the answers of the submits in them, on their way to the socket',
    buckets: FAST_SEC
  },
  broadcastTime: {
    name: 'job_broadcast_seconds',
    help: 'From what made new work due to its jobs on their way to the sockets of all miners, or of the first 512',
    buckets: FAST_SEC
  },
  rpcTime: {
    name: 'bitcoind_rpc_seconds',
    help: 'Answers of bitcoin nodes, long polls left out',
    labels: ['method'],
    buckets: CALL_SEC
  }
} as const satisfies Record<string, Spec & { readonly buckets: readonly number[] }>

/** Every metric of the node, by the name the code has for it. */
export type NodeMetrics = Readonly<
  Record<keyof typeof COUNTERS, ReturnType<Metrics['counter']>> &
    Record<keyof typeof HISTOGRAMS, ReturnType<Metrics['histogram']>> &
    Record<keyof typeof GAUGES, ReturnType<Metrics['gauge']>>
>

export function declareMetrics(metrics: Metrics): NodeMetrics {
  return {
    ...declareAll(GAUGES, spec => metrics.gauge(spec)),
    ...declareAll(COUNTERS, spec => metrics.counter(spec)),
    ...declareAll(HISTOGRAMS, (spec, { buckets }) => metrics.histogram({ ...spec, buckets }))
  }
}

function declareAll<K extends string, S extends Spec, M>(
  table: Readonly<Record<K, S>>,
  declare: (spec: MetricSpec, given: S) => M
): Record<K, M> {
  const metrics = Object.entries<S>(table).map(([key, given]) => {
    const { name, help, labels = [], of } = given
    const spec = { name: of === undefined ? PREFIX + name : name, help, labels, ...(of === undefined ? {} : { of }) }
    return [key, declare(spec, given)]
  })
  return Object.fromEntries(metrics) as Record<K, M>
}
