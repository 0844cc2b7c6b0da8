import { Command, InvalidArgumentError } from 'commander'
import { CpuMiner } from './cpu-miner.ts'

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

function hostAndPort(url: string): { host: string; port: number } {
  const match = /^(?:stratum\+tcp:\/\/)?(\[[0-9a-fA-F:]+\]|[^:/]+):(\d{1,5})$/.exec(url)
  const [, host, port] = match ?? []
  if (host === undefined || port === undefined) {
    throw new InvalidArgumentError(`"${url}" is not of the form stratum+tcp://host:port`)
  }
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}

const program = new Command('p2poolv2-miner')
  .description('A small CPU miner that speaks Stratum V1. Good for trying a node, not for earning.')
  .requiredOption('--url <url>', 'the node, as stratum+tcp://host:port')
  .requiredOption('--user <address[.worker]>', 'payout address, and a name for this worker if you like')
  .option('--password <text>', 'Stratum password', 'x')
  .option('--threads <n>', 'grinding threads', wholeNumber, 1)
  .option('--max-hashrate <hashes/s>', 'speed limit of all threads together, 0 for none', wholeNumber, 0)
  .parse()

const flags = program.opts<Flags>()
const say = (text: string): boolean => process.stdout.write(`${new Date().toISOString()} ${text}\n`)
const miner = new CpuMiner({
  ...hostAndPort(flags.url),
  user: flags.user,
  password: flags.password,
  threads: Math.max(1, flags.threads),
  maxHashrateHps: flags.maxHashrate,
  onMessage: say
})
miner.start()
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
