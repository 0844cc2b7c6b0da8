// `npm run kill -- [--times 1000] [--minutes N] [--folder DIR]`: a node that mines beside a peer is killed at random moments, also while it
// starts. After each kill its store has to open, its confirmed chain to be unbroken, and to hold what had been promised; at the end every
// block it found is on bitcoind. Goes on where it was stopped, if it is given the same folder.
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { DevChainServer } from '@p2poolv2/devchain/rpc'
import type { ShareHash } from '@p2poolv2/primitives'
import { seededRng, shareHash } from '@p2poolv2/primitives'
import { bitcoindFlags } from '../../e2e/stage/bitcoind-flags.ts'
import type { NodeProgram } from '../../e2e/stage/node-program.ts'
import type { Stage } from '../../e2e/stage/stage.ts'
import { confirmedChain, type StoredChain, storedHeader, withStoredChain } from '../../e2e/stage/stored-chain.ts'
import { until } from '../../e2e/stage/until.ts'
import { onStage } from '../../network/script-stage.ts'
import { type Ledger, readLedger, writeLedger } from './ledger.ts'

/** A kill comes so long after the start at most, and within so long after the node has come up. */
const KILL_WITHIN_MS = 6_000
/** One in so many kills may come while the node starts. */
const AT_START = 5
/** A share that is not confirmed so many kills later is lost: its fork had time to be named or to win. */
const OWED_KILLS = 6
const WITHIN_MS = 300_000
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

/** What the node said it has promised, in this life. */
interface Said {
  readonly sequence: number
  readonly shares: readonly ShareHash[]
  readonly blocks: readonly string[]
}

function saidBy(node: NodeProgram): Said {
  const of = (is: (msg: string) => boolean, field: string): string[] =>
    node.log.filter(({ msg }) => is(msg)).map(line => String(line[field]))
  return {
    sequence: Math.max(0, ...of(msg => msg === 'node: committed', 'sequence').map(Number)),
    shares: of(msg => msg === 'one of our miners made a share', 'shareHash').map(shareHash),
    blocks: of(msg => msg.startsWith('BLOCK FOUND'), 'blockHash')
  }
}

/** One life of the node, from its start to its death. */
async function live(
  stage: Stage,
  args: readonly string[],
  killed: { readonly atStart: boolean; readonly afterMs: number }
) {
  const node = stage.node({ dataDir, args })
  if (!killed.atStart) await node.ready()
  await sleep(killed.afterMs)
  if (!node.program.isRunning) throw new Error(`the node ended by itself:\n${node.program.tail}`)
  await node.stop('SIGKILL')
  return saidBy(node)
}

/** Holds what a dead node left on disk against what it had said. @returns the confirmed chain and the uncles it names */
async function check(ledger: Ledger, said: Said): Promise<void> {
  await withStoredChain(dataDir, 'devnet', async stored => {
    if (stored.sequence < said.sequence) {
      throw new Error(`delta ${said.sequence} was reported as committed, the store ends at ${stored.sequence}`)
    }
    const chain = await confirmedChain(stored)
    const counted = new Set<ShareHash>(chain)
    const oldest = Math.min(chain.length, 400)
    for (const hash of chain.slice(-oldest)) {
      for (const uncle of (await storedHeader(stored, hash)).uncles) counted.add(uncle)
    }
    ledger.confirmedHeight = chain.length - 1
    ledger.owed = ledger.owed.filter(({ share }) => !counted.has(share))
    const lost = ledger.owed.find(({ beforeKill }) => ledger.kills - beforeKill >= OWED_KILLS)
    if (lost !== undefined) {
      const where = await placeOf(stored, lost.share, chain)
      throw new Error(`share ${lost.share}, made before kill ${lost.beforeKill}, counts nowhere: ${where}`)
    }
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

async function onBitcoin(url: string, hash: string): Promise<true | null> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${LOGIN.user}:${LOGIN.password}`)}` },
    body: JSON.stringify({ id: 1, method: 'getblockheader', params: [hash] })
  })
  const { result } = (await response.json()) as { readonly result: unknown }
  return result === null || result === undefined ? null : true
}

await onStage(async stage => {
  const ledger = await readLedger(file)
  await writeLedger(file, ledger)
  const bitcoind = await DevChainServer.start({ ...LOGIN, file: join(values.folder, 'bitcoind') })
  stage.onEnd(() => bitcoind.stop())
  const flags = ['--log-level', 'debug', ...bitcoindFlags({ ...LOGIN, url: bitcoind.url })]
  const peer = await stage.node({ dataDir: join(values.folder, 'peer'), args: ['--miners', '0', ...flags] }).ready()
  const args = [...flags, '--join', await peer.invite(), '--set', 'devnet.miner_hashrate=20000']
  const endMs = performance.now() + Number(values.minutes) * 60_000
  const times = Number(values.times)
  while (ledger.kills < times && performance.now() < endMs) {
    const rng = seededRng(`kill ${values.seed} ${ledger.kills}`)
    const atStart = ledger.kills > 0 && rng.u32() % AT_START === 0
    const said = await live(stage, args, { atStart, afterMs: rng.u32() % KILL_WITHIN_MS })
    ledger.kills += 1
    ledger.killsAtStart += atStart ? 1 : 0
    ledger.shares += said.shares.length
    ledger.owed.push(...said.shares.map(share => ({ share, beforeKill: ledger.kills })))
    ledger.blocks.push(...said.blocks)
    await check(ledger, said)
    await writeLedger(file, ledger)
    if (ledger.kills % 10 === 0) {
      const { kills, shares, confirmedHeight, blocks, owed } = ledger
      console.log(
        `${kills} kills: ${shares} shares, height ${confirmedHeight}, ${blocks.length} blocks, ${owed.length} to be confirmed`
      )
    }
  }
  // What was found as it died goes out with the next start.
  const last = await stage.node({ dataDir, args }).ready()
  for (const hash of ledger.blocks) {
    await until(`block ${hash} on bitcoind`, WITHIN_MS, () => onBitcoin(bitcoind.url, hash))
  }
  await last.stop()
  const { kills, killsAtStart, shares, confirmedHeight, blocks, owed } = ledger
  console.log(
    `${kills} kills, ${killsAtStart} of them while it started: the store opened each time, ${shares} shares of which ${owed.length} ` +
      `are from the last kills and none is lost, height ${confirmedHeight}, all ${blocks.length} blocks on bitcoind`
  )
})
