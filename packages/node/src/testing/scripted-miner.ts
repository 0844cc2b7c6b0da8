import { asciiToBytes, bytesToHex, hexToBytes, sha256d } from '@p2poolv2/primitives'

/** A job as the miner read it off the wire: hex as sent, `prevHash` with the stratum word order undone. */
export interface MinerJob {
  readonly id: string
  readonly prevHashWire: Uint8Array
  readonly coinbase1: string
  readonly coinbase2: string
  readonly branch: readonly string[]
  readonly version: string
  readonly bits: string
  readonly time: string
  readonly clean: boolean
}

/** What a miner found: the fields of its submit, and the header they stand for. */
export interface MinerFind {
  readonly job: MinerJob
  readonly extranonce2: string
  readonly nonce: number
  readonly header: Uint8Array
  /** As a number: a little-endian reading of the double hash. */
  readonly hash: bigint
  readonly coinbase: Uint8Array
}

interface Reply {
  readonly id: unknown
  readonly result: unknown
  readonly error: unknown
}

/**
 * A miner that knows stratum and nothing of the node: it speaks lines, reads lines, and hashes what the lines say.
 * For tests.
 */
export class ScriptedMiner {
  readonly user: string
  readonly password: string
  readonly userAgent: string
  /** Newest last. */
  readonly jobs: MinerJob[] = []
  /** By request id. */
  readonly replies = new Map<number, Reply>()
  difficulty: number | null = null
  extranonce1 = ''
  #nextId = 1
  #nextExtranonce2 = 0

  constructor(user: string, password = 'x', userAgent = 'scripted/1.0') {
    this.user = user
    this.password = password
    this.userAgent = userAgent
  }

  get job(): MinerJob {
    const job = this.jobs.at(-1)
    if (job === undefined) throw new Error('the miner has no job')
    return job
  }

  /** Subscribe and authorise, as one write. */
  hello(): Uint8Array[] {
    return [
      this.#request('mining.subscribe', [this.userAgent]),
      this.#request('mining.authorize', [this.user, this.password])
    ]
  }

  submit(find: MinerFind): Uint8Array {
    const nonce = find.nonce.toString(16).padStart(8, '0')
    return this.#request('mining.submit', [this.user, find.job.id, find.extranonce2, find.job.time, nonce])
  }

  /** The reply to the newest request. */
  get lastReply(): Reply | undefined {
    return this.replies.get(this.#nextId - 1)
  }

  read(text: string): void {
    for (const line of text.split('\n')) {
      if (line === '') continue
      const message = JSON.parse(line) as { id: number | null; method?: string; params?: unknown[] } & Reply
      if (message.method === 'mining.set_difficulty') this.difficulty = Number(message.params?.[0])
      else if (message.method === 'mining.notify') this.jobs.push(jobOf(message.params ?? []))
      else if (message.id !== null) {
        this.replies.set(message.id, message)
        if (message.id === 1) this.extranonce1 = (message.result as string[])[1] ?? ''
      }
    }
  }

  /** Hashes nonces until the hash is at most `atMost` and above `above`. */
  grind(range: { readonly atMost: bigint; readonly above?: bigint; readonly job?: MinerJob }): MinerFind {
    const job = range.job ?? this.job
    this.#nextExtranonce2 += 1
    const extranonce2 = this.#nextExtranonce2.toString(16).padStart(16, '0')
    const coinbase = hexToBytes(job.coinbase1 + this.extranonce1 + extranonce2 + job.coinbase2)
    let root = sha256d(coinbase)
    for (const node of job.branch) {
      const pair = new Uint8Array(64)
      pair.set(root)
      pair.set(hexToBytes(node), 32)
      root = sha256d(pair)
    }
    const header = new Uint8Array(80)
    const view = new DataView(header.buffer)
    view.setUint32(0, Number.parseInt(job.version, 16), true)
    header.set(job.prevHashWire, 4)
    header.set(root, 36)
    view.setUint32(68, Number.parseInt(job.time, 16), true)
    view.setUint32(72, Number.parseInt(job.bits, 16), true)
    for (let nonce = 0; ; nonce++) {
      view.setUint32(76, nonce, true)
      const hash = BigInt(`0x${bytesToHex(sha256d(header).reverse())}`)
      if (hash <= range.atMost && hash > (range.above ?? -1n)) {
        return { job, extranonce2, nonce, header: header.slice(), hash, coinbase }
      }
    }
  }

  #request(method: string, params: readonly string[]): Uint8Array {
    const id = this.#nextId++
    return asciiToBytes(JSON.stringify({ id, method, params }))
  }
}

function jobOf(params: readonly unknown[]): MinerJob {
  const [id, prevHash, coinbase1, coinbase2, branch, version, bits, time, clean] = params
  const words = hexToBytes(String(prevHash))
  const prevHashWire = new Uint8Array(32)
  for (let at = 0; at < 32; at += 4) prevHashWire.set(words.slice(at, at + 4).reverse(), at)
  return {
    id: String(id),
    prevHashWire,
    coinbase1: String(coinbase1),
    coinbase2: String(coinbase2),
    branch: branch as string[],
    version: String(version),
    bits: String(bits),
    time: String(time),
    clean: clean === true
  }
}
