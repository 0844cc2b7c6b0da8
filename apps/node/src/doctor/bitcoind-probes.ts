import { grouped } from '../cli/amounts.ts'
import { type Finding, fail, info, ok, type Probe, unknown, warn } from './check.ts'

/** What one bitcoin node said of itself; null for what it would not tell. */
export interface BitcoindFacts {
  /** Without credentials. */
  readonly url: string
  /** Why it could not be asked; else null, and the rest is known. */
  readonly problem: string | null
  readonly chain: string | null
  readonly blocks: number | null
  readonly headers: number | null
  readonly initialBlockDownload: boolean
  readonly pruned: boolean
  readonly peers: number | null
  /** As 290100 for 29.1. */
  readonly version: number | null
  readonly name: string | null
  /** False with blocksonly. */
  readonly relays: boolean
  readonly warnings: readonly string[]
  /** Where it tells of new blocks; null if it would not say. */
  readonly hashblockAddresses: readonly string[] | null
  /** As configured here. */
  readonly zmq: { readonly address: string; readonly answers: boolean } | null
  /** Settings of its bitcoin.conf, where that can be read from here. */
  readonly conf: { readonly file: string; readonly values: ReadonlyMap<string, string> } | null
}

export interface BitcoinFacts {
  /** Empty with the embedded development chain. */
  readonly nodes: readonly BitcoindFacts[]
  /** Names of bitcoin chains that may be mined on. */
  readonly chains: readonly string[]
}

/** blockreservedweight came with it, and templates for every chain that is mined on. */
const GOOD_VERSION = 290_000
const OLDEST_VERSION = 220_000
/** What bitcoind leaves for header and coinbase unless told otherwise, and what a full payout window wants. */
const WANTED_RESERVE = 100_000
const USUAL_MAX_WEIGHT = 3_000_000

const NO_WORK = 'Without another bitcoin node miners get no work.'

/** Judges each node that could be asked, and names the first that is not well. */
function each(judge: (node: BitcoindFacts, facts: BitcoinFacts) => Finding): (facts: BitcoinFacts) => Finding {
  return facts => {
    const asked = facts.nodes.filter(({ problem }) => problem === null)
    if (asked.length === 0) return unknown('No bitcoin node could be asked.')
    const findings = asked.map(node => ({ node, finding: judge(node, facts) }))
    const rank = { fail: 0, warn: 1, unknown: 2, info: 3, ok: 4 }
    const [worst] = findings.sort((a, b) => rank[a.finding.state] - rank[b.finding.state])
    if (worst === undefined) return unknown('No bitcoin node could be asked.')
    const { finding, node } = worst
    return facts.nodes.length === 1 || finding.state === 'ok'
      ? finding
      : { ...finding, message: `${node.url}: ${finding.message}` }
  }
}

export const BITCOIND_PROBES: readonly Probe<BitcoinFacts>[] = [
  {
    id: 'bitcoin-rpc',
    group: 'bitcoin',
    title: 'Bitcoin RPC',
    judge: ({ nodes }) => {
      if (nodes.length === 0) return ok('The embedded development chain stands in for a bitcoin node.')
      const silent = nodes.filter(({ problem }) => problem !== null)
      const [first] = silent
      if (first === undefined) return ok(`${nodes.map(({ url }) => url).join(', ')} answers, and the login is right.`)
      const fix = 'See that bitcoind runs, and that url and login of [[bitcoind]] are its own.'
      const said = first.problem ?? ''
      return silent.length === nodes.length
        ? fail(said, fix, 'Miners get no work.')
        : warn(said, fix, 'None as long as another bitcoin node answers.')
    }
  },
  {
    id: 'bitcoin-chain',
    group: 'bitcoin',
    title: 'Bitcoin chain',
    judge: each(({ chain }, { chains }) =>
      chain !== null && chains.includes(chain)
        ? ok(`It is on ${chain}.`)
        : fail(
            `It is on ${chain ?? 'an unknown chain'}, not on ${chains.join(' or ')}.`,
            'Set chain to that of bitcoind, or [[bitcoind]] url to one on this chain.',
            NO_WORK
          )
    )
  },
  {
    id: 'bitcoin-sync',
    group: 'bitcoin',
    title: 'Bitcoin blocks',
    judge: each(({ blocks, headers, initialBlockDownload }) => {
      const at = `${grouped(blocks ?? 0)} of ${grouped(headers ?? 0)} blocks.`
      if (initialBlockDownload && (headers ?? 0) > (blocks ?? 0))
        return fail(
          `It is catching up: ${at}`,
          'Wait until it has caught up: bitcoin-cli getblockchaininfo shows how far it is.',
          NO_WORK
        )
      if ((headers ?? 0) > (blocks ?? 0) + 2)
        return warn(
          `It is behind: ${at}`,
          'Wait some minutes; if it stays so, see the log of bitcoind.',
          'What is mined now is out of date.'
        )
      return ok(`It has ${at}`)
    })
  },
  {
    id: 'bitcoin-peers',
    group: 'bitcoin',
    title: 'Bitcoin peers',
    judge: each(({ peers, chain }) => {
      if (peers === null) return unknown('It does not say how many peers it has.')
      if (chain === 'regtest') return ok('Not needed on regtest.')
      if (peers === 0)
        return fail(
          'It has no peers.',
          'See that it reaches the internet: bitcoin-cli getpeerinfo',
          'A found block would reach nobody.'
        )
      return peers < 4
        ? warn(
            `It has ${peers} of them.`,
            'More peers spread a found block faster; see its network settings.',
            'A found block may lose a race.'
          )
        : ok(`It has ${peers} of them.`)
    })
  },
  {
    id: 'bitcoin-version',
    group: 'bitcoin',
    title: 'Bitcoin version',
    judge: each(({ version, name }) => {
      const said = `${name ?? ''} (${version ?? '?'}).`.trim()
      if (version === null) return unknown('It does not say.')
      if (version < OLDEST_VERSION) return fail(said, 'Update Bitcoin Core.', 'Its templates may not be usable.')
      return version < GOOD_VERSION
        ? warn(
            said,
            'Update Bitcoin Core to 29 or newer: it has blockreservedweight.',
            'With many payees some transactions have to be left out of a block.'
          )
        : ok(said)
    })
  },
  {
    id: 'bitcoin-zmq',
    group: 'bitcoin',
    title: 'News of blocks (ZMQ)',
    judge: each(({ zmq, hashblockAddresses }) => {
      const cost = 'New blocks are heard of some seconds later, so a little work is stale.'
      if (zmq === null) {
        const [there] = hashblockAddresses ?? []
        if (there !== undefined)
          return warn(
            'bitcoind has it, and [[bitcoind]] zmq_hashblock is not set.',
            `Set zmq_hashblock = "${there}"`,
            cost
          )
        return info(
          'Not used: blocks are heard of by long poll. For a few milliseconds set zmqpubhashblock in bitcoin.conf and zmq_hashblock here.'
        )
      }
      if (!zmq.answers)
        return warn(
          `Nothing answers at ${zmq.address}.`,
          `Add to bitcoin.conf: zmqpubhashblock=${zmq.address}, and restart bitcoind.`,
          cost
        )
      if (hashblockAddresses?.length === 0)
        return warn(
          'bitcoind tells of no blocks by it.',
          `Add to bitcoin.conf: zmqpubhashblock=${zmq.address}, and restart bitcoind.`,
          cost
        )
      return ok(`bitcoind tells of blocks at ${zmq.address}.`)
    })
  },
  {
    id: 'bitcoin-mempool',
    group: 'bitcoin',
    title: 'Transactions for blocks',
    judge: each(({ relays }) =>
      relays
        ? ok('It hears of transactions.')
        : warn(
            'It hears of none (blocksonly).',
            'Remove blocksonly from bitcoin.conf and restart bitcoind.',
            'Blocks bring no fees.'
          )
    )
  },
  {
    id: 'bitcoin-reserve',
    group: 'bitcoin',
    title: 'Room in blocks',
    judge: each(({ conf }) => {
      if (conf === null)
        return info(`bitcoin.conf cannot be read from here; it should have blockreservedweight=${WANTED_RESERVE}.`)
      const reserved = Number(conf.values.get('blockreservedweight') ?? '8000')
      const most = Number(conf.values.get('blockmaxweight') ?? '4000000')
      if (most < USUAL_MAX_WEIGHT)
        return warn(
          `${conf.file} has blockmaxweight=${most}.`,
          'Remove that line and restart bitcoind.',
          'Blocks are smaller than they could be, and bring fewer fees.'
        )
      return reserved < WANTED_RESERVE
        ? warn(
            `It leaves ${grouped(reserved)} weight units for the coinbase.`,
            `Add to ${conf.file}: blockreservedweight=${WANTED_RESERVE}, and restart bitcoind.`,
            'With many payees transactions have to be left out of a block.'
          )
        : ok(`It leaves ${grouped(reserved)} weight units for the coinbase.`)
    })
  },
  {
    id: 'bitcoin-warnings',
    group: 'bitcoin',
    title: 'Warnings of bitcoind',
    judge: each(({ warnings }) =>
      warnings.length === 0
        ? ok('None.')
        : warn(warnings.join('; '), 'See the log of bitcoind.', 'Depends on the warning.')
    )
  },
  {
    id: 'bitcoin-pruned',
    group: 'bitcoin',
    title: 'Old blocks',
    judge: each(({ pruned }) =>
      pruned ? info('It keeps only new ones (pruned), which is enough for mining.') : ok('It keeps all.')
    )
  },
  {
    id: 'bitcoin-spare',
    group: 'bitcoin',
    title: 'A second bitcoin node',
    judge: ({ nodes }) =>
      nodes.length === 1
        ? info('There is one; with a second [[bitcoind]] a found block goes to both.')
        : ok(nodes.length === 0 ? 'Not needed.' : `There are ${nodes.length}.`)
  }
]
