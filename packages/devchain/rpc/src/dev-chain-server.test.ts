import { once } from 'node:events'
import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BlockExchange, decodeBlockRecords } from '@p2poolv2/devchain'
import { buildBlock, growBranch, REGTEST_DIFFICULTY, type TemplateFields } from '@p2poolv2/devchain/testing'
import { bytesToHex, steadyMs, unixMs } from '@p2poolv2/primitives'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DevChainServer, type DevChainServerOptions } from './dev-chain-server.ts'

async function started(options: Partial<DevChainServerOptions> = {}): Promise<DevChainServer> {
  const server = await DevChainServer.start({ user: 'u', password: 'p', difficulty: REGTEST_DIFFICULTY, ...options })
  onTestFinished(() => server.stop())
  return server
}

interface Reply {
  status: number
  json: { result: unknown; error: { code: number; message: string } | null; id: unknown } | null
}

async function post(server: DevChainServer, body: string, headers: Record<string, string> = {}): Promise<Reply> {
  const authorization = `Basic ${Buffer.from('u:p').toString('base64')}`
  const call = request(server.url, { method: 'POST', agent: false, headers: { authorization, ...headers } })
  call.end(body)
  const [response] = await once(call, 'response')
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return { status: response.statusCode, json: text === '' ? null : JSON.parse(text) }
}

async function rpc(server: DevChainServer, method: string, ...params: unknown[]): Promise<unknown> {
  const { json } = await post(server, JSON.stringify({ id: 1, method, params }))
  if (json === null || json.error !== null) throw Object.assign(new Error(json?.error?.message), json?.error)
  return json.result
}

const template = (server: DevChainServer): Promise<TemplateFields & { longpollid: string }> =>
  rpc(server, 'getblocktemplate', { rules: ['segwit'] }) as Promise<TemplateFields & { longpollid: string }>

async function mineOne(server: DevChainServer): Promise<string> {
  expect(await rpc(server, 'submitblock', bytesToHex(buildBlock(await template(server))))).toBeNull()
  return (await rpc(server, 'getbestblockhash')) as string
}

async function dataFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'p2poolv2-devchain-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return join(folder, 'inner', 'blocks')
}

describe('DevChainServer', () => {
  it('serves what a pool asks of a node', async () => {
    const server = await started()
    const hash = await mineOne(server)
    expect(await rpc(server, 'getblockchaininfo')).toMatchObject({
      chain: 'regtest',
      blocks: 1,
      headers: 1,
      bestblockhash: hash,
      initialblockdownload: false
    })
    expect(await rpc(server, 'getmininginfo')).toMatchObject({ blocks: 1, chain: 'regtest', next: { height: 2 } })
    expect(await rpc(server, 'getblockhash', 1)).toBe(hash)
    expect(await rpc(server, 'getblockcount')).toBe(1)
    expect(await rpc(server, 'getzmqnotifications')).toEqual([])
    expect(await rpc(server, 'getblockheader', hash)).toMatchObject({ hash, height: 1, confirmations: 1 })
    expect(await rpc(server, 'getblockheader', hash, false)).toHaveLength(160)
  })

  it('says that it is a development chain', async () => {
    expect(await rpc(await started(), 'getnetworkinfo')).toMatchObject({
      subversion: expect.stringContaining('development-chain')
    })
  })

  it('gives a block as hex, with ids, and in full', async () => {
    const server = await started()
    const hash = await mineOne(server)
    const hex = (await rpc(server, 'getblock', hash, 0)) as string
    expect(hex).toBe(bytesToHex(server.chain.tip.bytes))
    const ids = (await rpc(server, 'getblock', hash)) as { tx: string[]; size: number; previousblockhash: string }
    expect(ids.size).toBe(hex.length / 2)
    expect(ids.previousblockhash).toBe(await rpc(server, 'getblockhash', 0))
    const full = (await rpc(server, 'getblock', hash, 2)) as {
      tx: { txid: string; vout: { value: number; scriptPubKey: object }[] }[]
    }
    expect(full.tx[0]?.txid).toBe(ids.tx[0])
    expect(full.tx[0]?.vout[0]).toMatchObject({
      value: 50,
      scriptPubKey: { address: expect.stringMatching(/^bcrt1q/) }
    })
  })

  it('a new block wakes a long poll', async () => {
    const server = await started()
    const { longpollid } = await template(server)
    const waiting = rpc(server, 'getblocktemplate', { rules: ['segwit'], longpollid }) as Promise<TemplateFields>
    const hash = await mineOne(server)
    expect((await waiting).previousblockhash).toBe(hash)
  })

  it('a long poll for an old template is answered at once', async () => {
    const server = await started()
    const { longpollid } = await template(server)
    await mineOne(server)
    expect(await rpc(server, 'getblocktemplate', { rules: ['segwit'], longpollid })).toMatchObject({ height: 2 })
  })

  it.each([
    ['getblocktemplate', [], -8],
    ['getblocktemplate', [{ rules: ['csv'] }], -8],
    ['getblocktemplate', [{ rules: ['segwit'], longpollid: 'abc' }], -8],
    ['submitblock', ['zz'], -22],
    ['submitblock', [], -22],
    ['getblockhash', [5], -8],
    ['getblockhash', ['x'], -3],
    ['getblock', ['00'.repeat(32)], -5],
    ['getblock', ['xx'], -8],
    ['getpeerinfo', [], -32_601],
    ['toString', [], -32_601],
    ['__proto__', [], -32_601]
  ] as const)('%s %j fails with %d', async (method, params, code) => {
    const server = await started()
    await expect(rpc(server, method, ...params)).rejects.toMatchObject({ code })
  })

  it('speaks HTTP as bitcoind does', async () => {
    const server = await started()
    expect((await post(server, '{}', { authorization: 'Basic dTpx' })).status).toBe(401)
    expect((await post(server, '{', {})).json?.error?.code).toBe(-32_700)
    expect(await post(server, '[]')).toMatchObject({ status: 400, json: { error: { code: -32_600 } } })
    expect((await post(server, '{"id":"a","method":"nope"}')).status).toBe(404)
    const get = request(server.url, { agent: false }).end()
    const [response] = await once(get, 'response')
    expect(response.statusCode).toBe(405)
  })

  it('listens on this computer only', async () => {
    expect((await started()).url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  })

  it('refuses a body longer than a block', async () => {
    const server = await started()
    const reply = await post(server, 'x'.repeat(8_020_001)).catch(error => ({ status: 413, json: null, error }))
    expect(reply.status).toBe(413)
    expect(await rpc(server, 'getblockcount')).toBe(0)
  })

  it('survives a caller that breaks off', async () => {
    const server = await started()
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    await once(socket, 'connect')
    socket.write('POST / HTTP/1.1\r\nhost: x\r\nauthorization: Basic dTpw\r\ncontent-length: 100\r\n\r\n{')
    socket.destroy()
    expect(await rpc(server, 'getblockcount')).toBe(0)
  })

  it('goes on with its chain after a restart', async () => {
    const file = await dataFile()
    const first = await started({ file })
    await mineOne(first)
    const hash = await mineOne(first)
    await first.stop()
    const second = await started({ file })
    expect(await rpc(second, 'getbestblockhash')).toBe(hash)
    await mineOne(second)
    expect(await rpc(second, 'getblockcount')).toBe(3)
  })

  it('cuts a torn end off its file and goes on', async () => {
    const file = await dataFile()
    const first = await started({ file })
    await mineOne(first)
    await mineOne(first)
    await first.stop()
    const whole = await readFile(file)
    const { size } = await stat(file)
    await writeFile(file, whole.subarray(0, size - 7))
    const second = await started({ file })
    expect(await rpc(second, 'getblockcount')).toBe(1)
    await mineOne(second)
    await second.stop()
    expect(decodeBlockRecords(await readFile(file)).records.map(({ bitcoinHeight }) => bitcoinHeight)).toEqual([1, 2])
  })

  it('takes the branch with more work, and says of a stale block that it has -1 confirmations', async () => {
    const server = await started()
    const { longpollid } = await template(server)
    const waiting = rpc(server, 'getblocktemplate', { rules: ['segwit'], longpollid }) as Promise<TemplateFields>
    const stale = await mineOne(server)
    await waiting
    const second = await template(server)
    const woken = rpc(server, 'getblocktemplate', { rules: ['segwit'], longpollid: second.longpollid })
    const nowSec = Math.floor(Date.now() / 1_000)
    const branch = growBranch({ count: 2, fromSec: nowSec - 100 })
    const answers: unknown[] = []
    for (const block of branch.blocks) answers.push(await rpc(server, 'submitblock', bytesToHex(block)))
    expect(answers).toEqual(['inconclusive', null])
    expect(await woken).toMatchObject({ previousblockhash: branch.chain.tip.hash, height: 3 })
    const view = (await rpc(server, 'getblockheader', stale)) as object
    expect(view).toMatchObject({ height: 1, confirmations: -1 })
    expect(view).not.toHaveProperty('nextblockhash')
    expect(await rpc(server, 'getblock', stale)).toMatchObject({ hash: stale, confirmations: -1, nTx: 1 })
    expect(await rpc(server, 'getblockhash', 1)).toBe(branch.chain.blockAt(1)?.hash)
    expect(await rpc(server, 'getblockheader', branch.chain.blockAt(1)?.hash)).toMatchObject({ confirmations: 2 })
    expect(await rpc(server, 'submitblock', bytesToHex(branch.blocks[0] ?? new Uint8Array(0)))).toBe('duplicate')
  })

  it('a block of a peer wakes a long poll, and one of our own is told to peers', async () => {
    const branch = growBranch({ count: 3, fromSec: Math.floor(Date.now() / 1_000) - 100 })
    const peer = new BlockExchange({ chain: branch.chain })
    const moment = { steadyMs: steadyMs(0), wallMs: unixMs(Date.now()) }
    peer.handle({ type: 'peerConnected', peer: 'we' }, moment)
    const server = await started()
    const exchange = await server.exchangeBlocks({
      tag: '0a1b2c3d',
      onBadPeer: expect.unreachable,
      network: {
        serve: async () => undefined,
        ask: async ({ protocol, payload }) => {
          expect(protocol).toBe('/p2pool/devnet/0a1b2c3d/blocks/1.0.0')
          const effects = peer.handle({ type: 'request', peer: 'we', requestId: 1, payload }, moment)
          const [answer] = effects.flatMap(effect => (effect.type === 'answer' ? [effect.payload] : []))
          return { type: 'answer', payload: answer ?? null }
        }
      }
    })
    const { longpollid } = await template(server)
    const woken = rpc(server, 'getblocktemplate', { rules: ['segwit'], longpollid })
    exchange.peerConnected('peer')
    expect(await woken).toMatchObject({ previousblockhash: branch.chain.tip.hash, height: 4 })
    const hash = await mineOne(server)
    expect(branch.chain.tip.hash).toBe(hash)
  })

  it('steps over what does not follow', async () => {
    const file = await dataFile()
    const first = await started({ file })
    await mineOne(first)
    await first.stop()
    await appendFile(file, await readFile(file))
    expect(await rpc(await started({ file }), 'getblockcount')).toBe(1)
  })

  it('names the port that is taken', async () => {
    const first = await started()
    await expect(started({ port: Number(new URL(first.url).port) })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})
