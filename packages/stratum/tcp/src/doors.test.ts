import { once } from 'node:events'
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { CERTIFICATES } from './testing/certificates.ts'
import { authorize, subscribe, TestClient } from './testing/test-client.ts'
import { TestPool } from './testing/test-pool.ts'

const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function serve(...args: ConstructorParameters<typeof TestPool>): Promise<TestPool> {
  const pool = await new TestPool(...args).start()
  cleanups.push(() => pool.server.stop())
  return pool
}

async function expectWork(client: TestClient): Promise<void> {
  client.write(subscribe, authorize)
  const lines = await client.read(4)
  expect(lines.map(({ id }) => id)).toEqual([1, 2, null, null])
}

describe('the doors of a server', () => {
  it('let in whoever comes by IPv6 as well as by IPv4 where every address is meant', async () => {
    const pool = await serve({ host: '::' })
    await expectWork(await TestClient.connect(pool.port, '::1'))
    await expectWork(await TestClient.connect(pool.port, '127.0.0.1'))
    expect(pool.came.map(({ remote }) => remote.replace(/:\d+$/, ''))).toEqual(['[::1]', '127.0.0.1'])
  })

  it('open at an IPv6 address in brackets', async () => {
    const pool = await serve({ host: '[::1]' })
    await expectWork(await TestClient.connect(pool.port, '::1'))
  })

  it('are as many as there are settings for, each with its start difficulty', async () => {
    const pool = await serve({ moreDoors: [{ host: '127.0.0.1', port: 0, startDifficulty: 1e6 }] })
    const [plain = 0, high = 0] = pool.server.ports
    await expectWork(await TestClient.connect(high))
    await expectWork(await TestClient.connect(plain))
    expect(pool.came.map(({ startDifficulty }) => startDifficulty)).toEqual([1e6, undefined])
  })

  it('are all closed when one cannot be opened', async () => {
    const taken = await serve()
    const pool = new TestPool({ moreDoors: [{ host: '127.0.0.1', port: taken.port }] })
    await expect(pool.start()).rejects.toThrow('address-in-use')
    await pool.server.stop()
  })
})

describe('a front in the middle', () => {
  const PROXIED = 'PROXY TCP4 203.0.113.7 127.0.0.1 4000 3333\r\n'

  it('that is trusted says for whom it speaks', async () => {
    const pool = await serve({ proxyRanges: ['127.0.0.0/8'] })
    const client = await TestClient.connect(pool.port)
    for (const part of [PROXIED.slice(0, 9), PROXIED.slice(9)]) await client.writeAlone(part)
    await expectWork(client)
    expect(pool.came).toMatchObject([{ remote: '203.0.113.7:4000' }])
  })

  it('that is trusted may speak for itself', async () => {
    const pool = await serve({ proxyRanges: ['127.0.0.1'] })
    await expectWork(await TestClient.connect(pool.port))
    expect(pool.came[0]?.remote).toMatch(/^127\.0\.0\.1:/)
  })

  it('that is not trusted is not believed', async () => {
    const pool = await serve({ proxyRanges: ['192.0.2.1'] })
    const client = await TestClient.connect(pool.port)
    client.write(PROXIED)
    expect(await pool.whenGone(1)).toBe('not-stratum')
    expect(pool.came[0]?.remote).toMatch(/^127\.0\.0\.1:/)
  })

  it('that says nonsense is closed, with a notice', async () => {
    const pool = await serve({ proxyRanges: ['127.0.0.1'] })
    const client = await TestClient.connect(pool.port)
    client.write('PROXY TCP4 nobody 127.0.0.1 4000 3333\r\n')
    await client.ended()
    expect(pool.came).toEqual([])
    expect(pool.log[0]).toContain('proxy_ranges')
  })

  it('is not counted for those whom it speaks for, and each of them is', async () => {
    const pool = await serve({ proxyRanges: ['127.0.0.1'], connectsPerMinute: 2 })
    const come = async (from: string): Promise<TestClient> => {
      const client = await TestClient.connect(pool.port)
      client.write(`PROXY TCP4 ${from} 127.0.0.1 4000 3333\r\n`)
      return client
    }
    for (const from of ['203.0.113.1', '203.0.113.2', '203.0.113.3', '203.0.113.3']) await expectWork(await come(from))
    await (await come('203.0.113.3')).ended()
    expect(pool.came).toHaveLength(4)
  })
})

describe('a limit that counts by address', () => {
  it('refuses one that has too many at a time, naming the setting', async () => {
    const pool = await serve({ maxPerAddress: 2 })
    for (let i = 0; i < 2; i++) await expectWork(await TestClient.connect(pool.port))
    await (await TestClient.connect(pool.port)).ended()
    expect(pool.came).toHaveLength(2)
    expect(pool.log[0]).toContain('[stratum] trusted_ranges')
  })

  it('has room again when somebody leaves', async () => {
    const pool = await serve({ maxPerAddress: 1 })
    const first = await TestClient.connect(pool.port)
    await expectWork(first)
    first.socket.end()
    await pool.whenGone(1)
    await expectWork(await TestClient.connect(pool.port))
  })

  it.each([{ maxPerAddress: 2 }, { connectsPerMinute: 2 }])(
    'takes all addresses of an IPv6 host for one: %j',
    async limits => {
      const pool = await serve({ ...limits, proxyRanges: ['127.0.0.1'] })
      const come = async (from: string): Promise<TestClient> => {
        const client = await TestClient.connect(pool.port)
        client.write(`PROXY TCP6 ${from} ::1 4000 3333\r\n`)
        return client
      }
      for (const from of ['2001:db8::1', '2001:db8::2', '2001:db8:0:1::1']) await expectWork(await come(from))
      await (await come('2001:db8:0:0:ffff::3')).ended()
      expect(pool.came).toHaveLength(3)
    }
  )

  it('does not count an address that many are known to be behind, whatever one of them sends', async () => {
    const limits = { maxPerAddress: 1, connectsPerMinute: 1, misbehavioursPerMinute: 0 }
    const pool = await serve({ ...limits, trustedRanges: ['127.0.0.1'] })
    const scanner = await TestClient.connect(pool.port)
    scanner.write('GET / HTTP/1.1\r\n\r\n')
    await scanner.ended()
    for (let i = 0; i < 3; i++) await expectWork(await TestClient.connect(pool.port))
  })
})

describe('a door for TLS', () => {
  function files(): { certificateFile: string; keyFile: string; write: (index: 0 | 1, ageSec: number) => void } {
    const dir = mkdtempSync(join(tmpdir(), 'stratum-tls-'))
    cleanups.push(() => rmSync(dir, { recursive: true }))
    const [certificateFile, keyFile] = [join(dir, 'pool.crt'), join(dir, 'pool.key')]
    const write = (index: 0 | 1, ageSec: number): void => {
      writeFileSync(certificateFile, CERTIFICATES[index].certificate)
      writeFileSync(keyFile, CERTIFICATES[index].key)
      const changed = new Date(Date.now() - ageSec * 1000)
      for (const file of [certificateFile, keyFile]) utimesSync(file, changed, changed)
    }
    return { certificateFile, keyFile, write }
  }

  /** A miner that trusts this certificate and no other. */
  async function connectTrusting(port: number, index: 0 | 1, before = ''): Promise<TestClient> {
    const ca = CERTIFICATES[index].certificate
    const raw = await TestClient.connect(port)
    if (before !== '') await raw.writeAlone(before)
    raw.socket.removeAllListeners('data')
    const socket: TLSSocket = connectTls({ socket: raw.socket, servername: 'pool.test', ca })
    await once(socket, 'secureConnect')
    return new TestClient(socket)
  }

  async function serveTls(options: ConstructorParameters<typeof TestPool>[0] = {}): Promise<{
    readonly pool: TestPool
    readonly port: number
    readonly keyFile: string
    readonly write: (index: 0 | 1, ageSec: number) => void
  }> {
    const { write, ...tls } = files()
    write(0, 60)
    const pool = await serve({ ...options, moreDoors: [{ host: '127.0.0.1', port: 0, tls }] })
    return { pool, port: pool.server.ports[1] ?? 0, keyFile: tls.keyFile, write }
  }

  it('speaks stratum inside', async () => {
    const { port } = await serveTls()
    await expectWork(await connectTrusting(port, 0))
  })

  it('gives who comes after a renewal the new certificate, and keeps who is there', async () => {
    const { pool, port, write } = await serveTls()
    await pool.server.refreshCertificates()
    const before = await connectTrusting(port, 0)
    write(1, 0)
    await pool.server.refreshCertificates()
    await expectWork(await connectTrusting(port, 1))
    await expect(connectTrusting(port, 0)).rejects.toThrow()
    await expectWork(before)
    expect(pool.log.join()).toContain('a renewed certificate is in use')
  })

  it('keeps the old certificate when the new one is none', async () => {
    const { pool, port, write, keyFile } = await serveTls()
    await pool.server.refreshCertificates()
    write(1, 0)
    writeFileSync(keyFile, 'not a key')
    await pool.server.refreshCertificates()
    await expectWork(await connectTrusting(port, 0))
    expect(pool.log.join()).toContain('cannot be used; miners get the old one')
  })

  it('takes a header of a trusted front before the handshake', async () => {
    const { pool, port } = await serveTls({ proxyRanges: ['127.0.0.1'] })
    await expectWork(await connectTrusting(port, 0, 'PROXY TCP4 203.0.113.7 127.0.0.1 4000 3333\r\n'))
    expect(pool.came).toMatchObject([{ remote: '203.0.113.7:4000' }])
  })

  it('closes who does not speak TLS, and serves on', async () => {
    const { port } = await serveTls()
    const plain = await TestClient.connect(port)
    plain.write(subscribe)
    await plain.ended()
    await expectWork(await connectTrusting(port, 0))
  })

  it('is not opened without a certificate that can be used, and says which setting', async () => {
    const { write: _, ...tls } = files()
    const pool = new TestPool({ moreDoors: [{ host: '127.0.0.1', port: 0, tls }] })
    await expect(pool.start()).rejects.toThrow('check [stratum] tls_certificate and tls_key')
    await pool.server.stop()
  })
})
