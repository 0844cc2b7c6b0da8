import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { addressFromScript, witnessProgramScript } from '@p2poolv2/bitcoin'
import { RpcClient } from '../rpc/rpc-client.ts'
import { RpcError } from '../rpc/rpc-error.ts'
import { pause } from '../waiting.ts'

export interface RealBitcoindOptions {
  /** The program, as `findBitcoind` gives it. */
  readonly path: string
  /** By default regtest; `signet` is one of our own whose blocks need no signature. */
  readonly chain?: 'regtest' | 'signet'
  /** `cookie` leaves the user and password out. */
  readonly auth?: 'password' | 'cookie'
  readonly zmq?: 'on' | 'off'
  /** By default its tip may be of any age: a chain that begins at the genesis of years ago counts as caught up. */
  readonly tip?: 'any age' | 'recent'
  readonly extraArgs?: readonly string[]
}

/** Signet's blocks take some five million. */
const MAX_TRIES = 2_000_000_000
const ANSWERS_WITHIN_MS = 60_000

/** A bitcoind of our own in a folder of its own, without peers. */
export class RealBitcoind {
  readonly url: string
  readonly user = 'test-user'
  readonly password = 'test-password'
  readonly cookieFile: string
  readonly zmqAddress: string
  readonly rpc: RpcClient
  readonly #options: RealBitcoindOptions
  readonly #folder: string
  #process: ChildProcess | null = null

  private constructor(options: RealBitcoindOptions, place: { folder: string; rpcPort: number; zmqPort: number }) {
    this.#options = options
    this.#folder = place.folder
    this.url = `http://127.0.0.1:${place.rpcPort}`
    this.zmqAddress = `tcp://127.0.0.1:${place.zmqPort}`
    this.cookieFile = join(place.folder, options.chain ?? 'regtest', '.cookie')
    this.rpc = new RpcClient({ url: this.url, ...this.credentials })
  }

  /** For a client or a feed. */
  get credentials(): { user: string; password: string } | { cookieFile: string } {
    if (this.#options.auth === 'cookie') return { cookieFile: this.cookieFile }
    return { user: this.user, password: this.password }
  }

  /** A folder and free ports; nothing runs yet. */
  static async prepare(options: RealBitcoindOptions): Promise<RealBitcoind> {
    const folder = await mkdtemp(join(tmpdir(), 'p2poolv2-bitcoind-'))
    const [rpcPort, zmqPort] = await freePorts()
    return new RealBitcoind(options, { folder, rpcPort, zmqPort })
  }

  /** Prepared and answering. */
  static async start(options: RealBitcoindOptions): Promise<RealBitcoind> {
    const node = await RealBitcoind.prepare(options)
    await node.launch()
    await node.answering()
    return node
  }

  /** Starts the process, the first time or again on the same chain; does not wait for it to answer. */
  async launch(): Promise<void> {
    this.#process = spawn(this.#options.path, this.#args(), { stdio: 'ignore' })
    await once(this.#process, 'spawn')
  }

  async answering(): Promise<void> {
    const signal = AbortSignal.timeout(ANSWERS_WITHIN_MS)
    for (;;) {
      try {
        await this.rpc.call('getblockchaininfo', [], { signal })
        return
      } catch (error) {
        const passing = ['unreachable', 'starting', 'cookie-missing', 'unauthorised']
        if (!(error instanceof RpcError) || !passing.includes(error.code)) throw error
        if (this.#process?.exitCode !== null) throw new Error('bitcoind ended instead of answering', { cause: error })
        await pause(20, signal)
      }
    }
  }

  /** Makes blocks; each is the tip when its notice goes out. */
  async generate(blocks: number): Promise<readonly string[]> {
    // Nobody's address: no wallet is needed.
    const script = witnessProgramScript(0, new Uint8Array(20))
    const address = addressFromScript(script, this.#options.chain === 'signet' ? 'test' : 'regtest')
    return (await this.rpc.call('generatetoaddress', [blocks, address, MAX_TRIES])) as string[]
  }

  /** Ends the process; the chain stays for another `launch`. */
  async halt(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const running = this.#process
    this.#process = null
    if (running === null || running.exitCode !== null || running.signalCode !== null) return
    const ended = once(running, 'exit')
    running.kill(signal)
    await ended
  }

  /** Ends the process and removes the folder. */
  async remove(): Promise<void> {
    await this.halt('SIGKILL')
    this.rpc.close()
    await rm(this.#folder, { recursive: true, force: true })
  }

  #args(): string[] {
    const { chain = 'regtest', auth = 'password', zmq = 'on', tip = 'any age', extraArgs = [] } = this.#options
    return [
      chain === 'regtest' ? '-regtest' : '-signet',
      ...(chain === 'signet' ? ['-signetchallenge=51', '-connect=0'] : []),
      `-datadir=${this.#folder}`,
      `-rpcport=${new URL(this.url).port}`,
      ...(auth === 'password' ? [`-rpcuser=${this.user}`, `-rpcpassword=${this.password}`] : []),
      ...(zmq === 'on' ? [`-zmqpubhashblock=${this.zmqAddress}`] : []),
      ...(tip === 'any age' ? ['-maxtipage=2000000000'] : []),
      '-listen=0',
      '-dnsseed=0',
      '-fixedseeds=0',
      '-disablewallet=1',
      '-dbcache=16',
      '-printtoconsole=0',
      ...extraArgs
    ]
  }
}

async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()] as const
  const ports = await Promise.all(
    servers.map(async server => {
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const address = server.address()
      return typeof address === 'object' && address !== null ? address.port : 0
    })
  )
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
  return [ports[0] ?? 0, ports[1] ?? 0]
}
