import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { httpAnswer, rpcAnswer, rpcRefusal, type ScriptedPeer } from '../testing/scripted-peer.ts'
import { devChain, peer } from '../testing/started.ts'
import { RpcClient, type RpcClientOptions } from './rpc-client.ts'
import { RpcError } from './rpc-error.ts'

function client(options: RpcClientOptions): RpcClient {
  const made = new RpcClient({ timeoutMs: 5_000, ...options })
  onTestFinished(() => made.close())
  return made
}

/** A peer that answers nothing, and the moment it holds `count` calls. */
async function holding(count: number): Promise<{ server: ScriptedPeer; allHeld: Promise<void> }> {
  let hold: () => void
  const allHeld = new Promise<void>(resolve => {
    hold = resolve
  })
  const server = await peer(() => {
    if (server.calls.length === count) hold()
  })
  return { server, allHeld }
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'p2poolv2-rpc-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

async function failure(call: Promise<unknown>): Promise<RpcError> {
  const error = await call.then(
    () => null,
    (cause: unknown) => cause
  )
  if (error instanceof RpcError) return error
  throw new Error('expected an RpcError', { cause: error })
}

describe('RpcClient', () => {
  it('tells who observes it how long each call took and how it ended, but not of one that waits on purpose', async () => {
    const server = await peer((socket, { id, method }) => {
      socket.write(method === 'stop' ? rpcRefusal(id, -32_601, 'Method not found') : rpcAnswer(id, 7))
    })
    const told: [string, string | null][] = []
    const observer = {
      called: (method: string, sec: number, failed: string | null) => {
        expect(sec).toBeGreaterThan(0)
        told.push([method, failed])
      },
      missedNotices: () => undefined
    }
    const node = client({ url: server.url, observer })
    await node.call('getblockcount')
    await node.call('getblocktemplate', [{ longpollid: 'x' }])
    await failure(node.call('stop'))
    await failure(client({ url: 'http://127.0.0.1:1', observer }).call('getblockcount'))
    expect(told).toEqual([
      ['getblockcount', null],
      ['stop', 'refused'],
      ['getblockcount', 'unreachable']
    ])
  })

  it('calls a node, several times over one connection and at once', async () => {
    const { url } = await devChain()
    const rpc = client({ url, user: 'u', password: 'p' })
    const heights = await Promise.all(Array.from({ length: 20 }, () => rpc.call('getblockcount')))
    expect(heights).toEqual(Array(20).fill(0))
  })

  it('takes credentials from the URL, and does not show them', async () => {
    const { url } = await devChain()
    const rpc = client({ url: url.replace('//', '//u:p@') })
    expect(await rpc.call('getblockcount')).toBe(0)
    expect(rpc.url).toBe(url)
    const error = await failure(client({ url: url.replace('//', '//u:hunter2@') }).call('getblockcount'))
    expect(error.code).toBe('unauthorised')
    expect(error.message).not.toContain('hunter2')
  })

  it('a wrong password names the setting', async () => {
    const { url } = await devChain()
    const error = await failure(client({ url, user: 'u', password: 'x' }).call('getblockcount'))
    expect(error.code).toBe('unauthorised')
    expect(error.message).toContain('[bitcoind] user and password')
  })

  it('a missing cookie file is named with its setting', async () => {
    const { url } = await devChain()
    const cookieFile = join(await folder(), '.cookie')
    const error = await failure(client({ url, cookieFile }).call('getblockcount'))
    expect(error.code).toBe('cookie-missing')
    expect(error.message).toContain(cookieFile)
    expect(error.message).toContain('[bitcoind] cookie_file')
  })

  it('a cookie file that is none is named with its setting', async () => {
    const { url } = await devChain()
    const path = await folder()
    await writeFile(join(path, 'text'), 'no cookie')
    for (const cookieFile of [path, join(path, 'text')]) {
      const error = await failure(client({ url, cookieFile }).call('getblockcount'))
      expect(error.code).toBe('cookie-unreadable')
      expect(error.message).toContain(cookieFile)
      expect(error.message).toContain('[bitcoind] cookie_file')
    }
  })

  it('reads the cookie again when the node has a new one', async () => {
    const { url } = await devChain()
    const cookieFile = join(await folder(), '.cookie')
    const rpc = client({ url, cookieFile })
    await writeFile(cookieFile, 'u:old')
    expect((await failure(rpc.call('getblockcount'))).code).toBe('unauthorised')
    await writeFile(cookieFile, 'u:p\n')
    expect(await rpc.call('getblockcount')).toBe(0)
  })

  it('repeats a call whose cookie became old on its way', async () => {
    const cookieFile = join(await folder(), '.cookie')
    await writeFile(cookieFile, 'u:old')
    const server = await peer((socket, { id }) => {
      const isFirst = server.calls.length === 1
      if (!isFirst) socket.write(rpcAnswer(id, 'good'))
      else void writeFile(cookieFile, 'u:new').then(() => socket.write(httpAnswer(401, '')))
    })
    expect(await client({ url: server.url, cookieFile }).call('x')).toBe('good')
    expect(server.calls).toHaveLength(2)
  })

  it('repeats a call on a connection that the node closed as idle', async () => {
    const server = await peer((socket, { id }) => {
      if (server.calls.length === 2) socket.destroy()
      else socket.write(rpcAnswer(id, server.calls.length))
    })
    const rpc = client({ url: server.url })
    expect(await rpc.call('x')).toBe(1)
    expect(await rpc.call('x')).toBe(3)
  })

  it('nobody listening is unreachable', async () => {
    const server = await devChain()
    await server.stop()
    const error = await failure(client({ url: server.url, user: 'u' }).call('getblockcount'))
    expect(error.code).toBe('unreachable')
    expect(error.message).toContain('[bitcoind] url')
    expect(error.message).toContain('ECONNREFUSED')
  })

  it.each(['', 'nonsense', 'ftp://127.0.0.1:8332', '127.0.0.1:8332'])('the URL %j is bad', async url => {
    const error = await failure(client({ url }).call('getblockcount'))
    expect(error.code).toBe('bad-url')
    expect(error.message).toContain('[bitcoind] url')
  })

  const wrongAnswers: readonly [string, string, (id: number) => string][] = [
    ['garbage', 'not-a-node', () => '\u0000\u0001\u0002garbage\r\n\r\n'],
    ['another protocol', 'not-a-node', () => 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['a page', 'not-a-node', () => httpAnswer(200, '<html>')],
    ['a redirect', 'not-a-node', () => httpAnswer(302, '')],
    ['no object', 'not-a-node', () => httpAnswer(200, '[1]')],
    ['no result', 'not-a-node', id => httpAnswer(200, JSON.stringify({ id }))],
    ['an answer to another call', 'not-a-node', id => rpcAnswer(id + 1, 1)],
    ['403', 'forbidden', () => httpAnswer(403, '')],
    ['503', 'busy', () => httpAnswer(503, 'Work queue depth exceeded')],
    ['-28', 'starting', id => rpcRefusal(id, -28, 'Loading block index…')],
    ['-8', 'refused', id => rpcRefusal(id, -8, 'must be called with the segwit rule set')],
    ['an error that is no object', 'refused', id => httpAnswer(500, JSON.stringify({ id, error: 'no' }))]
  ]

  it.each(wrongAnswers)('%s is %s', async (_name, code, answer) => {
    const server = await peer((socket, { id }) => socket.end(answer(id)))
    const error = await failure(client({ url: server.url }).call('getblockcount'))
    expect(error.code).toBe(code)
    expect(error.message).toContain(server.url)
  })

  it('keeps what a node says printable and short', async () => {
    const server = await peer((socket, { id }) => socket.end(rpcRefusal(id, -1, `\u001b[2J${'x'.repeat(10_000)}`)))
    const error = await failure(client({ url: server.url }).call('getblockcount'))
    expect(error.nodeMessage).not.toContain('\u001b')
    expect(error.message.length).toBeLessThan(500)
  })

  it('an endless answer is cut off', async () => {
    const server = await peer(socket => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n')
      const chunk = Buffer.alloc(65_536, 0x20)
      const more = (): void => {
        while (!socket.destroyed && socket.write(chunk));
      }
      socket.on('drain', more)
      more()
    })
    const rpc = client({ url: server.url, maxAnswerBytes: 1_000_000 })
    expect((await failure(rpc.call('getblocktemplate'))).code).toBe('oversize')
  })

  it.each([
    ['words before it without end', '', 'HTTP/1.1 102 Processing\r\n\r\n'],
    ['a head without end', 'HTTP/1.1 200 OK\r\n', 'x: y\r\n']
  ])('an answer with %s is cut off before it takes more than it holds', async (_what, begin, piece) => {
    const pieces = Buffer.from(piece.repeat(5_000))
    let sent = 0
    const server = await peer(socket => {
      socket.write(begin)
      const more = (): void => {
        while (!socket.destroyed && socket.write(pieces)) sent += pieces.length
      }
      socket.on('drain', more)
      more()
    })
    const rpc = client({ url: server.url, maxAnswerBytes: 1_000_000, timeoutMs: 60_000 })
    const { code } = await failure(rpc.call('getblockcount'))
    expect(['oversize', 'unreachable', 'not-a-node']).toContain(code)
    expect(sent).toBeLessThan(20_000_000)
  })

  it('pieces of an answer count for what it takes to keep them, however little is in them', async () => {
    const server = await peer((socket, { id }) => {
      const whole = JSON.stringify({ id, result: 7, error: null })
      const chunked = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
      socket.write(`${chunked(' ').repeat(server.calls.length === 1 ? 5_000 : 50)}${chunked(whole)}0\r\n\r\n`)
    })
    const rpc = client({ url: server.url, maxAnswerBytes: 1_000_000 })
    expect((await failure(rpc.call('getblockcount'))).code).toBe('oversize')
    expect(await rpc.call('getblockcount')).toBe(7)
  })

  it('an answer of several megabytes is taken whole', async () => {
    const result = 'ab'.repeat(4_000_000)
    const server = await peer((socket, { id }) => socket.write(rpcAnswer(id, result)))
    expect(await client({ url: server.url }).call('getblock')).toBe(result)
  })

  it('an answer of nothing but empty lists is refused before it is read', async () => {
    const server = await peer((socket, { id }) => socket.write(rpcAnswer(id, Array(500_000).fill([]))))
    const error = await failure(client({ url: server.url }).call('getblocktemplate'))
    expect(error.code).toBe('oversize')
    expect(error.message).toContain('more values')
  })

  it('an answer that drips in is given up on time', async () => {
    const server = await peer(socket => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n')
      const drip = setInterval(() => socket.write(' '), 5)
      socket.on('close', () => clearInterval(drip))
    })
    const error = await failure(client({ url: server.url, timeoutMs: 60 }).call('getblockcount'))
    expect(error.code).toBe('timed-out')
    expect(error.message).toContain('0.06 s')
  })

  it('a call that waits for a connection is given up on time, and is not made later', async () => {
    const stop = new AbortController()
    const { server, allHeld } = await holding(8)
    const rpc = client({ url: server.url })
    const held = Array.from({ length: 8 }, () => failure(rpc.call('held', [], { signal: stop.signal })))
    await allHeld
    expect((await failure(rpc.call('ninth', [], { timeoutMs: 60 }))).code).toBe('timed-out')
    stop.abort()
    expect((await Promise.all(held)).map(error => error.code)).toEqual(Array(8).fill('aborted'))
    // The connections are free again: what still waited for one would go out before this call.
    const after = new AbortController()
    const tenth = failure(rpc.call('tenth', [], { signal: after.signal }))
    await vi.waitUntil(() => server.calls.length > 8, { timeout: 60_000 })
    after.abort()
    expect((await tenth).code).toBe('aborted')
    expect(server.calls).toEqual([...Array(8).fill('held'), 'tenth'])
  })

  it('an answer that breaks off in the middle is unreachable', async () => {
    const server = await peer(socket => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{'))
    expect((await failure(client({ url: server.url }).call('getblockcount'))).code).toBe('unreachable')
  })

  it('stops at its caller’s signal', async () => {
    const stop = new AbortController()
    const server = await peer(() => stop.abort())
    const error = await failure(client({ url: server.url }).call('getblockcount', [], { signal: stop.signal }))
    expect(error.code).toBe('aborted')
    const late = client({ url: server.url }).call('getblockcount', [], { signal: stop.signal })
    expect((await failure(late)).code).toBe('aborted')
  })
})
