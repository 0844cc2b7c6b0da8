import { once } from 'node:events'
import { get } from 'node:http'
import { A_SHARE, address } from '@p2poolv2/node/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { LiveNode, TOKEN } from '../testing/live-node.ts'
import { NO_PEERS } from '../testing/node-view.ts'

const PEER = {
  peer: '12D3',
  address: '/ip4/192.0.2.7/tcp/6884',
  direction: 'inbound',
  agent: null,
  dialect: null,
  height: null,
  shownHeight: null,
  latencyMs: null,
  bytesIn: 0,
  bytesOut: 0,
  penaltyPoints: 0,
  connectedSec: 9,
  rules: null
} as const

let node: LiveNode
/** Hashes of the chain by height, the genesis first. */
let hashes: readonly string[]

beforeEach(async () => {
  node = new LiveNode()
  const { rig } = node
  rig.template()
  rig.connect(1, `${address(1)}.attic`)
  for (let count = 0; count < 3; count++) {
    rig.advance(10_000)
    rig.mine(1, A_SHARE)
  }
  hashes = [0, 1, 2, 3].map(height => String(rig.chain.confirmedHashAt(height)))
  const network = {
    ...NO_PEERS,
    peers: () => ({ ...NO_PEERS.peers(), peers: [PEER], bans: [{ who: 'ip:192.0.2.1', reason: 'x', until: 1 }] })
  }
  await node.start({}, { network })
})
afterEach(() => node.stop())

describe('the reference’s routes', () => {
  it('/chain_info names genesis, tip and work', async () => {
    const work = node.rig.chain.confirmedTip().chainWork
    expect(await node.json('/chain_info')).toEqual({
      genesis_blockhash: hashes[0],
      chain_tip_height: 3,
      total_work: `0x${work.toString(16).padStart(64, '0')}`,
      chain_tip_blockhash: hashes[3],
      top_candidate_height: null,
      top_candidate_blockhash: null
    })
  })

  it('/shares lists newest first, down from a height that is cut to the tip', async () => {
    const { shares, ...range } = await node.json<{ shares: { blockhash: string }[] }>('/shares?to=99&num=2')
    expect(range).toEqual({ from_height: 2, to_height: 3 })
    expect(shares).toEqual([
      {
        blockhash: hashes[3],
        prev_blockhash: hashes[2],
        height: 3,
        miner_address: address(1),
        timestamp: expect.any(Number),
        bits: expect.any(Number),
        uncles: []
      },
      expect.objectContaining({ blockhash: hashes[2], height: 2 })
    ])
    expect((await node.json<{ shares: object[] }>('/shares')).shares).toHaveLength(4)
  })

  it('/candidates has nothing while all is confirmed', async () => {
    const answer = await fetch(node.url('/candidates'))
    expect([answer.status, await answer.json()]).toEqual([404, { error: 'No candidate chain tip found' }])
  })

  it('/share_headers gives the fields of protocol §3.1 oldest first, and bodies where they are asked for', async () => {
    const plain = await node.json<{ headers: Record<string, unknown>[] }>('/share_headers?num=2')
    expect(plain).toMatchObject({ from_height: 2, to_height: 3 })
    expect(plain.headers.map(header => header['prev_share_blockhash'])).toEqual([hashes[1], hashes[2]])
    expect(Object.keys(plain.headers[0] ?? {})).toEqual([
      'prev_share_blockhash',
      'uncles',
      'miner_bitcoin_address',
      'miner_address',
      'bitcoin_header',
      'bits',
      'time',
      'donation_address',
      'donation',
      'fee_address',
      'fee',
      'bitcoin_height',
      'coinbase_proof'
    ])
    expect(plain.headers[0]).toMatchObject({ miner_address: `0120${'77'.repeat(32)}`, bitcoin_height: 101 })
    const whole = await node.json<{ headers: { transactions: unknown[]; template_merkle_branches: unknown[] }[] }>(
      '/share_headers?num=1&share_block_transactions=true&template_merkle_branches=true'
    )
    expect(whole.headers[0]?.transactions).toHaveLength(1)
    expect(whole.headers[0]?.template_merkle_branches).toHaveLength(2)
  })

  it('/share finds by hash or height, and its transactions are found by id', async () => {
    const [byHeight] = await node.json<Record<string, unknown>[]>('/share?height=2&full=true')
    const [byHash] = await node.json<Record<string, unknown>[]>(`/share?hash=${hashes[2]}&full=true`)
    expect(byHash).toEqual(byHeight)
    expect(byHeight).toMatchObject({
      blockhash: hashes[2],
      status: 'Confirmed',
      parent: hashes[1],
      time: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/),
      bits: expect.stringMatching(/^0x[0-9a-f]+$/),
      template_merkle_branches_count: 2
    })
    const [txid] = (byHeight?.['transactions'] ?? []) as string[]
    const decoded = await node.json<{ lock_time: string }>(`/transaction?txid=${txid}`)
    expect(decoded).toMatchObject({ txid, lock_time: expect.any(String) })
    expect(await node.json(`/transaction?txid=${txid}&raw=true`)).toEqual({
      txid,
      hex: expect.stringMatching(/^[0-9a-f]+$/)
    })
    const [brief] = await node.json<Record<string, unknown>[]>('/share?height=2')
    expect(brief).not.toHaveProperty('transactions')
  })

  it('/dag has every share, oldest height first', async () => {
    const { entries } = await node.json<{ entries: object[] }>('/dag?num=100')
    expect(entries).toHaveLength(4)
    expect(entries[3]).toEqual({
      blockhash: hashes[3],
      height: 3,
      status: 'Confirmed',
      parent: hashes[2],
      uncles: [],
      miner_address: address(1),
      has_block_data: true
    })
  })

  it('/peers and /blocked_ips tell of peers; blocking needs more than reaching the port', async () => {
    expect(await node.json('/peers')).toEqual([
      { peer_id: '12D3', ip: '192.0.2.7', address: PEER.address, direction: 'Inbound', connected_secs: 9 }
    ])
    expect(await node.json('/blocked_ips')).toEqual(['192.0.2.1'])
    const change = (method: string, ip: string, token = TOKEN): Promise<Response> =>
      fetch(node.url('/blocked_ips'), {
        method,
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ ip })
      })
    expect(await (await change('POST', '192.0.2.9')).json()).toEqual({ blocked: '192.0.2.9' })
    expect(await (await change('DELETE', '192.0.2.9')).json()).toEqual({ unblocked: '192.0.2.9' })
    const wrong = await change('POST', 'not-an-ip')
    expect([wrong.status, await wrong.json()]).toEqual([400, { error: 'Invalid IP address: not-an-ip' }])
    expect((await change('POST', '192.0.2.9', 'x')).status).toBe(401)
  })

  it('/pplns_shares is empty but for its checks; a plus sign may have become a space', async () => {
    const path = '/pplns_shares?start_time=2026-01-01T00:00:00 00:00&end_time=2026-01-02T00:00:00 00:00'
    expect(await node.json(path)).toEqual([])
    expect(
      (await fetch(node.url('/pplns_shares?start_time=2026-01-02T00:00:00Z&end_time=2026-01-01T00:00:00Z'))).status
    ).toBe(400)
  })

  it.each([
    '/shares?num=0',
    '/shares?num=101',
    '/shares?to=x',
    '/share',
    `/share?height=1&hash=${'0'.repeat(64)}`,
    '/share?hash=xyz',
    '/transaction',
    '/pplns_shares?limit=101'
  ])('refuse %s', async path => {
    const answer = await fetch(node.url(path))
    expect([answer.status, await answer.json()]).toEqual([400, { error: expect.any(String) }])
  })

  it.each([`/share?hash=${'0'.repeat(64)}`, '/share?height=99', `/transaction?txid=${'ab'.repeat(32)}`])(
    'find nothing at %s',
    async path => {
      expect((await fetch(node.url(path))).status).toBe(404)
    }
  )
})

describe('the reference’s WebSocket', () => {
  const open = (options: { readonly path?: string; readonly origin?: string } = {}): WebSocket =>
    new WebSocket(
      node.url(options.path ?? '/ws').replace('http', 'ws'),
      options.origin === undefined ? {} : { origin: options.origin }
    )

  async function refusedWith(socket: WebSocket): Promise<number> {
    const [error] = (await once(socket, 'error')) as [Error]
    return Number(/(\d{3})/.exec(error.message)?.[1])
  }

  /** Resolves once the node has taken in all that was sent before: pings are answered in order. */
  async function taken(socket: WebSocket): Promise<void> {
    socket.ping()
    await once(socket, 'pong')
  }

  it('tells a confirmed share and a peer to who subscribed, and to nobody else', async () => {
    const [listener, other] = [open(), open()]
    await Promise.all([once(listener, 'open'), once(other, 'open')])
    const heard: unknown[] = []
    other.on('message', data => heard.push(data))
    for (const frame of ['nonsense', '{}', '{"action":"subscribe","topic":"Share"}']) listener.send(frame)
    for (const topic of ['shares', 'peers']) listener.send(JSON.stringify({ action: 'subscribe', topic }))
    await Promise.all([taken(listener), taken(other)])
    const message = once(listener, 'message')
    node.rig.advance(10_000)
    node.rig.mine(1, A_SHARE)
    const [share] = (await message) as [Buffer]
    expect(JSON.parse(String(share))).toMatchObject({
      topic: 'Share',
      data: { height: 4, prev_blockhash: hashes[3], uncles: [] }
    })
    const next = once(listener, 'message')
    node.rig.listener('12D3new')
    expect(JSON.parse(String((await next)[0]))).toEqual({
      topic: 'Peer',
      data: { peer_id: '12D3new', status: 'Connected' }
    })
    listener.send(JSON.stringify({ action: 'unsubscribe', topic: 'peers' }))
    await taken(listener)
    node.rig.handle({ type: 'peerGone', peer: '12D3new' })
    await Promise.all([taken(listener), taken(other)])
    expect(heard).toEqual([])
    for (const socket of [listener, other]) socket.terminate()
  })

  it('is not open to pages of other sites, nor at other paths', async () => {
    expect(await refusedWith(open({ origin: 'https://elsewhere.example' }))).toBe(403)
    expect(await refusedWith(open({ path: '/other' }))).toBe(404)
    const own = open({ origin: node.url('') })
    await once(own, 'open')
    own.terminate()
  })

  // The first three are no URLs; a page of any site may have a browser ask for them.
  it.each(['//', '///ws', 'http://[', '*', '/ws/', '//ws?token=%'])('is not at %s', async path => {
    const headers = { connection: 'upgrade', upgrade: 'websocket' }
    const asked = get(node.url(''), { path, headers })
    const [answer] = (await once(asked, 'response')) as [{ readonly statusCode: number }]
    expect(answer.statusCode).toBe(404)
    asked.destroy()
    expect((await fetch(node.url('/livez'))).status).toBe(200)
  })

  it('asks for the login in its query where there is one', async () => {
    await node.stop()
    // HMAC-SHA256 of "p2poolv2" under the key "00", by openssl.
    const token = '00$c457d5330291b7dd3a94d6ab8c542f1929df5315ba7c5622eccef8cb0354e89b'
    await node.start({ login: { user: 'u', token } })
    expect(await refusedWith(open())).toBe(401)
    const right = open({ path: `/ws?token=${encodeURIComponent(Buffer.from('u:p2poolv2').toString('base64'))}` })
    await once(right, 'open')
    right.terminate()
  })
})
