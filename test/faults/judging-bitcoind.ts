import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { type BlockHash, blockHash, bytesToHexReversed, hexToBytes, sha256d } from '@p2poolv2/primitives'

/** A block that was handed over, until it has its answer. */
interface Handed {
  readonly id: number
  readonly blockHash: BlockHash
  /** The parent's hash in hex, wire order. */
  readonly parent: string
  readonly response: ServerResponse
  /** What the node makes of it; undefined until it has looked. */
  word: string | null | undefined
}

/**
 * A bitcoin node that looks at a block, and answers, when it is told to. Of blocks on one parent the first it looks at is in its chain, as
 * bitcoind has it: a second is `inconclusive`.
 */
export class JudgingBitcoind {
  readonly url: string
  /** The block of its chain on each parent. */
  readonly chain = new Map<string, BlockHash>()
  /** Those it has beside its chain. */
  readonly beside = new Set<BlockHash>()
  readonly refused = new Set<BlockHash>()
  /** Without an answer, the oldest first. */
  #handed: Handed[] = []
  /** Looks at and answers what comes, at once. */
  isWell = false
  readonly #server: Server

  private constructor(server: Server, port: number) {
    this.#server = server
    this.url = `http://127.0.0.1:${port}`
    server.on('request', (request, response) => {
      let text = ''
      request.on('data', chunk => {
        text += String(chunk)
      })
      request.on('end', () => {
        const { id, params } = JSON.parse(text) as { readonly id: number; readonly params: readonly [string] }
        const header = hexToBytes(params[0].slice(0, 160))
        const hash = blockHash(bytesToHexReversed(sha256d(header)))
        const handed = { id, blockHash: hash, parent: params[0].slice(8, 72), response, word: undefined }
        this.#handed.push(handed)
        // A call whose caller has died is answered by nobody; the node may have looked at it.
        response.on('close', () => {
          this.#handed = this.#handed.filter(one => one !== handed)
        })
        if (this.isWell) this.recover()
      })
    })
  }

  static async start(): Promise<JudgingBitcoind> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    return new JudgingBitcoind(server, typeof address === 'object' && address !== null ? address.port : 0)
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  hasBeenHanded(hash: BlockHash): boolean {
    return this.#handed.some(one => one.blockHash === hash)
  }

  has(hash: BlockHash, parent: string): boolean {
    return this.chain.get(parent) === hash || this.beside.has(hash)
  }

  /** Looks at the oldest block it has not looked at. */
  look(): void {
    const handed = this.#handed.find(({ word }) => word === undefined)
    if (handed !== undefined) handed.word = this.#judge(handed)
  }

  /** Looks at the oldest block it has not looked at, and finds a rule broken. */
  refuse(): void {
    const handed = this.#handed.find(({ word }) => word === undefined)
    if (handed === undefined || this.has(handed.blockHash, handed.parent)) return
    this.refused.add(handed.blockHash)
    handed.word = this.#judge(handed)
  }

  /** Answers to the oldest block it has looked at. */
  answer(): void {
    const handed = this.#handed.find(({ word }) => word !== undefined)
    if (handed === undefined) return
    this.#handed = this.#handed.filter(one => one !== handed)
    handed.response.end(JSON.stringify({ id: handed.id, result: handed.word, error: null }))
  }

  /** From now on nothing waits. */
  recover(): void {
    this.isWell = true
    while (this.#handed.length > 0) {
      this.look()
      this.answer()
    }
  }

  #judge({ blockHash: hash, parent }: Handed): string | null {
    if (this.refused.has(hash)) return 'bad-txns-inputs-missingorspent'
    if (this.chain.get(parent) === hash) return 'duplicate'
    if (this.beside.has(hash)) return 'duplicate-inconclusive'
    if (this.chain.has(parent)) {
      this.beside.add(hash)
      return 'inconclusive'
    }
    this.chain.set(parent, hash)
    return null
  }
}
