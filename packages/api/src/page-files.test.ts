import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { LiveNode } from './testing/live-node.ts'

const SCRIPT = 'console.log("page")'
let directory: string
let node: LiveNode

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'page-'))
  await mkdir(join(directory, 'assets'))
  await writeFile(join(directory, 'index.html'), '<!doctype html><title>page</title>')
  const script = join(directory, 'assets', 'index-BkQ3x9aZ.js')
  await writeFile(script, SCRIPT)
  await writeFile(`${script}.gz`, gzipSync(SCRIPT))
  await writeFile(`${script}.br`, brotliCompressSync(SCRIPT))
  await writeFile(join(directory, 'secret.bin'), 'x')
  node = new LiveNode()
  await node.start({ pageDirectory: directory, login: { user: 'u', token: 'x' } })
})
afterEach(async () => {
  await node.stop()
  await rm(directory, { recursive: true })
})

const ask = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(node.url(path), { headers: { 'accept-encoding': 'identity', ...headers } })

it.each(['/', '/index.html', '/dashboard'])(
  '%s is the page, may load nothing from elsewhere, and is asked for anew',
  async path => {
    const answer = await ask(path)
    expect(await answer.text()).toContain('<title>page</title>')
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(answer.headers.get('cache-control')).toBe('no-cache')
    const policy = answer.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self'")
    expect(policy).not.toMatch(/script-src[^;]*unsafe/)
  }
)

it.each([
  ['identity', null],
  ['gzip', 'gzip'],
  ['gzip, br', 'br'],
  ['br;q=0, gzip;q=0.5', 'gzip'],
  ['deflate', null]
])('to who takes %s a file goes as %s', async (accepted, encoding) => {
  const answer = await ask('/assets/index-BkQ3x9aZ.js', { 'accept-encoding': accepted })
  expect(answer.headers.get('content-encoding')).toBe(encoding)
  expect(answer.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
  expect(answer.headers.get('cache-control')).toContain('immutable')
  expect(await answer.text()).toBe(SCRIPT)
})

it('what a browser has already is not sent again', async () => {
  const first = await ask('/assets/index-BkQ3x9aZ.js')
  const etag = first.headers.get('etag') ?? ''
  expect((await ask('/assets/index-BkQ3x9aZ.js', { 'if-none-match': `"x", ${etag}` })).status).toBe(304)
  expect((await ask('/assets/index-BkQ3x9aZ.js', { 'if-none-match': '"x"' })).status).toBe(200)
  const packed = await ask('/assets/index-BkQ3x9aZ.js', { 'accept-encoding': 'br', 'if-none-match': etag })
  expect(packed.status).toBe(200)
})

it.each([
  '/secret.bin',
  '/assets/../secret.bin',
  '/%2e%2e/%2e%2e/etc/passwd',
  '/assets/',
  '/assets/index-BkQ3x9aZ.js.gz'
])('nothing else of the disk is served: %s', async path => expect(await rawStatus(path)).not.toBe(200))

/** As a client that does not tidy paths would ask. */
function rawStatus(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(node.port, '127.0.0.1', () =>
      socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    )
    socket.once('data', data => {
      resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(String(data))?.[1]))
      socket.destroy()
    })
    socket.on('error', reject)
  })
}
