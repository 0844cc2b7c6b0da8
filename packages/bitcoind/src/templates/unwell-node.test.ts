import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { BlockTemplate } from '@p2poolv2/bitcoin'
import type { DevChainServer } from '@p2poolv2/devchain/rpc'
import { buildBlock } from '@p2poolv2/devchain/testing'
import { createLog } from '@p2poolv2/runtime'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { BitcoindStatus } from '../config.ts'
import { Recorder } from '../testing/recorder.ts'
import { devChain } from '../testing/started.ts'
import { TemplateFeed } from './template-feed.ts'

const log = createLog({ level: 'silent', format: 'json' })
const TIMINGS = {
  tipPollMs: 20,
  refreshMs: 60_000,
  standbyPollMs: 20,
  retryMinMs: 5,
  retryMaxMs: 20,
  callTimeoutMs: 300,
  templateTimeoutMs: 300,
  longPollTimeoutMs: 5_000
}
type Fault = (response: ServerResponse, answer: Buffer) => void

/** What stands before a bitcoin node and passes everything on, until it is told to do otherwise. */
class Front {
  readonly url: string
  /** To what was asked for from now on. */
  fault: Fault | null = null
  readonly faulted = new Recorder<string>()
  target: string
  readonly #server: Server

  private constructor(server: Server, port: number, target: string) {
    this.#server = server
    this.url = `http://127.0.0.1:${port}`
    this.target = target
    server.on('request', async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const body = Buffer.concat(chunks)
      const authorization = String(request.headers.authorization)
      const gone = new AbortController()
      response.on('close', () => gone.abort())
      try {
        const init = { method: 'POST', headers: { authorization }, body, signal: gone.signal }
        const answered = await fetch(this.target, init)
        const answer = Buffer.from(await answered.arrayBuffer())
        if (this.fault === null) response.writeHead(answered.status).end(answer)
        else {
          this.fault(response, answer)
          this.faulted.add((JSON.parse(body.toString('utf8')) as { readonly method: string }).method)
        }
      } catch {
        response.destroy()
      }
    })
  }

  static async before({ url }: DevChainServer): Promise<Front> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const front = new Front(server, typeof address === 'object' && address !== null ? address.port : 0, url)
    onTestFinished(() => front.stop())
    return front
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }
}

async function mine({ url, chain }: DevChainServer): Promise<void> {
  const block = Buffer.from(buildBlock(chain.template(1_795_360_577))).toString('hex')
  const authorization = `Basic ${Buffer.from('u:p').toString('base64')}`
  const body = JSON.stringify({ id: 1, method: 'submitblock', params: [block] })
  expect(await (await fetch(url, { method: 'POST', headers: { authorization }, body })).json()).toMatchObject({
    result: null
  })
}

function follow({ url }: { readonly url: string }) {
  const templates = new Recorder<BlockTemplate>()
  const statuses = new Recorder<readonly BitcoindStatus[]>()
  const made = new TemplateFeed(
    { nodes: [{ url, user: 'u', password: 'p' }], chains: ['regtest'], timings: TIMINGS, emptyFirst: 'off' },
    { onTemplate: template => templates.add(template), onStatus: statuses.add, log }
  )
  onTestFinished(() => made.stop())
  made.start()
  const height = (wanted: number) => templates.first(({ bitcoinHeight }) => bitcoinHeight === wanted)
  const state = (wanted: BitcoindStatus['state']) => statuses.first(([first]) => first?.state === wanted)
  return { templates, statuses, height, state }
}

const FAULTS: readonly (readonly [string, Fault])[] = [
  ['nonsense', response => response.writeHead(200).end('\u0000nonsense')],
  ['the page of a router', response => response.writeHead(302, { location: '/login' }).end('<html>')],
  ['JSON of no shape', response => response.writeHead(200).end('{"result":{"previousblockhash":5},"id":null}')],
  [
    'half an answer',
    (response, answer) => {
      response.writeHead(200, { 'content-length': String(answer.length) }).write(answer.subarray(0, answer.length >> 1))
      setTimeout(() => response.destroy(), 20)
    }
  ],
  [
    'an answer long after anybody waits for it',
    (response, answer) => void setTimeout(() => response.end(answer), 1_500)
  ],
  ['no answer at all', () => {}],
  [
    'an internal error',
    response => response.writeHead(500).end('{"result":null,"error":{"code":-1,"message":"x"},"id":null}')
  ]
]

describe('a bitcoin node that is unwell in the middle of a run', () => {
  it.each(FAULTS)(
    '%s: it is named, nothing wrong is worked on, and work goes on when it is well',
    async (_what, fault) => {
      const server = await devChain()
      const front = await Front.before(server)
      const { height, statuses, templates } = follow(front)
      await height(1)
      front.fault = fault
      await mine(server)
      await front.faulted.first((_, index) => index === 3)
      await statuses.first(([status]) => status?.state !== 'ready' && status?.state !== 'starting')
      front.fault = null
      expect((await height(2)).prevHash).toBe(server.chain.tip.hash)
      expect(templates.seen.map(({ bitcoinHeight }) => bitcoinHeight)).toEqual([1, 2])
    }
  )

  it('a node of another network put behind the address is found out, and its templates go nowhere', async () => {
    const [ours, theirs] = [await devChain(), await devChain()]
    for (let block = 0; block < 20; block++) await mine(theirs)
    const front = await Front.before(ours)
    const { height, state, templates } = follow(front)
    await height(1)
    front.fault = (response, answer) =>
      response.end(answer.toString('utf8').replace('"chain":"regtest"', '"chain":"main"'))
    front.target = theirs.url
    const [status] = await state('misconfigured')
    expect(status?.message).toContain("'main'")
    expect(templates.seen.map(({ bitcoinHeight }) => bitcoinHeight)).toEqual([1])
    front.target = ours.url
    front.fault = null
    await mine(ours)
    expect((await height(2)).prevHash).toBe(ours.chain.tip.hash)
    expect(templates.seen.some(({ bitcoinHeight }) => bitcoinHeight > 2)).toBe(false)
  })
})
