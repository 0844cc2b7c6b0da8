import { connect } from 'node:net'
import { LiveNode, TOKEN } from '../../../packages/api/src/testing/live-node.ts'
import { asBytes } from '../engine/change.ts'
import { hold, type Target } from '../engine/target.ts'
import { latin1 } from './same.ts'

/** An answer that is not there by then is none; long enough for a computer that does ten other things. */
const ANSWER_WITHIN_MS = 20_000
/** What is looked at of an answer. */
const MAX_ANSWER_BYTES = 65_536
const HASH = 'ab'.repeat(32)

/** A node that was mined on for a while, made when it is needed. */
let made: Promise<LiveNode> | null = null

async function liveNode(): Promise<LiveNode> {
  const node = new LiveNode()
  node.rig.template()
  await node.start()
  return node
}

/** `METHOD /path?query`, then a body from the next line on. @returns all that came back until the connection ended */
async function ask(bytes: Uint8Array): Promise<string> {
  made ??= liveNode()
  const node = await made
  // Nobody asks too much.
  node.rig.nowMs += 1_000
  const text = latin1(bytes)
  const at = text.indexOf('\n')
  const [line, body] = at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
  const head = [
    `${line} HTTP/1.1`,
    'host: localhost',
    'connection: close',
    `authorization: Bearer ${TOKEN}`,
    ...(body === '' ? [] : ['content-type: application/json', `content-length: ${body.length}`])
  ]
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(node.port, '127.0.0.1')
    socket.setEncoding('latin1').setTimeout(ANSWER_WITHIN_MS, () => {
      socket.destroy()
      reject(new Error('no answer'))
    })
    socket.on('data', (part: string) => {
      answer += part
      // A stream goes on for as long as somebody listens.
      if (answer.length > MAX_ANSWER_BYTES || answer.includes('text/event-stream')) socket.destroy()
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => resolve(answer))
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`, 'latin1')
  })
}

const api: Target<string> = {
  name: 'api-request',
  door: 'http',
  maxBytes: 1_024,
  // A server and its sockets.
  memoryBytes: 16 * 1024 * 1024,
  seeds: () =>
    [
      'GET /v1/status',
      'GET /v1/earnings?hashrate=1e12&address=bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080&difficulty=5',
      'GET /v1/history?from=1&to=1700000000&points=10&worker=a',
      'GET /v1/history.csv?from=1&to=1700000000',
      'GET /v1/workers/a.b/history?from=1',
      'GET /v1/shares?from=0&to=5&limit=5',
      `GET /v1/blocks?limit=5&below=5-${HASH}`,
      'GET /v1/payouts.csv',
      `GET /v1/audit/${HASH}`,
      'GET /v1/audit/900000',
      'GET /v1/coinbase',
      'GET /v1/log?lines=5',
      'GET /v1/timeline?limit=5&kind=a',
      'GET /v1/events',
      'GET /v1/doctor',
      'GET /shares?to=5&num=3',
      `GET /share?hash=${HASH}&full=true`,
      'GET /share?height=0&full=1',
      'GET /share_headers?share_block_transactions=true&template_merkle_branches=1&num=2',
      'GET /dag?to=4294967295&num=100',
      `GET /transaction?txid=${HASH}&raw=false`,
      'GET /pplns_shares?limit=5&start_time=1&end_time=2',
      'GET /candidates?num=101',
      'GET /api/v1/pool',
      'GET /users/bcrt1qx',
      'GET /../../etc/passwd',
      'POST /v1/peers\n{"address":"/ip4/192.0.2.1/tcp/6884"}',
      'POST /v1/peers/remove\n{"who":"192.0.2.1:6884"}',
      'POST /v1/bans\n{"who":"192.0.2.1","seconds":60}',
      'POST /v1/unbans\n{"who":"192.0.2.1"}',
      'POST /v1/setup/check\n{"chain":"main","bitcoind":{"url":"http://127.0.0.1","cookie_file":"a"},"address":"bc1q"}',
      'POST /blocked_ips\n{"ip":"192.0.2.1"}',
      'OPTIONS /v1/status',
      'HEAD /metrics'
    ].map(asBytes),
  decode: ask,
  laws(answer, bytes) {
    // Node.js hangs up without a word on what is no request at all.
    if (answer === '') return
    const [, status = ''] = /^HTTP\/1\.1 (\d{3}) /.exec(answer) ?? []
    hold(status !== '', 'is answered with what is not HTTP')
    hold(status !== '500' && status !== '502', `is answered with ${status}`)
    const [head = '', body = ''] = answer.split('\r\n\r\n', 2)
    const isWhole = head.includes(`content-length: ${body.length}`) && latin1(bytes).startsWith('GET ')
    if (isWhole && head.includes('application/json')) JSON.parse(body)
  },
  async end() {
    await (await made)?.stop()
  }
}

export const TARGETS: readonly Target[] = [api] as Target[]
