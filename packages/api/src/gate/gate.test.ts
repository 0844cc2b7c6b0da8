import { get, type IncomingMessage } from 'node:http'
import { steadyMs } from '@p2poolv2/primitives'
import { afterEach, describe, expect, it } from 'vitest'
import { LiveNode, TOKEN } from '../testing/live-node.ts'
import { AddressRates, MAX_COUNTED, REQUESTS, WRONG_LOGIN_COST } from './address-rates.ts'
import { isLan, isOwnHost } from './host-names.ts'
import { basicCredentials, credentialsOf, isLogin } from './login.ts'

const SALT = '0123456789abcdef0123456789abcdef'
/** By openssl: printf p2poolv2 | openssl dgst -sha256 -hmac SALT */
const HMAC = '4f2994e74303664f351bd214bb4af87f949f91704c2e4c597132b5e672772c77'
const LOGIN = { user: 'p2poolv2', token: `${SALT}$${HMAC}` }

const basic = (user: string, password: string): string => Buffer.from(`${user}:${password}`).toString('base64')

describe('a login', () => {
  it('is the user name and the password whose HMAC the token has', () => {
    expect(isLogin(LOGIN, { user: 'p2poolv2', password: 'p2poolv2' })).toBe(true)
    expect(isLogin(LOGIN, { user: 'p2poolv2', password: 'p2poolv3' })).toBe(false)
    expect(isLogin(LOGIN, { user: 'p2poolv3', password: 'p2poolv2' })).toBe(false)
    expect(isLogin(LOGIN, { user: '', password: '' })).toBe(false)
  })

  it.each(['', SALT, HMAC, `${SALT}${HMAC}`, `${SALT}$${HMAC}$`, `$${SALT}$${HMAC}`, `${SALT}$`, '$'])(
    'of the token %j is nobody’s',
    token => {
      expect(isLogin({ user: 'p2poolv2', token }, { user: 'p2poolv2', password: 'p2poolv2' })).toBe(false)
    }
  )

  it('is read from a Basic header; the user name ends at the first colon', () => {
    expect(basicCredentials(`Basic ${basic('u', 'a:b')}`)).toEqual({ user: 'u', password: 'a:b' })
    expect(basicCredentials(`basic ${basic('u', '')}`)).toEqual({ user: 'u', password: '' })
    for (const header of [
      undefined,
      '',
      'Basic',
      'Bearer x',
      'Basic !!',
      `Basic ${Buffer.from('no colon').toString('base64')}`
    ])
      expect(basicCredentials(header)).toBeNull()
    expect(credentialsOf(basic('u', 'x'.repeat(5_000)))).toBeNull()
  })
})

describe('host names', () => {
  const names = new Set(['pool.example.org', 'umbrel.local'])

  it.each([
    '127.0.0.1',
    '192.168.1.5:46884',
    '[::1]',
    '[fd00::1]:80',
    'localhost:1',
    'Umbrel.local',
    'pool.example.org:443'
  ])('%s is ours', host => expect(isOwnHost(host, names)).toBe(true))

  it.each([
    'evil.example',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'a.b.local',
    'printer.local',
    'pool.example.org.evil',
    '[evil]',
    '999.1.1.1',
    '127.0.0.1:80:90',
    ''
  ])('%s is not', host => expect(isOwnHost(host, names)).toBe(false))

  it('tell the local network from the rest', () => {
    const lan = [
      '127.0.0.1',
      '::1',
      '10.1.2.3',
      '192.168.0.9',
      '172.16.0.1',
      '172.31.9.9',
      '169.254.1.1',
      '::ffff:192.168.1.1',
      'fe80::1',
      'fd12::5'
    ]
    const others = ['172.32.0.1', '8.8.8.8', '11.0.0.1', '2001:db8::1', '::ffff:8.8.8.8', '', undefined]
    for (const address of lan) expect(isLan(address), address).toBe(true)
    for (const address of others) expect(isLan(address), address).toBe(false)
  })
})

describe('the rate', () => {
  it('lets a burst through, then a steady stream, each address for itself', () => {
    const rate = new AddressRates(REQUESTS)
    for (let count = 0; count < REQUESTS.burst; count++) expect(rate.take('192.0.2.1', 1, steadyMs(0))).toBe(0)
    expect(rate.take('192.0.2.1', 1, steadyMs(0))).toBe(1)
    expect(rate.take('192.0.2.2', 1, steadyMs(0))).toBe(0)
    let passed = 0
    for (let ms = 0; ms <= 10_000; ms += 5) if (rate.take('192.0.2.1', 1, steadyMs(ms)) === 0) passed += 1
    expect(passed).toBeGreaterThanOrEqual(10 * REQUESTS.perSecond - 1)
    expect(passed).toBeLessThanOrEqual(10 * REQUESTS.perSecond + 1)
  })

  it('takes the whole network of an IPv6 host for one', () => {
    const rate = new AddressRates(REQUESTS)
    for (let host = 0; host < REQUESTS.burst; host++) rate.take(`2001:db8::${host.toString(16)}`, 1, steadyMs(0))
    expect(rate.take('2001:db8:0:0:ffff::1', 1, steadyMs(0))).toBe(1)
    expect(rate.take('2001:db8:0:1::1', 1, steadyMs(0))).toBe(0)
  })

  it('remembers a bounded number of addresses', () => {
    const rate = new AddressRates(REQUESTS)
    for (let host = 0; host < 2 * MAX_COUNTED; host++) rate.take(`10.0.${host >> 8}.${host & 255}`, 1, steadyMs(host))
    rate.checkInvariants()
  })

  it('makes guessing passwords slow', () => {
    const rate = new AddressRates(REQUESTS)
    let guesses = 0
    for (let ms = 0; ms < 60_000; ms += 10)
      if (rate.take('192.0.2.1', WRONG_LOGIN_COST, steadyMs(ms)) === 0) guesses += 1
    expect(guesses).toBeLessThanOrEqual((REQUESTS.burst + 60 * REQUESTS.perSecond) / WRONG_LOGIN_COST + 1)
  })
})

describe('over the wire', () => {
  let node: LiveNode
  afterEach(() => node.stop())

  const status = async (path: string, headers: Record<string, string> = {}, init: RequestInit = {}): Promise<number> =>
    (await fetch(node.url(path), { ...init, headers: { ...headers } })).status

  const post = (headers: Record<string, string>): Promise<number> =>
    status(
      '/v1/bans',
      { 'content-type': 'application/json', ...headers },
      { method: 'POST', body: JSON.stringify({ who: '192.0.2.1' }) }
    )

  it('with a login nothing is read without it but the page and whether the node lives', async () => {
    node = new LiveNode()
    await node.start({ login: LOGIN })
    const authorization = `Basic ${basic('p2poolv2', 'p2poolv2')}`
    for (const path of [
      '/v1/status',
      '/v1/events',
      '/v1/config',
      '/metrics',
      '/health',
      '/shares',
      '/api/pool',
      '/openapi.json'
    ])
      expect(await status(path), path).toBe(401)
    for (const path of ['/', '/dashboard', '/livez', '/readyz']) expect(await status(path), path).not.toBe(401)
    for (const path of ['/v1/status', '/metrics', '/health', '/shares'])
      expect(await status(path, { authorization }), path).toBe(200)
    expect(await status('/v1/status', { authorization: `Basic ${basic('p2poolv2', 'wrong')}` })).toBe(401)
    expect(await post({ authorization })).toBe(200)
    expect(await post({ authorization: `Bearer ${TOKEN}` })).toBe(200)
    expect(await post({})).toBe(401)
  })

  it('a refusal makes no browser ask for a password by itself', async () => {
    node = new LiveNode()
    await node.start({ login: LOGIN })
    const answer = await fetch(node.url('/v1/status'))
    expect(answer.headers.get('www-authenticate')).toBeNull()
    expect(await answer.json()).toEqual({ error: expect.stringContaining('auth_user') })
  })

  it('a stream takes the login in its query, since a browser can give it no header; other routes do not', async () => {
    node = new LiveNode()
    await node.start({ login: LOGIN })
    const token = encodeURIComponent(basic('p2poolv2', 'p2poolv2'))
    const stream = await opened(`/v1/events?token=${token}`)
    expect(stream.statusCode).toBe(200)
    stream.destroy()
    expect(await status(`/v1/status?token=${token}`)).toBe(401)
    expect(await status(`/v1/events?token=${basic('p2poolv2', 'x')}`)).toBe(401)
  })

  it('the local network may read without it where that is set, and never command', async () => {
    node = new LiveNode()
    await node.start({ login: LOGIN, lanReads: true })
    expect(await status('/v1/status')).toBe(200)
    expect(await post({})).toBe(401)
  })

  it.each(['header', 'query'])('guessing in the %s is cut off', async where => {
    node = new LiveNode()
    await node.start({ login: LOGIN })
    const guessed = basic('p2poolv2', 'guess')
    const codes: number[] = []
    for (let guess = 0; guess < REQUESTS.burst / WRONG_LOGIN_COST + 2; guess++)
      codes.push(
        where === 'header'
          ? await status('/v1/status', { authorization: `Basic ${guessed}` })
          : await status(`/v1/events?token=${guessed}`)
      )
    expect(codes[0]).toBe(401)
    expect(codes.at(-1)).toBe(429)
    // Nor is the right login told from a wrong one then; commands have the token, which nobody guesses.
    expect(await status('/v1/status', { authorization: `Basic ${basic('p2poolv2', 'p2poolv2')}` })).toBe(429)
    expect(await status('/v1/status', { authorization: `Bearer ${TOKEN}` })).toBe(200)
  })

  it('pages of other sites cannot have a browser ask either, and links on them can', async () => {
    node = new LiveNode()
    await node.start()
    const from = (site: string, destination: string) => ({ 'sec-fetch-site': site, 'sec-fetch-dest': destination })
    for (const destination of ['empty', 'image', 'iframe', 'script']) {
      expect(await status('/v1/audit/job', from('cross-site', destination)), destination).toBe(403)
      expect(await status('/livez', from('cross-site', destination)), destination).toBe(200)
    }
    for (const own of [from('cross-site', 'document'), from('same-origin', 'empty'), from('none', 'document')])
      expect(await status('/v1/status', own)).toBe(200)
    await node.stop()
    await node.start({ cors: true })
    expect(await status('/v1/status', from('cross-site', 'empty'))).toBe(200)
  })

  it('pages of other sites read nothing, unless they are let', async () => {
    node = new LiveNode()
    await node.start()
    const origin = 'https://elsewhere.example'
    expect(
      (await fetch(node.url('/v1/status'), { headers: { origin } })).headers.get('access-control-allow-origin')
    ).toBeNull()
    await node.stop()
    await node.start({ cors: true })
    expect(
      (await fetch(node.url('/v1/status'), { headers: { origin } })).headers.get('access-control-allow-origin')
    ).toBe('*')
    expect(await status('/v1/status', { origin, 'access-control-request-method': 'GET' }, { method: 'OPTIONS' })).toBe(
      204
    )
  })

  function opened(path: string): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => get(node.url(path), resolve).on('error', reject))
  }
})
