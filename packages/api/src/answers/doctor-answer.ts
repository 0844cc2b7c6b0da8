import { type DoctorJson, doctorSchema } from '@p2poolv2/api/schema'
import { durationText } from '@p2poolv2/earnings'
import { type Moment, secFromMs } from '@p2poolv2/primitives'
import type { NodeReads } from '../reads/node-reads.ts'
import { statusJson } from '../status-answer.ts'
import { genesisAddress } from './window-answer.ts'

type Check = DoctorJson['checks'][number]
type Judged = Pick<Check, 'state' | 'message'> & Partial<Pick<Check, 'fix' | 'cost'>>

/** A share of the chain may be so much older than the clock says before that is worth a word. */
const QUIET_SEC = 300

/** Everything that is checked, in the order in which one would look: at the running node itself, then at what lies around it. */
export async function doctorJson(reads: NodeReads, now: Moment): Promise<DoctorJson> {
  const { mode } = reads.queries
  // Without a share chain neither shares nor peers are missing.
  const ofShareChain = mode === 'sharechain'
  const checks = [
    bitcoinNode,
    template,
    ...(ofShareChain ? [shareChain, shares] : []),
    clock,
    ...(ofShareChain ? [network, rules] : []),
    minersPresent,
    minersRefused,
    coinbase,
    ...(ofShareChain ? [genesisPaid] : [])
  ].map(look => look(reads, now))
  checks.push(...(await reads.hostChecks()))
  const has = (state: Check['state']): boolean => checks.some(check => check.state === state)
  return doctorSchema.encode({
    time: secFromMs(now.wallMs),
    state: has('fail') ? 'fail' : has('warn') ? 'warn' : 'ok',
    checks
  })
}

function check(about: Pick<Check, 'id' | 'group' | 'title'>, judge: (reads: NodeReads, now: Moment) => Judged) {
  return (reads: NodeReads, now: Moment): Check => ({ fix: null, cost: null, ...about, ...judge(reads, now) })
}

const bitcoinNode = check({ id: 'bitcoin-node', group: 'bitcoin', title: 'Bitcoin node' }, ({ queries }, now) => {
  const { url, state, bitcoinHeight, message } = queries.status(now).bitcoind
  const at = bitcoinHeight === null ? '' : ` at height ${bitcoinHeight}`
  switch (state) {
    case 'ready':
      return { state: message === null ? 'ok' : 'warn', message: message ?? `${url} is ready${at}.` }
    case 'starting':
      return { state: 'unknown', message: `${url} has not answered yet.` }
    case 'syncing':
      return {
        state: 'fail',
        message: message ?? `${url} is catching up${at}.`,
        fix: 'Wait until it has caught up.',
        cost: 'Miners get no work.'
      }
    default:
      return {
        state: 'fail',
        message: message ?? `${url} cannot be used.`,
        fix: 'See that bitcoind runs, and that [[bitcoind]] has its url and login.',
        cost: 'Miners get no new work, and blocks reach bitcoin late or not at all.'
      }
  }
})

const template = check({ id: 'work', group: 'bitcoin', title: 'Work for miners' }, ({ queries }) => {
  const { jobs, bitcoinHeight } = queries.work()
  if (jobs === 'none')
    return {
      state: 'fail',
      message: 'There is no block template.',
      fix: 'See the bitcoin node above.',
      cost: 'Miners wait.'
    }
  return { state: 'ok', message: `Miners look for bitcoin block ${bitcoinHeight}.` }
})

const shareChain = check({ id: 'share-chain', group: 'sharechain', title: 'Share chain' }, ({ queries }, now) => {
  const { state, quiet } = queries.network(now)
  const { confirmedHeight, candidateHeight, confirmedTimeSec } = queries.chain()
  if (state === 'syncing')
    return {
      state: 'warn',
      message: `Shares are being fetched: ${confirmedHeight} of ${candidateHeight}.`,
      fix: 'Wait; mining goes on meanwhile.',
      cost: 'Shares found now may build on a stale base and go unpaid.'
    }
  const ageSec = secFromMs(now.wallMs) - confirmedTimeSec
  if (quiet || ageSec > QUIET_SEC)
    return { state: 'info', message: `The newest share, at height ${confirmedHeight}, is ${durationText(ageSec)} old.` }
  return { state: 'ok', message: `At height ${confirmedHeight}, nothing is known to be missing.` }
})

const shares = check({ id: 'shares', group: 'sharechain', title: 'Shares can be made' }, (reads, now) => {
  const { jobs } = reads.queries.work()
  if (jobs === 'full') return { state: 'ok', message: 'What miners find can become shares.' }
  if (jobs === 'none') return { state: 'unknown', message: 'There is no work yet.' }
  const { message } = statusJson(reads.queries.status(now)).bitcoind
  return {
    state: 'fail',
    message: 'Miners find bitcoin blocks but no shares.',
    fix: message,
    cost: 'You earn nothing from blocks that others of the pool find.'
  }
})

const clock = check({ id: 'clock', group: 'computer', title: 'Clock' }, ({ queries }, now) => {
  const fix = 'Set it right, best by NTP: timedatectl set-ntp true'
  const { clockDifferenceSec } = queries.status(now)
  if (clockDifferenceSec !== null)
    return {
      state: 'warn',
      message: `It is ${Math.abs(clockDifferenceSec)} s ${clockDifferenceSec > 0 ? 'ahead of' : 'behind'} the bitcoin node's.`,
      fix: `${fix}; the same on the computer of the bitcoin node`,
      cost: 'Shares and blocks can be refused for their time.'
    }
  const aheadSec = queries.chain().confirmedTimeSec - secFromMs(now.wallMs)
  if (aheadSec <= QUIET_SEC)
    return { state: 'ok', message: 'It is behind neither the bitcoin node nor the share chain.' }
  return {
    state: 'fail',
    message: `It is ${aheadSec} s behind the newest share.`,
    fix,
    cost: 'Miners find no shares.'
  }
})

const network = check({ id: 'peers', group: 'peers', title: 'Peers' }, ({ queries }, now) => {
  const { peers } = queries.network(now)
  if (peers > 0) return { state: 'ok', message: `${peers} connected.` }
  return {
    state: 'warn',
    message: 'No other node is connected.',
    fix: 'Join one: ./p2poolv2 peers add INVITE, with what its owner reads at ./p2poolv2 invite',
    cost: 'Shares count here alone until a node comes.'
  }
})

const rules = check({ id: 'rules', group: 'peers', title: 'Same rules as the peers' }, ({ queries }, now) => {
  if (queries.status(now).ineligible !== 'other-rules')
    return { state: 'ok', message: 'No sign that this node follows other rules than its peers.' }
  return {
    state: 'fail',
    message: 'Every peer follows other rules.',
    fix: 'Update this program; ./p2poolv2 peers says in which rules they differ.',
    cost: 'Shares would count for nobody.'
  }
})

const minersPresent = check({ id: 'miners', group: 'miners', title: 'Miners' }, ({ queries }, now) => {
  const { connections } = queries.totals(now)
  if (connections > 0) return { state: 'ok', message: `${connections} at work.` }
  return {
    state: 'warn',
    message: 'No miner is connected.',
    fix: 'Give yours the address of this computer: the view Miners of the page has it, and /v1/connect.',
    cost: 'Nothing is earned.'
  }
})

const minersRefused = check({ id: 'miners-refused', group: 'miners', title: 'Refused miners' }, ({ queries }, now) => {
  const [newest] = queries.status(now).refusedMiners
  if (newest === undefined) return { state: 'ok', message: 'None tried of late.' }
  return {
    state: 'warn',
    message: `A miner at ${newest.host} is refused: ${newest.message}`,
    fix: 'Change the user name in its settings.',
    cost: 'That miner earns nothing.'
  }
})

const coinbase = check({ id: 'coinbase-room', group: 'miners', title: 'Room for payouts' }, ({ queries }) => {
  const work = queries.offered()
  if (work === null) return { state: 'unknown', message: 'There is no work yet.' }
  if (work.scarceRoom === null)
    return { state: 'ok', message: `The coinbase has ${work.mining.coinbase.bytes.length} bytes.` }
  return {
    state: work.droppedTransactions === null ? 'fail' : 'warn',
    message: 'The payouts need more room than bitcoind sets aside.',
    fix: 'Raise blockreservedweight in bitcoin.conf.',
    cost: work.droppedTransactions === null ? 'A found block would be invalid.' : 'Fees of the transactions left out.'
  }
})

const genesisPaid = check({ id: 'genesis-paid', group: 'sharechain', title: 'Who is paid' }, ({ queries, params }) => {
  const { shareDifficulty, bitcoinDifficulty, outputs } = queries.work()
  const genesis = genesisAddress(params)
  const isPaid = outputs.some(({ kind, address }) => kind === 'payout' && address.text === genesis)
  if (shareDifficulty !== null && bitcoinDifficulty < shareDifficulty)
    return {
      state: 'warn',
      message:
        'A bitcoin block is easier to find here than a share: blocks come, and those who find them have no share to be paid for.',
      fix: 'This chain is for trying things out: use more hash rate, or devnet, where shares are easy.',
      cost: isPaid ? 'Blocks pay the key of the genesis share, which nobody has.' : 'Few shares, so few payouts.'
    }
  if (isPaid)
    return {
      state: 'info',
      message: 'Part of a block would go to the key of the genesis share, which nobody has; that ends as shares come.'
    }
  return { state: 'ok', message: 'Miners of the window alone.' }
})
