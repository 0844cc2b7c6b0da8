import { request as httpRequest } from 'node:http'
import type { SetupAnswers } from '@p2poolv2/api/schema'
import { afterEach, describe, expect, it } from 'vitest'
import type { GateOptions } from './gate/gate.ts'
import { hmacOf } from './gate/login.ts'
import type { SetupSources } from './owner-routes.ts'
import { CommandRefused } from './peer-routes.ts'
import { LiveNode, TOKEN } from './testing/live-node.ts'
import { NO_SETUP } from './testing/node-view.ts'

const LOGIN = { user: 'anna', token: `salt$${hmacOf('salt', 'secret')}` }
const BASIC = `Basic ${Buffer.from('anna:secret').toString('base64')}`
/** As a page that was opened by the link of the node's own user. */
const BY_LINK = { authorization: `Bearer ${TOKEN}` }
const ANSWERS: SetupAnswers = {
  chain: 'signet',
  payoutAddress: '',
  rpcUrl: 'http://127.0.0.1:38332',
  cookieFile: '/home/anna/.bitcoin/signet/.cookie',
  rpcUser: '',
  rpcPassword: '',
  zmqHashblock: '',
  isPageOnLan: false
}

let node: LiveNode
afterEach(() => node.stop())

async function started(options: Partial<GateOptions> = {}, setup: Partial<SetupSources> = {}): Promise<void> {
  node = new LiveNode()
  await node.start(options, { setup: { ...NO_SETUP, ...setup } })
}

interface Asked {
  readonly method?: string
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

/** With headers that fetch would not let us set, such as Host. */
function ask(
  path: string,
  { method = 'GET', body, headers = {} }: Asked = {}
): Promise<{ status: number; body: string }> {
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const sent = httpRequest(node.url(path), { method, headers: { ...type, ...headers } }, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
    })
    sent.on('error', reject)
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

const write = (headers: Record<string, string> = {}) => ask('/v1/setup', { method: 'POST', body: ANSWERS, headers })

describe('what is the owner’s', () => {
  it('is open to a browser on this computer while no login is set', async () => {
    await started()
    const own = `http://127.0.0.1:${node.port}`
    expect((await ask('/v1/setup')).status).toBe(200)
    expect((await ask('/v1/alerts/test', { method: 'POST', headers: { origin: own } })).status).toBe(200)
  })

  it.each([
    ['by a name of the network', { host: 'node.local' }],
    ['through a proxy', { 'x-forwarded-for': '192.0.2.1' }],
    ['through a proxy that says so otherwise', { forwarded: 'for=192.0.2.1' }]
  ])('is not open to who comes %s', async (_how, headers) => {
    await started()
    for (const path of ['/v1/setup']) expect((await ask(path, { headers })).status, path).toBe(403)
    const refused = await write(headers)
    expect(refused.status).toBe(403)
    expect(refused.body).toContain('ssh -L')
    expect((await ask('/v1/alerts/test', { method: 'POST', headers })).status).toBe(403)
  })

  it('is not open to pages of other sites, whatever they may read', async () => {
    await started({ cors: true })
    for (const origin of ['https://elsewhere.example', 'null', 'http://127.0.0.1:1']) {
      expect((await write({ origin })).status, origin).toBe(403)
      expect((await ask('/v1/setup', { headers: { origin } })).status, origin).toBe(403)
    }
    expect((await ask('/v1/status', { headers: { origin: 'https://elsewhere.example' } })).status).toBe(200)
  })

  it('takes the login where one is set, from wherever, and the token of the data directory', async () => {
    await started({ login: LOGIN })
    expect((await write()).status).toBe(401)
    expect((await write({ authorization: BASIC, host: 'node.local' })).status).toBe(200)
    expect((await write({ authorization: `Bearer ${TOKEN}` })).status).toBe(200)
  })
})

describe('the first configuration', () => {
  it('is not written, nor a bitcoin node asked for it, for who merely is on this computer: others may have accounts there', async () => {
    const told: string[] = []
    await started(
      {},
      {
        check: async answers => {
          told.push('check')
          return NO_SETUP.check(answers)
        },
        write: async answers => {
          told.push('write')
          return NO_SETUP.write(answers)
        }
      }
    )
    const headers = { origin: `http://127.0.0.1:${node.port}` }
    for (const path of ['/v1/setup', '/v1/setup/check']) {
      for (const wrong of [{}, { authorization: `Bearer ${'0'.repeat(TOKEN.length)}` }]) {
        const refused = await ask(path, { method: 'POST', body: ANSWERS, headers: { ...headers, ...wrong } })
        expect(refused.status, path).toBe(403)
        expect(refused.body).toContain('./p2poolv2 link')
      }
    }
    // Nor is it told what the answers would have to be.
    for (const path of ['/v1/setup', '/v1/setup/check'])
      expect((await ask(path, { method: 'POST', body: {}, headers })).status, path).toBe(403)
    expect(told).toEqual([])
    expect(JSON.parse((await ask('/v1/setup')).body)).toMatchObject({ mayWrite: false })
    expect(JSON.parse((await ask('/v1/setup', { headers: BY_LINK })).body)).toMatchObject({ mayWrite: true })
  })

  it('is written where there is none, and the node goes on with it once the answer is out', async () => {
    const told: string[] = []
    let wake = (): void => {}
    const goesOn = new Promise<void>(resolve => {
      wake = resolve
    })
    await started(
      {},
      {
        write: async answers => {
          told.push(answers.chain)
          return NO_SETUP.write(answers)
        },
        written: () => wake()
      }
    )
    const done = await write(BY_LINK)
    expect(JSON.parse(done.body)).toMatchObject({ file: '/data/p2poolv2.toml', kept: null })
    await goesOn
    expect(told).toEqual(['signet'])
  })

  it('that cannot be written is told with the reason', async () => {
    await started(
      {},
      {
        write: async () => {
          throw new CommandRefused('the disk is full')
        }
      }
    )
    expect(await write(BY_LINK)).toMatchObject({ status: 409, body: expect.stringContaining('the disk is full') })
  })

  it('of answers in another shape is refused', async () => {
    await started()
    for (const body of [
      {},
      { ...ANSWERS, chain: 'devnet' },
      { ...ANSWERS, more: 1 },
      { ...ANSWERS, rpcUrl: 'x'.repeat(600) }
    ])
      expect((await ask('/v1/setup', { method: 'POST', body, headers: BY_LINK })).status).toBe(400)
    const form = { ...BY_LINK, 'content-type': 'text/plain' }
    expect((await ask('/v1/setup', { method: 'POST', body: ANSWERS, headers: form })).status).toBe(400)
  })
})
