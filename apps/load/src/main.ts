import { randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { Command, InvalidArgumentError, Option } from 'commander'
import { type LoadReport, runLoad } from './load-run.ts'
import { reportText } from './report.ts'
import { exampleAddress, nodeView } from './server-ledger.ts'
import { listenerOf } from './server-process.ts'

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
  .description('Loads a Stratum V1 server with miners that do real work of low difficulty, and says how it bears it.')
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
  .addOption(new Option('--json', 'the report for machines').default(false))
  .parse()

const flags = program.opts<Flags>()
const workerPrefix = `load${randomBytes(3).toString('hex')}`
const view = await nodeView(flags.api, workerPrefix)
const user = flags.user ?? (view === null ? null : exampleAddress(view.chain))
if (user === null) program.error('give --user: an address that the server knows how to pay')
const report = await runLoad({
  ...flags,
  user: String(user),
  workerPrefix,
  sharesPerSec: flags.rate ?? null,
  serverPid: flags.serverPid ?? listenerOf(flags.port),
  api: view === null ? null : flags.api,
  zmq: flags.zmq ?? null,
  onProgress: text => void process.stderr.write(`${text}\n`)
})
process.stdout.write(flags.json ? `${JSON.stringify(report, null, 2)}\n` : reportText(report))
process.exitCode = isSound(report) ? 0 : 1

/** Every miner had work, every submit an answer, and the server counted as we did. */
function isSound({ connections, tally, ownAccount }: LoadReport): boolean {
  const rejected = Object.values(tally.rejected).reduce((sum, count) => sum + count, 0)
  const agrees = ownAccount === null || (ownAccount.accepted === tally.accepted && ownAccount.rejected === rejected)
  return connections.working === connections.asked && tally.unanswered === 0 && tally.unmatched === 0 && agrees
}
