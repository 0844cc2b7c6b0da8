import { Command, InvalidArgumentError } from 'commander'
import { CpuMiner, type CpuMinerOptions } from './cpu-miner.ts'

interface Flags {
  readonly url: string
  readonly user: string
  readonly password: string
  readonly threads: number
  readonly maxHashrate: number
}

const STATUS_MS = 10_000

function wholeNumber(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('give a whole number, 0 or more.')
  return value
}

const URL_FORM = /^(?:stratum(2?)\+tcp:\/\/)?(\[[0-9a-fA-F:]+\]|[^:/]+):(\d{1,5})(?:\/(\w+))?\/?$/

function serverOf(url: string): Pick<CpuMinerOptions, 'host' | 'port' | 'v2'> {
  const [, two, bracketed, port, key = null] = URL_FORM.exec(url) ?? []
  if (bracketed === undefined || port === undefined || (two !== '2' && key !== null)) {
    program.error(`"${url}" is not of the form stratum+tcp://host:port or stratum2+tcp://host:port/KEY`)
  }
  const host = String(bracketed).replace(/^\[|\]$/g, '')
  return { host, port: Number(port), ...(two === '2' && { v2: { authorityKey: key } }) }
}

const program = new Command('p2poolv2-miner')
  .description('A small CPU miner that speaks Stratum V1 and V2. Good for trying a node, not for earning.')
  .requiredOption(
    '--url <url>',
    'the node, as stratum+tcp://host:port or, for Stratum V2, stratum2+tcp://host:port/KEY'
  )
  .requiredOption('--user <address[.worker]>', 'payout address, and a name for this worker if you like')
  .option('--password <text>', 'password, which Stratum V2 does not have', 'x')
  .option('--threads <n>', 'grinding threads', wholeNumber, 1)
  .option('--max-hashrate <hashes/s>', 'speed limit of all threads together, 0 for none', wholeNumber, 0)
  .parse()

const flags = program.opts<Flags>()
const say = (text: string): boolean => process.stdout.write(`${new Date().toISOString()} ${text}\n`)
const miner = new CpuMiner({
  ...serverOf(flags.url),
  user: flags.user,
  password: flags.password,
  threads: Math.max(1, flags.threads),
  maxHashrateHps: flags.maxHashrate,
  onMessage: say
})
try {
  miner.start()
} catch (error) {
  // The key in the URL is none.
  program.error((error as Error).message)
}
const status = setInterval(() => {
  const { hashrateHps, accepted, rejected } = miner.stats
  say(`${(hashrateHps / 1000).toFixed(1)} kH/s, ${accepted} accepted, ${rejected} rejected`)
}, STATUS_MS)
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    clearInterval(status)
    void miner.stop()
  })
}
