import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'

/** What the command line asks for; what it leaves open is the scenario's own. */
export interface SimOptions {
  /** Null: list the scenarios. */
  readonly scenario: string | null
  readonly nodes: number | null
  readonly hours: number | null
  readonly seed: number
  readonly output: 'text' | 'json'
  /** Where to write the plot; null for none. */
  readonly plotFile: string | null
  /** `watched`: it is told what the process holds, and its growth is judged. */
  readonly memory: 'watched' | 'unwatched'
}

/** What `sim seeds` asks for. */
export interface SeedOptions {
  readonly count: number
  readonly from: number
  /** Processes at a time. */
  readonly workers: number
  /** Where it is kept which seeds are done. */
  readonly stateFile: string
}

interface Flags {
  readonly nodes?: number
  readonly hours?: number
  readonly seed: number
  readonly json?: true
  readonly plot?: string
  readonly memory?: true
}

function wholeNumber(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('give a whole number, 0 or more.')
  return value
}

function nodeCount(text: string): number {
  const value = wholeNumber(text)
  if (value < 2 || value > 2_000) throw new InvalidArgumentError('give a whole number from 2 to 2000.')
  return value
}

function hoursOf(text: string): number {
  const value = Number(text)
  if (!(value > 0 && value <= 10_000)) throw new InvalidArgumentError('give a number of hours above 0.')
  return value
}

/** Reads the arguments; ends the process itself for --help and for what it cannot read. */
export function parseOptions(argv: readonly string[]): SimOptions {
  const program = new Command('sim')
    .description('A whole network in one process under virtual time. Without a scenario: the list of them.')
    .argument('[scenario]', 'what is played')
    .option('--nodes <n>', 'how many nodes', nodeCount)
    .option('--hours <h>', 'virtual hours', hoursOf)
    .option('--seed <n>', 'everything random follows from it', wholeNumber, 1)
    .option('--json', 'the report for machines')
    .option('--plot <file.svg>', 'write a plot (uncle-rates: the rates against latency; others: arrival of shares)')
    .option('--memory', 'tell what is held each virtual hour, and fail if it grows; for runs of many hours')
    .parse([...argv], { from: 'user' })
  const { nodes, hours, seed, json, plot, memory } = program.opts<Flags>()
  return {
    scenario: program.args[0] ?? null,
    nodes: nodes ?? null,
    hours: hours ?? null,
    seed,
    output: json === true ? 'json' : 'text',
    plotFile: plot ?? null,
    memory: memory === true ? 'watched' : 'unwatched'
  }
}

function positive(text: string): number {
  const value = wholeNumber(text)
  if (value === 0) throw new InvalidArgumentError('give a whole number, 1 or more.')
  return value
}

/** As `parseOptions`, of what follows `seeds`. */
export function parseSeedOptions(argv: readonly string[]): SeedOptions {
  const program = new Command('sim seeds')
    .description('The scenario "trouble" in small networks with many seeds; goes on where it was stopped.')
    .option('--count <n>', 'how many seeds', positive, 1_000)
    .option('--from <n>', 'the first of them', wholeNumber, 1)
    .option('--workers <n>', 'processes at a time', positive, availableParallelism())
    .option('--state <file>', 'which seeds are done', join(tmpdir(), 'p2poolv2-seeds.jsonl'))
    .parse([...argv], { from: 'user' })
  const { count, from, workers, state } = program.opts<Omit<SeedOptions, 'stateFile'> & { readonly state: string }>()
  return { count, from, workers, stateFile: state }
}
