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
}

interface Flags {
  readonly nodes?: number
  readonly hours?: number
  readonly seed: number
  readonly json?: true
  readonly plot?: string
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
    .parse([...argv], { from: 'user' })
  const { nodes, hours, seed, json, plot } = program.opts<Flags>()
  return {
    scenario: program.args[0] ?? null,
    nodes: nodes ?? null,
    hours: hours ?? null,
    seed,
    output: json === true ? 'json' : 'text',
    plotFile: plot ?? null
  }
}
