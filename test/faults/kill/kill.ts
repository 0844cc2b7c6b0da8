// `npm run kill -- [--times 1000] [--minutes N] [--folder DIR]`: a node that mines beside a peer that mines too is killed at random moments,
// also while it starts. After each kill its store has to open, its confirmed chain to be unbroken, and to hold what had been promised; both
// nodes' shares have to count. At the end both have one tip, and every block they found is on bitcoind. Goes on where it was stopped, if
// it is given the same folder.
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { DifficultyRule } from '@p2poolv2/devchain'
import { DevChainServer } from '@p2poolv2/devchain/rpc'
import type { ShareHash } from '@p2poolv2/primitives'
import { bitsFromBigInt, seededRng, shareHash } from '@p2poolv2/primitives'
import { readGenesis } from '../../../apps/node/src/data/devnet-genesis.ts'
import { bitcoindFlags } from '../../e2e/stage/bitcoind-flags.ts'
import { type LogLine, logLine, type NodeOptions, type NodeProgram } from '../../e2e/stage/node-program.ts'
import { oneFile } from '../../e2e/stage/one-file.ts'
import type { Stage } from '../../e2e/stage/stage.ts'
import {
  confirmedChain,
  hasShare,
  isOvertaken,
  type StoredChain,
  storedHeader,
  withStoredChain
} from '../../e2e/stage/stored-chain.ts'
import { until } from '../../e2e/stage/until.ts'
import { copyChain, prepareChain } from '../../network/prepared-chain.ts'
import { onStage } from '../../network/script-stage.ts'
import { type Ledger, type OwedShare, readLedger, type SaidBlock, writeLedger } from './ledger.ts'

/** A kill comes within so long: of its start, of when it answers, or of the first share it made in this life. */
const KILL_WITHIN_MS = 2_500
/** Of so many kills one comes after the start and one after it answers. */
const OTHER_KILLS = 5
/** A share that does not count so many kills later, and so far below the tip, never will. */
const OWED_KILLS = 6
const OWED_DEPTH = 12
const WITHIN_MS = 300_000
/** All of the chain is read again after so many kills; after the others, what is new. */
const READ_ALL_EVERY = 100
/** Hashes a second of each miner: the peer has one and makes a share in ten, too few to outrun the other's uncles while that is dead. */
const HASHRATE_HPS = 300
const PEER_HASHRATE_HPS = 60
/** The chain begins as one that is behind its schedule of a share a second, so that shares are as easy as they get: 256 hashes. */
const FIRST_SHARES = 20
/** Some eight shares a block. */
const BITCOIN_DIFFICULTY: DifficultyRule = {
  spacingSec: 30,
  startBits: bitsFromBigInt(2n ** 245n),
  easiestBits: bitsFromBigInt(2n ** 245n),
  hardestBits: bitsFromBigInt(2n ** 208n),
  windowBlocks: 16,
  stallSec: 300
}
const MADE_A_SHARE = 'one of our miners made a share'
const LOGIN = { user: 'kill', password: 'kill' }

const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '1000' },
    minutes: { type: 'string', default: '100000' },
    folder: { type: 'string', default: join(tmpdir(), 'p2poolv2-kill') },
    seed: { type: 'string', default: '1' }
  }
})
const file = join(values.folder, 'ledger.json')
const dataDir = join(values.folder, 'killed')
const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

/** What a node said it has promised. */
interface Said {
  readonly sequence: number
  readonly shares: readonly { readonly share: ShareHash; readonly height: number }[]
  readonly blocks: readonly SaidBlock[]
}

/** @param from number of the first log line that counts */
function saidBy(node: NodeProgram, by: SaidBlock['by'], from = 0): Said {
  const of = (is: (msg: string) => boolean): readonly LogLine[] => node.log.slice(from).filter(({ msg }) => is(msg))
  return {
    sequence: Math.max(0, ...of(msg => msg === 'node: committed').map(({ sequence }) => Number(sequence))),
    shares: of(msg => msg === MADE_A_SHARE).map(({ shareHash: hash, height }) => ({
      share: shareHash(String(hash)),
      height: Number(height)
    })),
    blocks: of(msg => msg.startsWith('BLOCK FOUND')).map(({ blockHash, bitcoinHeight }) => ({
      hash: String(blockHash),
      bitcoinHeight: Number(bitcoinHeight),
      by
    }))
  }
}

type Moment = 'start' | 'answers' | 'mines'

/** One life of the node, from its start to its death so long after the moment. */
async function live(stage: Stage, options: NodeOptions, killed: { readonly after: Moment; readonly ms: number }) {
  const node = stage.node(options)
  if (killed.after !== 'start') await node.ready()
  if (killed.after === 'mines') {
    const isShare = (line: string): true | null => logLine(line)?.msg === MADE_A_SHARE || null
    await node.program.line('a share of its own', WITHIN_MS, isShare)
  }
  await sleep(killed.ms)
  if (!node.program.isRunning) throw new Error(`the node ended by itself:\n${node.program.tail}`)
  await node.stop('SIGKILL')
  return saidBy(node, 'killed')
}

/** The chain as it was found after the last kill. */
let known: readonly ShareHash[] = []

/** Holds what a dead node left on disk against what was said. */
async function check(ledger: Ledger, said: Said): Promise<void> {
  await withStoredChain(dataDir, 'devnet', async stored => {
    if (stored.sequence < said.sequence) {
      throw new Error(`delta ${said.sequence} was reported as committed, the store ends at ${stored.sequence}`)
    }
    const chain = await confirmedChain(stored, ledger.kills % READ_ALL_EVERY === 0 ? [] : known)
    known = chain
    const counted = new Set<ShareHash>(chain)
    const oldest = Math.min(chain.length, 400)
    for (const hash of chain.slice(-oldest)) {
      for (const uncle of (await storedHeader(stored, hash)).uncles) counted.add(uncle)
    }
    ledger.confirmedHeight = chain.length - 1
    ledger.owed = ledger.owed.filter(({ share }) => !counted.has(share))
    const isOverdue = ({ beforeKill, height }: OwedShare): boolean =>
      ledger.kills - beforeKill >= OWED_KILLS && height + OWED_DEPTH < chain.length
    for (const { share, by, beforeKill, height } of ledger.owed.filter(isOverdue)) {
      // A node has what it made; what the other made it may have missed.
      const isKept = by === 'peer' || (await hasShare(stored, share))
      const at = ledger.made[by].findIndex(made => made.share === share)
      const life = ledger.made[by][at]?.life
      const later = new Map(ledger.made[by].slice(at + 1).map(made => [made.share, made.life === life] as const))
      if (isKept && (await isOvertaken(stored, { chain, height, share }, later))) {
        ledger.overtaken++
        continue
      }
      const where = await placeOf(stored, share, chain)
      ledger.lost.push(`share ${share} of the ${by}, made before kill ${beforeKill}, counts nowhere: ${where}`)
      console.log(ledger.lost.at(-1))
    }
    ledger.owed = ledger.owed.filter(owed => !isOverdue(owed))
  })
}

/** Where a share that counts nowhere stands, for whoever looks into it. */
async function placeOf(stored: StoredChain, share: ShareHash, chain: readonly ShareHash[]): Promise<string> {
  const [record] = await stored.store.readHeaders([share])
  if (record === null || record === undefined) return 'it is not even stored'
  const { height, prevShareHash } = await storedHeader(stored, share)
  const parent = chain[height - 1] === prevShareHash ? 'the confirmed one' : 'none of the confirmed ones'
  const [body] = await stored.store.readShares([share])
  const above = chain.slice(height, height + 4)
  const uncles = await Promise.all(above.map(async hash => (await storedHeader(stored, hash)).uncles.length))
  const has = body === null ? 'no body' : 'its body'
  return `it is stored at height ${height} with ${has}, its parent is ${parent}; shares from there on name ${uncles.join(', ')} uncles`
}

async function bitcoinSays(url: string, method: string, parameter: string | number): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${LOGIN.user}:${LOGIN.password}`)}` },
    body: JSON.stringify({ id: 1, method, params: [parameter] })
  })
  const { result } = (await response.json()) as { readonly result: unknown }
  return result ?? null
}

/**
 * Bitcoin knows the block, or its chain has another one of the same node at that height: of those, which miners found within the time of
 * an answer, one can be in the chain, and the others are given up (`SiblingGate`).
 */
async function isNotLost(url: string, block: SaidBlock, all: readonly SaidBlock[]): Promise<true | null> {
  if ((await bitcoinSays(url, 'getblockheader', block.hash)) !== null) return true
  const there = await bitcoinSays(url, 'getblockhash', block.bitcoinHeight)
  return all.some(({ hash, by }) => hash === there && by === block.by) || null
}

await onStage(async stage => {
  const ledger = await readLedger(file)
  await writeLedger(file, ledger)
  const bitcoind = await DevChainServer.start({
    ...LOGIN,
    file: join(values.folder, 'bitcoind'),
    difficulty: BITCOIN_DIFFICULTY
  })
  stage.onEnd(() => bitcoind.stop())
  const peerDir = join(values.folder, 'peer')
  if (readGenesis(dataDir) === null) {
    await prepareChain(dataDir, { shares: FIRST_SHARES, payees: 4, tipTimeSec: Math.floor(Date.now() / 1_000) })
    await copyChain(dataDir, peerDir)
  }
  const main = await oneFile(join(values.folder, 'program'))
  const flags = (hashrateHps: number): string[] => [
    ...bitcoindFlags({ ...LOGIN, url: bitcoind.url }),
    ...['--set', `devnet.miner_hashrate=${hashrateHps}`]
  ]
  const peer = await stage
    .node({ main, dataDir: peerDir, args: ['--miners', '1', ...flags(PEER_HASHRATE_HPS)] })
    .ready()
  let linesOfPeer = 0
  const args = ['--log-level', 'debug', '--join', await peer.invite(), ...flags(HASHRATE_HPS)]
  const startedMs = performance.now()
  const endMs = startedMs + Number(values.minutes) * 60_000
  const times = Number(values.times)
  const killsBefore = ledger.kills
  while (ledger.kills < times && performance.now() < endMs) {
    const rng = seededRng(`kill ${values.seed} ${ledger.kills}`)
    const kind = rng.u32() % OTHER_KILLS
    // The first life makes what the others begin with.
    const after: Moment = kind === 0 && ledger.kills > 0 ? 'start' : kind === 1 ? 'answers' : 'mines'
    const said = await live(stage, { main, dataDir, args }, { after, ms: rng.u32() % KILL_WITHIN_MS })
    const byPeer = saidBy(peer, 'peer', linesOfPeer)
    linesOfPeer = peer.log.length
    ledger.kills += 1
    ledger.killsAtStart += after === 'start' ? 1 : 0
    for (const { by, shares } of [
      { by: 'killed' as const, shares: said.shares },
      { by: 'peer' as const, shares: byPeer.shares }
    ]) {
      ledger.made[by].push(...shares.map(({ share }) => ({ share, life: by === 'peer' ? 0 : ledger.kills })))
      ledger.owed.push(...shares.map(({ share, height }) => ({ share, height, by, beforeKill: ledger.kills })))
    }
    ledger.blocks.push(...said.blocks, ...byPeer.blocks)
    await check(ledger, said)
    await writeLedger(file, ledger)
    if (ledger.kills % 10 === 0) {
      const secEach = (performance.now() - startedMs) / 1_000 / (ledger.kills - killsBefore)
      console.log(`${asText(ledger)}; ${secEach.toFixed(1)} s a kill, load ${loadavg()[0]?.toFixed(0)}`)
    }
  }
  // What was found as it died goes out with the next start.
  const last = await stage.node({ main, dataDir, args }).ready()
  for (const block of ledger.blocks) {
    await until(`block ${block.hash} on bitcoind`, WITHIN_MS, () => isNotLost(bitcoind.url, block, ledger.blocks))
  }
  await until('one tip', WITHIN_MS, async () => {
    const [mine, theirs] = await Promise.all([last.status(), peer.status()])
    return mine.sharechain.confirmedHash === theirs.sharechain.confirmedHash || null
  })
  await last.stop()
  if (ledger.made.killed.length < ledger.kills / 2 || ledger.made.peer.length === 0 || ledger.blocks.length === 0) {
    throw new Error(`${asText(ledger)}: too little was at stake to say anything`)
  }
  if (ledger.lost.length > 0) throw new Error(`${asText(ledger)}; lost:\n${ledger.lost.join('\n')}`)
  console.log(`${asText(ledger)}: the store opened each time, no share is lost, one tip, all blocks on bitcoind`)
})

function asText(ledger: Ledger): string {
  const { kills, killsAtStart, made, overtaken, owed, lost, confirmedHeight, blocks } = ledger
  return (
    `${kills} kills, ${killsAtStart} of them while it started; ${made.killed.length} shares and ${made.peer.length} of its peer: ${overtaken} overtaken, ` +
    `${owed.length} of the last kills not named yet, ${lost.length} lost; height ${confirmedHeight}, ${blocks.length} blocks`
  )
}
