import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type MinerFind, type MinerJob, ScriptedMiner } from '@p2poolv2/node/testing'

/** Only a machine that stands still takes so long. */
const PATIENCE_MS = 60_000

/** A Stratum client that hashes only when it is told to and for as long as it takes, so that nothing it finds is a matter of luck. */
export class LineMiner {
  readonly scripted: ScriptedMiner
  readonly #socket: Socket
  readonly #waiting = new Set<() => void>()
  #text = ''
  #isClosed = false

  private constructor(socket: Socket, user: string) {
    this.scripted = new ScriptedMiner(user)
    this.#socket = socket
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      this.#text += text
      const end = this.#text.lastIndexOf('\n') + 1
      this.scripted.read(this.#text.slice(0, end))
      this.#text = this.#text.slice(end)
      this.#tell()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#isClosed = true
      this.#tell()
    })
  }

  /** Logged in, with a job. */
  static async start(port: number, user: string): Promise<LineMiner> {
    const socket = connect({ host: '127.0.0.1', port })
    await once(socket, 'connect')
    const miner = new LineMiner(socket, user)
    miner.#write(miner.scripted.hello())
    await miner.job(() => true)
    return miner
  }

  /** The newest job, as soon as it is such a one. */
  job(is: (job: MinerJob) => boolean): Promise<MinerJob> {
    return this.#when('a job', () => {
      const job = this.scripted.jobs.at(-1)
      return job !== undefined && is(job) ? job : null
    })
  }

  /** Finds a hash in the range for the newest job and hands it in. @throws if it is refused */
  async mine(range: { readonly atMost: bigint; readonly above?: bigint }): Promise<MinerFind> {
    const { scripted } = this
    const find = scripted.grind(range)
    this.#write([scripted.submit(find)])
    const reply = await this.#when('the answer to a submit', () => scripted.lastReply ?? null)
    if (reply.result !== true) throw new Error(`a submit was refused: ${JSON.stringify(reply.error)}`)
    return find
  }

  close(): void {
    this.#socket.destroy()
  }

  #write(lines: readonly Uint8Array[]): void {
    for (const line of lines) this.#socket.write(Buffer.concat([line, Buffer.from('\n')]))
  }

  #tell(): void {
    for (const look of [...this.#waiting]) look()
  }

  #when<T>(what: string, look: () => T | null): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(check)
      }
      const fail = (why: string): void => {
        end()
        reject(new Error(`${why} before ${what}`))
      }
      const check = (): void => {
        const seen = look()
        if (seen !== null) {
          end()
          resolve(seen)
        } else if (this.#isClosed) fail('the node closed the connection')
      }
      const timer = setTimeout(() => fail(`${PATIENCE_MS / 1000} s have passed`), PATIENCE_MS)
      this.#waiting.add(check)
      check()
    })
  }
}
