import { randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { Roots, V2ChannelKind } from './crowd-contract.ts'
import { startFloor } from './floor-process.ts'
import { type LoadOptions, type LoadReport, runLoad } from './load-run.ts'
import { reportText } from './report.ts'
import { exampleAddress, nodeView, v2UrlOf } from './server-ledger.ts'
import { listenerOf } from './server-process.ts'
import { type Contender, sideBySide } from './table.ts'

interface Flags {
  readonly host: string
  readonly port: number
  readonly connections: number
  readonly seconds: number
  readonly rate?: number
  readonly user?: string
  readonly password: string
  readonly userAgent: string
  readonly processes: number
  readonly serverPid?: number
  readonly api: string
  readonly zmq?: string
  readonly json: boolean
  readonly roots: Roots
  readonly table: boolean
  readonly v2?: string | true
  readonly v2Channel: V2ChannelKind
  readonly beside: readonly Beside[]
  readonly rounds: number
  readonly blockSeconds: number
}

type Beside = Pick<Contender, 'name' | 'host' | 'port'>

/** Connections of the rows, unless `--connections` names one. */
const TABLE_CONNECTIONS = [100, 1_000, 5_000, 10_000]

function beside(text: string, before: readonly Beside[]): Beside[] {
  const [, name = '', host = '', port = ''] = /^([\w.-]+)=([\w.-]+):(\d+)$/.exec(text) ?? []
  if (name === '') throw new InvalidArgumentError('give name=host:port, for example ckpool=127.0.0.1:3334.')
  return [...before, { name, host, port: Number(port) }]
}

function wholeNumber(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('give a whole number, 0 or more.')
  return value
}

function atLeastOne(text: string): number {
  const value = wholeNumber(text)
  if (value === 0) throw new InvalidArgumentError('give a whole number, 1 or more.')
  return value
}

const program = new Command('p2poolv2-load')
  .description('Loads a stratum server with miners that do real work of low difficulty, and says how it bears it.')
  .option('--host <host>', 'the server', '127.0.0.1')
  .option('--port <port>', 'its port', wholeNumber, 3333)
  .option('--connections <n>', 'miners', atLeastOne, 100)
  .option('--seconds <n>', 'how long to measure', atLeastOne, 10)
  .option(
    '--rate <shares/s>',
    'of all miners together; 0 only watches new blocks; default: the next when the last is answered',
    wholeNumber
  )
  .option('--user <address>', 'payout address; default: an example address of the chain, where --api answers')
  .option('--password <text>', 'Stratum password', 'x')
  .option('--user-agent <text>', 'what the miners say they are', 'p2poolv2-load/1')
  .option('--processes <n>', 'of miners', atLeastOne, Math.max(1, Math.min(4, availableParallelism() - 1)))
  .option('--server-pid <pid>', 'process of the server; default: whoever listens on the port here', atLeastOne)
  .option('--api <url>', 'of a P2Poolv2 node, to compare its account', 'http://127.0.0.1:46884')
  .option('--zmq <address>', "the bitcoin node's zmqpubhashblock, to time new blocks from its word")
  .addOption(
    new Option('--roots <how>', 'extranonce2 of the shares: one for many, or a new one for each')
      .choices(['one', 'each'])
      .default('one')
  )
  .addOption(new Option('--table', 'this server, one that judges nothing, and those beside, in turn').default(false))
  .option(
    '--v2 [url]',
    'a table of Stratum V1 and V2 in turn, both of this server; url: stratum2+tcp://host:port/KEY, default: what --api says'
  )
  .addOption(
    new Option('--v2-channel <kind>', 'of the miners of Stratum V2')
      .choices(['extended', 'standard'])
      .default('extended')
  )
  .option('--beside <name=host:port>', 'a further server of the table; may be repeated', beside, [])
  .option('--rounds <n>', 'how often each row of the table is run', atLeastOne, 2)
  .option(
    '--block-seconds <n>',
    'in tables: how long to watch new blocks in each run; from the word of --zmq, or from the first miner',
    wholeNumber,
    0
  )
  .addOption(new Option('--json', 'the report for machines').default(false))
  .parse()

const { v2: asked, ...flags } = program.opts<Flags>()
const workerPrefix = `load${randomBytes(3).toString('hex')}`
const view = await nodeView(flags.api, workerPrefix)
const user = flags.user ?? (view === null ? null : exampleAddress(view.chain))
if (user === null) program.error('give --user: an address that the server knows how to pay')
const common: Omit<LoadOptions, 'host' | 'port' | 'connections' | 'serverPid' | 'api'> = {
  ...flags,
  user: String(user),
  workerPrefix,
  sharesPerSec: flags.rate ?? null,
  zmq: flags.zmq ?? null,
  onProgress: text => void process.stderr.write(`${text}\n`)
}
const api = view === null ? null : flags.api
if (asked !== undefined) await printTable(await bothProtocols(asked))
else if (flags.table) await printTable([ownServer('this server')])
else {
  const { host, port, connections } = flags
  const serverPid = flags.serverPid ?? listenerOf(port)
  const report = await runLoad({ ...common, host, port, connections, serverPid, api })
  process.stdout.write(flags.json ? `${JSON.stringify(report, null, 2)}\n` : reportText(report))
  process.exitCode = isSound(report) ? 0 : 1
}

function ownServer(name: string): Contender {
  const { host, port } = flags
  return { name, host, port, serverPid: flags.serverPid ?? listenerOf(port), api, hasShares: true, hasBlocks: true }
}

async function bothProtocols(given: string | true): Promise<readonly Contender[]> {
  const url = given === true ? await v2UrlOf(flags.api) : given
  const [, host, port, key = null] = /^stratum2\+tcp:\/\/([\w.-]+):(\d+)(?:\/(\w+))?$/.exec(url ?? '') ?? []
  if (host === undefined || port === undefined)
    program.error('give --v2 stratum2+tcp://host:port/KEY: no node says at --api that it speaks Stratum V2')
  const v1 = ownServer('Stratum V1')
  const v2 = { authorityKey: key, channel: flags.v2Channel }
  return [v1, { ...v1, name: `Stratum V2, ${flags.v2Channel}`, host: String(host), port: Number(port), v2 }]
}

async function printTable(own: readonly Contender[]): Promise<void> {
  const { zmq = null } = flags
  const floors = [await startFloor({ owners: 1, zmq }), ...(zmq === null ? [] : [await startFloor({ owners: 2, zmq })])]
  try {
    const contenders: Contender[] = [
      ...own,
      ...floors.map(({ port, pid }, at) => ({
        name: at === 0 ? 'judges nothing' : 'judges nothing, two processes',
        host: '127.0.0.1',
        port,
        serverPid: pid,
        api: null,
        hasShares: at === 0,
        hasBlocks: zmq !== null
      })),
      ...flags.beside.map(other => ({
        ...other,
        serverPid: listenerOf(other.port),
        api: null,
        hasShares: true,
        hasBlocks: true
      }))
    ]
    const text = await sideBySide({
      contenders,
      connections: program.getOptionValueSource('connections') === 'default' ? TABLE_CONNECTIONS : [flags.connections],
      rounds: flags.rounds,
      hasShares: flags.rate !== 0,
      blockSeconds: flags.blockSeconds,
      run: (contender, connections, watch) =>
        runLoad({
          ...common,
          ...contender,
          connections,
          // A worker whose name was there before has its counts from before.
          workerPrefix: `load${randomBytes(3).toString('hex')}`,
          ...(watch === 'blocks' ? { sharesPerSec: 0, seconds: flags.blockSeconds } : {})
        }),
      onProgress: common.onProgress
    })
    process.stdout.write(text)
  } finally {
    for (const floor of floors) floor.end()
  }
}

/** Every miner had work, every submit an answer, and the server counted as we did. */
function isSound({ connections, tally, ownAccount }: LoadReport): boolean {
  const rejected = Object.values(tally.rejected).reduce((sum, count) => sum + count, 0)
  const agrees = ownAccount === null || (ownAccount.accepted === tally.accepted && ownAccount.rejected === rejected)
  return connections.working === connections.asked && tally.unanswered === 0 && tally.unmatched === 0 && agrees
}
