/**
 * Many miners in a process of their own, so that the bench's process has the server's CPU time alone. Told by messages: how many to
 * connect, to send so many submits each, to say when the last of them has a notify.
 */
import { connect, type Socket } from 'node:net'

export type ToCrowd =
  | { readonly type: 'connect'; readonly port: number; readonly miners: number }
  | { readonly type: 'submit'; readonly each: number }
  | { readonly type: 'await-notify' }

export type FromCrowd =
  | { readonly type: 'ready' }
  | { readonly type: 'listening' }
  | { readonly type: 'answered'; readonly accepted: number; readonly others: number }
  /** Milliseconds of the system's monotonic clock, which all processes share. */
  | { readonly type: 'notified'; readonly lastAtMs: number }

class BenchMiner {
  readonly #socket: Socket
  readonly #onLine: (line: string) => void
  #rest = ''
  #jobId = ''
  #nonce = 0

  constructor(socket: Socket, onLine: (line: string) => void) {
    this.#socket = socket
    this.#onLine = onLine
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n')
      this.#rest = lines.pop() ?? ''
      for (const line of lines) this.#hear(line)
    })
  }

  login(): void {
    this.#socket.write(
      '{"id":1,"method":"mining.subscribe","params":["bench/1"]}\n{"id":2,"method":"mining.authorize","params":["bench.w","x"]}\n'
    )
  }

  /** One line, as a miner sends what it has just found; every hash is a share here. */
  submit(): void {
    const nonce = (this.#nonce++).toString(16).padStart(8, '0')
    this.#socket.write(
      `{"id":4,"method":"mining.submit","params":["bench.w","${this.#jobId}","0000000000000001","6553f100","${nonce}"]}\n`
    )
  }

  #hear(line: string): void {
    if (line.includes('mining.notify"')) this.#jobId = /"params":\["([0-9a-f]+)"/.exec(line)?.[1] ?? this.#jobId
    this.#onLine(line)
  }
}

const miners: BenchMiner[] = []
let awaited = 0
let counted = 0
let accepted = 0
let phase: ToCrowd['type'] = 'connect'
let left = new Map<BenchMiner, number>()

function say(message: FromCrowd): void {
  process.send?.(message)
}

function isNotify(line: string): boolean {
  return line.startsWith('{"id":null,"method":"mining.notify"')
}

function hear(miner: BenchMiner, line: string): void {
  if (phase === 'submit') {
    if (!line.startsWith('{"id":4,')) return
    counted += 1
    if (line.includes('"result":true')) accepted += 1
    // The next share of this miner goes out when the last one is answered, so that a thousand are under way at a time.
    const todo = left.get(miner) ?? 0
    if (todo > 0) {
      left.set(miner, todo - 1)
      miner.submit()
    }
    if (counted === awaited) say({ type: 'answered', accepted, others: counted - accepted })
    return
  }
  if (!isNotify(line)) return
  counted += 1
  if (counted < awaited) return
  say(phase === 'connect' ? { type: 'ready' } : { type: 'notified', lastAtMs: Number(process.hrtime.bigint()) / 1e6 })
}

process.on('message', (message: ToCrowd) => {
  phase = message.type
  counted = 0
  accepted = 0
  if (message.type === 'connect') {
    awaited = message.miners
    for (let i = 0; i < message.miners; i++) {
      const socket = connect({ port: message.port, host: '127.0.0.1', noDelay: true })
      const miner: BenchMiner = new BenchMiner(socket, line => hear(miner, line))
      miners.push(miner)
      socket.once('connect', () => miner.login())
    }
  } else if (message.type === 'submit') {
    awaited = miners.length * message.each
    left = new Map(miners.map(miner => [miner, message.each - 1]))
    for (const miner of miners) miner.submit()
  } else {
    awaited = miners.length
    say({ type: 'listening' })
  }
})
