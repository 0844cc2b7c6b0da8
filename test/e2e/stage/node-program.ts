import { fileURLToPath } from 'node:url'
import type { PeersJson, StatusJson } from '@p2poolv2/api/schema'
import { type Ending, Program } from './program.ts'
import { until } from './until.ts'

const MAIN = fileURLToPath(new URL('../../../apps/node/dist/main.js', import.meta.url))
/** Two seconds on a free machine; loading the program on one that is busy with other tests takes many times as long. */
const START_MS = 180_000

export interface NodeOptions {
  readonly dataDir: string
  /** Further flags of `p2poolv2 start`; ports are free ones unless these name them. */
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Where its page is; default 127.0.0.1. */
  readonly apiHost?: string
  /** Words before its command that have it run elsewhere, such as in a network namespace. */
  readonly within?: readonly string[]
  /** The program's main file; default the built one. */
  readonly main?: string
}

/** One line of the log. */
export interface LogLine {
  readonly level: string
  readonly msg: string
  readonly [field: string]: unknown
}

/** The built node as a process of its own, on loopback. */
export class NodeProgram {
  readonly program: Program
  readonly dataDir: string
  readonly #apiHost: string
  readonly #log: LogLine[] = []
  #linesParsed = 0
  #apiPort = 0
  #stratumPort = 0

  constructor(options: NodeOptions) {
    this.dataDir = options.dataDir
    const { args = [], env, apiHost = '127.0.0.1', within = [], main = MAIN } = options
    this.#apiHost = apiHost
    const [command = process.execPath, ...words] = [...within, process.execPath]
    this.program = new Program({
      name: 'node',
      command,
      args: [...words, main, 'start', '--data-dir', options.dataDir, ...LOOPBACK, '--api-host', apiHost, ...args],
      ...(env === undefined ? {} : { env })
    })
  }

  /** Waits until it has said where it listens. */
  async ready(): Promise<this> {
    const { program } = this
    this.#apiPort = await program.line('the address of the page', START_MS, line =>
      portIn(line, /page: http:\/\/[\d.]+:(\d+)/)
    )
    this.#stratumPort = await program.line('the address for miners', START_MS, line =>
      portIn(line, /miners: stratum\+tcp:\/\/127\.0\.0\.1:(\d+)/)
    )
    return this
  }

  get apiUrl(): string {
    return `http://${this.#apiHost}:${this.#apiPort}`
  }

  get stratumPort(): number {
    return this.#stratumPort
  }

  get stratumUrl(): string {
    return `stratum+tcp://127.0.0.1:${this.#stratumPort}`
  }

  /** All lines of the log so far; what is no log line is left out. */
  get log(): readonly LogLine[] {
    for (; this.#linesParsed < this.program.lines.length; this.#linesParsed++) {
      const line = logLine(this.program.lines[this.#linesParsed] ?? '')
      if (line !== null) this.#log.push(line)
    }
    return this.#log
  }

  /** Log lines at `warn` and above. */
  get complaints(): readonly LogLine[] {
    return this.log.filter(({ level }) => level !== 'info' && level !== 'debug')
  }

  async text(path: string): Promise<string> {
    const response = await fetch(`${this.apiUrl}${path}`, { signal: AbortSignal.timeout(30_000) })
    if (!response.ok) throw new Error(`${path} answered ${response.status}`)
    return response.text()
  }

  async status(): Promise<StatusJson> {
    return JSON.parse(await this.text('/v1/status')) as StatusJson
  }

  /** The port for other nodes, so that it can be found there again when it starts once more. */
  async p2pPort(): Promise<string> {
    const { listening } = JSON.parse(await this.text('/v1/peers')) as PeersJson
    const port = listening[0]?.split('/').at(-1)
    if (port === undefined) throw new Error('the node listens for others')
    return port
  }

  async invite(): Promise<string> {
    return (JSON.parse(await this.text('/v1/invite')) as { readonly invite: string }).invite
  }

  /** Deltas on their way to disk at this moment. */
  async commitQueueLength(): Promise<number> {
    const found = /^p2pool_commit_queue_length (\d+)$/m.exec(await this.text('/metrics'))
    if (found === null) throw new Error('/metrics has no commit queue')
    return Number(found[1])
  }

  /** The first status of which `is` holds. */
  async statusWhen(what: string, withinMs: number, is: (status: StatusJson) => boolean): Promise<StatusJson> {
    let last: StatusJson | null = null
    try {
      return await until(what, withinMs, async () => {
        last = await this.status()
        return is(last) ? last : null
      })
    } catch (error) {
      const seen = `last status ${JSON.stringify(last)}\nlast lines\n${this.program.tail}`
      throw new Error(`${(error as Error).message}\n${seen}`, { cause: error })
    }
  }

  stop(signal?: NodeJS.Signals): Promise<Ending> {
    return this.program.stop(signal)
  }
}

const LOOPBACK = [
  ...['--stratum-host', '127.0.0.1', '--stratum-port', '0'],
  ...['--api-port', '0'],
  ...['--p2p-host', '127.0.0.1', '--p2p-port', '0', '--set', 'p2p.mdns=false', '--set', 'p2p.map_port=false'],
  ...['--set', 'logging.format=json']
]

function portIn(line: string, pattern: RegExp): number | null {
  const port = pattern.exec(line)?.[1]
  return port === undefined ? null : Number(port)
}

export function logLine(line: string): LogLine | null {
  if (!line.startsWith('{')) return null
  try {
    return JSON.parse(line) as LogLine
  } catch {
    // The last line of a killed program may be cut.
    return null
  }
}
