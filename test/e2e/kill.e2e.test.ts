import { join } from 'node:path'
import type { StatusJson } from '@p2poolv2/api/schema'
import { decodeShare } from '@p2poolv2/consensus'
import { bytesToHex } from '@p2poolv2/primitives'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LogLine, logLine, type NodeProgram } from './stage/node-program.ts'
import { oneFile } from './stage/one-file.ts'
import { owedBy } from './stage/owed.ts'
import { openStage, Stage } from './stage/stage.ts'
import { confirmedChain, type StoredChain, withStoredChain } from './stage/stored-chain.ts'
import { until } from './stage/until.ts'

const KILLS = 45
const BLOCK_KILLS = 5
/** Longer than chance takes: a share comes every half second, the first block of a chain after two to three seconds. */
const PATIENCE_MS = 120_000
/** Two minutes on a free computer. */
const TEST_MS = 1_200_000
const OP_RETURN = 0x6a
/** Shares come fast at the start of a devnet, and the miners of one test must not starve those of another. */
const ARGS = ['--log-level', 'debug', '--set', 'devnet.miner_hashrate=120000']

/** What a run has said about its shares before it was killed. */
interface Promised {
  /** Number of the last delta reported as committed; 0 for none. */
  readonly sequence: number
  /** A status all of which was on disk, because nothing waited for the disk after it was shown. */
  readonly status: StatusJson
}

/** Moments to kill at, in turn: amid a commit, right after one, between two. */
const MOMENTS = ['one of our miners made a share', 'node: committed', 'node: shareAccepted', 'node: jobsRenewed']
const BLOCK_MOMENT = 'a bitcoin node answered to a found block'

function lastCommitted(node: NodeProgram): number {
  const sequences = node.log.filter(({ msg }) => msg === 'node: committed').map(({ sequence }) => Number(sequence))
  return Math.max(0, ...sequences)
}

/** A status with new shares, followed by a look that found all known by then to be written. */
async function statusOnDisk(node: NodeProgram, aboveHeight: number): Promise<StatusJson> {
  const is = ({ sharechain }: StatusJson): boolean => sharechain.confirmedHeight > aboveHeight
  return until('a status that is on disk', PATIENCE_MS, async () => {
    const status = await node.statusWhen('new shares', PATIENCE_MS, is)
    return (await node.commitQueueLength()) === 0 ? status : null
  })
}

/** Kills the node at the next moment of the kind. @returns the log line of that moment */
async function killAt(node: NodeProgram, moment: string): Promise<LogLine> {
  const from = node.program.lines.length
  const isMoment = (line: LogLine | null): LogLine | null => (line?.msg === moment ? line : null)
  const line = await node.program.line(moment, PATIENCE_MS, text => isMoment(logLine(text)), from)
  expect(await node.stop('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' })
  return line
}

/** Lets the node mine on from `height`, kills it at the next moment of the kind, and gives what it had promised. */
async function mineAndKill(node: NodeProgram, height: number, moment: string): Promise<Promised> {
  await node.ready()
  const status = await statusOnDisk(node, height)
  await killAt(node, moment)
  return { sequence: lastCommitted(node), status }
}

/** Holds each found block's coinbase against the payouts that the stored shares call for. @returns how many there are */
async function checkBlocks(stored: StoredChain): Promise<number> {
  const blocks = await stored.store.readBlocks(1_000)
  for (const { shareHash, outputs } of blocks) {
    if (shareHash === null) continue
    const [body] = await stored.store.readShares([shareHash])
    if (body === null || body === undefined) throw new Error('the share that is a block has no body')
    const paid = decodeShare(body)
      .bitcoinCoinbase.outputs.filter(({ script }) => script[0] !== OP_RETURN)
      .map(({ valueSats, script }) => ({ scriptHex: bytesToHex(script), sats: valueSats }))
    const amountSats = paid.reduce((sum, { sats }) => sum + sats, 0n)
    const owed = await owedBy(stored, shareHash, amountSats)
    expect(paid).toEqual(owed.payouts)
    expect(outputs.map(({ valueSats }) => valueSats)).toEqual(paid.map(({ sats }) => sats))
  }
  return blocks.length
}

let main = ''
const programs = new Stage()
// Fifty starts of the thousand files it is made of would take a minute more.
beforeAll(async () => {
  main = await oneFile(join(await programs.folder(), 'program'))
}, 120_000)
afterAll(() => programs.clear())

describe('a node that is killed while it mines', () => {
  it(
    `has after each of ${KILLS} kills an unbroken chain with all that it had reported as committed`,
    async () => {
      const stage = openStage()
      const dataDir = await stage.folder()
      let chain: readonly string[] = []
      for (let kill = 0; kill < KILLS; kill++) {
        const moment = MOMENTS[kill % MOMENTS.length] ?? ''
        const promised = await mineAndKill(stage.node({ main, dataDir, args: ARGS }), chain.length - 1, moment)
        const before = chain
        chain = await withStoredChain(dataDir, 'devnet', async stored => {
          expect(stored.sequence).toBeGreaterThanOrEqual(promised.sequence)
          const blocks = (await stored.store.readBlocks(1_000)).map(({ blockHash }) => blockHash)
          expect(blocks).toEqual(expect.arrayContaining(promised.status.blocks.map(({ hash }) => hash)))
          return confirmedChain(stored)
        })
        expect(chain.length).toBeGreaterThan(before.length)
        // Nothing re-organises a chain with one node: what was confirmed once stays where it was.
        expect(chain.slice(0, before.length)).toEqual(before)
        const { confirmedHeight, confirmedHash } = promised.status.sharechain
        expect(chain[confirmedHeight]).toBe(confirmedHash)
      }

      const node = await stage.node({ main, dataDir, args: ARGS }).ready()
      await node.statusWhen(
        'shares and a block after the last kill',
        PATIENCE_MS,
        ({ sharechain, blocks }) => sharechain.confirmedHeight > chain.length && blocks.length > 0
      )
      expect(await node.stop()).toEqual({ code: 0, signal: null })
      const blocks = await withStoredChain(dataDir, 'devnet', checkBlocks)
      expect(blocks).toBeGreaterThan(0)
      console.info(`${KILLS} kills, ${chain.length - 1} shares, ${blocks} blocks: nothing that was promised is missing`)
    },
    TEST_MS
  )

  it(
    `has on bitcoin's chain and in its own list each of ${BLOCK_KILLS} blocks it was killed on`,
    async () => {
      const stage = openStage()
      for (let kill = 0; kill < BLOCK_KILLS; kill++) {
        // A chain of its own each time: blocks get harder with every one, and the wait longer.
        const dataDir = await stage.folder()
        const { blockHash } = await killAt(await stage.node({ main, dataDir, args: ARGS }).ready(), BLOCK_MOMENT)
        const again = await stage.node({ main, dataDir, args: ARGS }).ready()
        // The answer may not have reached the disk: then the block is submitted again, and the answer is "duplicate".
        const isTaken = ({ bitcoind, blocks }: StatusJson): boolean =>
          (bitcoind.height ?? 0) > 0 &&
          blocks.some(({ hash, result }) => hash === blockHash && /^(accepted|duplicate)/.test(result))
        await again.statusWhen('the block on the chain and known as taken', PATIENCE_MS, isTaken)
        expect(await again.stop()).toEqual({ code: 0, signal: null })
        expect(await withStoredChain(dataDir, 'devnet', checkBlocks)).toBeGreaterThan(0)
      }
    },
    TEST_MS
  )
})
