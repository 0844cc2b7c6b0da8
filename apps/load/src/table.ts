import type { V2Settings } from './crowd-contract.ts'
import type { BlockReport, LoadReport } from './load-run.ts'

/** A server of the table. */
export interface Contender {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly serverPid: number | null
  /** Where it can be asked for its own counts, or null. */
  readonly api: string | null
  /** Absent: it is spoken to in Stratum V1. */
  readonly v2?: V2Settings
  /** It is in the table of shares. */
  readonly hasShares: boolean
  /** It has jobs on new blocks. */
  readonly hasBlocks: boolean
}

export interface TableOptions {
  readonly contenders: readonly Contender[]
  readonly connections: readonly number[]
  /** Each row is run so often, the contenders one after the other each time. */
  readonly rounds: number
  /** False: nobody works, only new blocks are watched. */
  readonly hasShares: boolean
  /** How long new blocks are watched beside the shares; 0 for not at all. */
  readonly blockSeconds: number
  readonly run: (contender: Contender, connections: number, watch: 'shares' | 'blocks') => Promise<LoadReport>
  readonly onProgress: (text: string) => void
}

/**
 * Several servers side by side, as Markdown. They take turns within minutes, since what a share costs depends on what else the computer
 * does: only numbers of one row are to be compared.
 */
export async function sideBySide(options: TableOptions): Promise<string> {
  const { contenders, connections, rounds, hasShares, blockSeconds } = options
  const isOfProtocols = contenders.some(({ v2 }) => v2 !== undefined)
  const tables: string[] = []
  const ofShares = isOfProtocols ? [...SHARE_COLUMNS, ...PROTOCOL_COLUMNS] : SHARE_COLUMNS
  if (hasShares) tables.push(await table(options, 'shares', ofShares))
  if (blockSeconds > 0) tables.push(await table(options, 'blocks', BLOCK_COLUMNS))
  const names = contenders.map(({ name }) => name).join(', ')
  return `${tables.join('\n')}\n${rounds} rounds of ${connections.join(', ')} connections; in turn: ${names}.\n`
}

type Column = readonly [name: string, of: (report: LoadReport) => string]

const SHARE_COLUMNS: readonly Column[] = [
  ['µs CPU an accepted share', ({ server }) => server?.cpuUsPerAccepted?.toFixed(1) ?? '–'],
  ['accepted a second', ({ acceptedPerSec }) => String(Math.round(acceptedPerSec))],
  ['p99 ms', ({ latencyMs }) => latencyMs.p99.toFixed(1)],
  ['generator busy %', ({ generatorBusy }) => (100 * generatorBusy).toFixed(0)],
  ['lost or refused', ({ connections, tally }) => String(connections.asked - connections.working + refusedOf(tally))]
]

/** Beside them, where it is protocols that are compared. */
const PROTOCOL_COLUMNS: readonly Column[] = [
  ['p50 ms', ({ latencyMs }) => latencyMs.p50.toFixed(2)],
  ['bytes a share, from and to the miner, jobs included', bytesAShare],
  [
    'KiB resident a connection',
    ({ server }) => (server === null ? '–' : (server.bytesPerConnection / 1024).toFixed(1))
  ],
  ['connects a second', ({ connections }) => connections.perSec.toFixed(0)]
]

const BLOCK_COLUMNS: readonly Column[] = [
  ['blocks', ({ blocks }) => String(blocks.length)],
  ['any job: first / half / last ms', report => spreads(report, ({ anyJob }) => anyJob)],
  ['with transactions', report => spreads(report, ({ fullJob }) => fullJob)],
  ['ms CPU a block', ({ server, blocks, seconds }) => cpuPerBlock(server?.cpuPart, { blocks: blocks.length, seconds })]
]

async function table(
  { contenders, connections, rounds, run, onProgress }: TableOptions,
  watch: 'shares' | 'blocks',
  columns: readonly Column[]
): Promise<string> {
  const lines = [
    `| connections | server | ${columns.map(([name]) => name).join(' | ')} |`,
    `| --- | --- | ${columns.map(() => '---').join(' | ')} |`
  ]
  const competing = contenders.filter(({ hasShares, hasBlocks }) => (watch === 'shares' ? hasShares : hasBlocks))
  for (const count of connections) {
    const reports = new Map<Contender, LoadReport[]>(competing.map(contender => [contender, []]))
    for (let round = 1; round <= rounds; round++) {
      for (const contender of competing) {
        onProgress(`${contender.name}, ${count} connections, ${watch}, round ${round} of ${rounds}`)
        const others = contenders.filter(({ serverPid }) => serverPid !== contender.serverPid)
        reports.get(contender)?.push(await whileStopped(others, () => run(contender, count, watch)))
      }
    }
    for (const [{ name }, runs] of reports) {
      const cells = columns.map(([, of]) => runs.map(of).join(', '))
      lines.push(`| ${count} | ${name} | ${cells.join(' | ')} |`)
    }
  }
  return `${lines.join('\n')}\n`
}

/**
 * The others stand still meanwhile. On a new block they would ask the same bitcoin node for a template in the same moment, and it answers
 * one after the other: whoever is measured would wait for them.
 */
async function whileStopped<T>(others: readonly Contender[], work: () => Promise<T>): Promise<T> {
  const pids = others.flatMap(({ serverPid }) => serverPid ?? [])
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  try {
    return await work()
  } finally {
    for (const pid of pids) process.kill(pid, 'SIGCONT')
  }
}

function refusedOf({ rejected, unanswered }: LoadReport['tally']): number {
  return Object.values(rejected).reduce((sum, count) => sum + count, unanswered)
}

function bytesAShare({ tally }: LoadReport): string {
  const { sent, writtenBytes, readBytes } = tally
  return sent === 0 ? '–' : `${(writtenBytes / sent).toFixed(0)} and ${(readBytes / sent).toFixed(0)}`
}

/** Medians over the blocks of a run. */
function spreads({ blocks }: LoadReport, of: (block: BlockReport) => BlockReport['fullJob']): string {
  const seen = blocks.map(of).filter(spread => spread !== null)
  if (seen.length === 0) return '–'
  return [seen.map(({ first }) => first), seen.map(({ median }) => median), seen.map(({ last }) => last)]
    .map(values => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]?.toFixed(0))
    .join(' / ')
}

/** All that the server did meanwhile counts for the blocks. */
function cpuPerBlock(cpuPart: number | undefined, run: { readonly blocks: number; readonly seconds: number }): string {
  if (cpuPart === undefined || run.blocks === 0) return '–'
  return ((cpuPart * run.seconds * 1000) / run.blocks).toFixed(0)
}
