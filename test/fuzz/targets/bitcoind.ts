import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { parseTemplate } from '@p2poolv2/bitcoin'
import { RpcClient, RpcError } from '@p2poolv2/bitcoind'
import { blockHash, concatBytes } from '@p2poolv2/primitives'
import { meaningOf } from '../../../packages/bitcoind/src/blocks/submit-words.ts'
import { getBestBlockHash, getChainInfo, getTip } from '../../../packages/bitcoind/src/rpc/node-answers.ts'
import { readNotice } from '../../../packages/bitcoind/src/templates/zmq-hashblock.ts'
import { asBytes } from '../engine/change.ts'
import { hold, type Target } from '../engine/target.ts'
import { jsonIn } from './same.ts'

const ANSWERS = JSON.parse(
  readFileSync(new URL('../../../packages/bitcoin/src/vectors/templates.json', import.meta.url), 'utf8')
) as Readonly<Record<string, unknown>>
const TEMPLATES = Object.values(ANSWERS)
  .filter(value => typeof value === 'object' && value !== null)
  .map(value => asBytes(JSON.stringify(value)))
const isRpcError = (error: unknown): boolean => error instanceof RpcError

const template: Target<ReturnType<typeof parseTemplate>> = {
  name: 'block-template',
  door: 'bitcoind',
  maxBytes: 8_192,
  seeds: () => TEMPLATES,
  decode: bytes => parseTemplate(jsonIn(bytes)),
  laws(read) {
    if (!read.ok) {
      hold(read.reason.length < 500, 'is refused with a long text')
      return
    }
    const { transactions, merkleBranch, coinbaseValueSats, curTimeSec, minTimeSec } = read.template
    hold(merkleBranch.length === 32 * Math.ceil(Math.log2(transactions.length + 1)), 'has a branch of another length')
    hold(coinbaseValueSats >= 0n && coinbaseValueSats <= 2_100_000_000_000_000n, 'pays more than there is')
    hold(curTimeSec >= minTimeSec && curTimeSec <= 0xffff_ffff, 'has a time that no header has')
    for (const [i, { parents = [] }] of transactions.entries())
      for (const parent of parents) hold(transactions.indexOf(parent) < i, 'has a child before its parent')
  }
}

const TIP = blockHash('00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6')
/** Signet's first header, which has the work it claims. */
const HEADER = {
  confirmations: 1,
  height: 0,
  version: 1,
  previousblockhash: '00'.repeat(32),
  merkleroot: '4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b',
  time: 1598918400,
  mediantime: 1598918400,
  bits: '1e0377ae',
  nonce: 52613770
}

/** One answer, given to each question that bitcoind is asked. */
const answers: Target<readonly unknown[]> = {
  name: 'bitcoind-answers',
  door: 'bitcoind',
  maxBytes: 2_048,
  seeds: () =>
    [
      HEADER,
      { chain: 'main', blocks: 900_000, headers: 900_001, initialblockdownload: false },
      'ab'.repeat(32),
      null,
      'duplicate-inconclusive',
      'prev-blk-not-found',
      { feerate: 0.0001 }
    ].map(value => asBytes(JSON.stringify(value))),
  isRefusal: isRpcError,
  async decode(bytes) {
    const answer = jsonIn(bytes)
    const client = { url: 'http://node', call: async () => answer } as unknown as RpcClient
    const asked = [() => getTip(client, TIP), () => getChainInfo(client), () => getBestBlockHash(client)]
    const read: unknown[] = [meaningOf(answer)]
    for (const ask of asked) {
      try {
        read.push(await ask())
      } catch (error) {
        if (!isRpcError(error)) throw error
        read.push(null)
      }
    }
    return read
  },
  laws([meaning, tip]) {
    const { reason } = meaning as ReturnType<typeof meaningOf>
    hold(reason === null || reason.length <= 301, 'says more than is taken')
    hold(tip === null || (tip as { hash: string }).hash === TIP, 'has another tip')
  }
}

const BODY = '{"result":{"blocks":7},"error":null,"id":null}'
const response = (status: string, body: string, headers = ''): string =>
  `HTTP/1.1 ${status}\r\n${headers}content-length: ${body.length}\r\n\r\n${body}`

/** What stands at bitcoind's port says the input and hangs up. */
class Port {
  bytes: Uint8Array = new Uint8Array()
  #server: Server | null = null
  #client: RpcClient | null = null

  async client(): Promise<RpcClient> {
    if (this.#client !== null) return this.#client
    const server = createServer(socket => {
      socket.on('error', () => socket.destroy())
      socket.once('data', () => socket.end(this.bytes))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('a server has a port')
    this.#server = server
    this.#client = new RpcClient({ url: `http://127.0.0.1:${address.port}`, maxAnswerBytes: 4_096 })
    return this.#client
  }

  async end(): Promise<void> {
    this.#client?.close()
    await new Promise(resolve => (this.#server === null ? resolve(null) : this.#server.close(resolve)))
  }
}

const port = new Port()

const http: Target = {
  name: 'bitcoind-http',
  door: 'bitcoind',
  maxBytes: 8_192,
  // Sockets and their buffers.
  memoryBytes: 4 * 1024 * 1024,
  seeds: () =>
    [
      response('200 OK', BODY),
      response('200 OK', BODY, 'transfer-encoding: identity\r\n'),
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`,
      response('401 Unauthorized', ''),
      response('403 Forbidden', ''),
      response('503 Busy', 'Work queue depth exceeded'),
      response('500 Error', '{"result":null,"error":{"code":-28,"message":"Loading"},"id":null}'),
      response('500 Error', '{"result":null,"error":{"code":-8,"message":"no"},"id":null}'),
      response('200 OK', 'x'.repeat(5_000))
    ].map(asBytes),
  isRefusal: isRpcError,
  async decode(bytes) {
    port.bytes = bytes
    return (await port.client()).call('getblockchaininfo')
  },
  end: () => port.end()
}

/** Frames, each behind a byte with its length. */
function framesIn(bytes: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += 1 + (bytes[at] ?? 0)) {
    frames.push(bytes.slice(at + 1, at + 1 + (bytes[at] ?? 0)))
  }
  return frames
}

const notice: Target<ReturnType<typeof readNotice>> = {
  name: 'bitcoind-zmq',
  door: 'bitcoind',
  maxBytes: 512,
  seeds: () => [
    concatBytes(
      Uint8Array.of(9),
      asBytes('hashblock'),
      Uint8Array.of(32),
      new Uint8Array(32).fill(0xab),
      Uint8Array.of(4, 1, 0, 0, 0)
    )
  ],
  decode: bytes => readNotice(framesIn(bytes)),
  laws(read) {
    if (read !== null)
      hold(read.number === null || (read.number >= 0 && read.number <= 0xffff_ffff), 'counts otherwise')
  }
}

export const TARGETS: readonly Target[] = [template, answers, http, notice] as Target[]
