import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NetworkNames } from '@p2poolv2/gossip'
import { afterEach, describe, expect, inject, it } from 'vitest'
import { Loopback, type LoopbackNode } from '../../packages/gossip/libp2p/src/testing/loopback.ts'
import { until } from '../e2e/stage/until.ts'
import { ACK, frame, getShareHeaders, handshake, NO_HASH } from '../wire/raw/messages.ts'
import { RawPeer } from '../wire/raw/raw-peer.ts'
import { RustPeer } from './rust-peer.ts'

// Revision 0.13, which the reference's last release before the tags speaks: other names, other shares, the same frames and handshake.

const BASE = '/p2pool/regtest'
const NAMES: NetworkNames = {
  protocols: { shares: `${BASE}/1.0.0`, templates: `${BASE}/templates/1.0.0`, rules: `${BASE}/rules/1.0.0` },
  kademlia: `${BASE}/kad/1.0.0`,
  dialback: `${BASE}/dialback/1.0.0`,
  topics: { shares: `${BASE}/topic/shares/1.0.0`, templates: `${BASE}/topic/templates/1.0.0` }
}
/** Regtest's genesis share of that revision, in wire order. */
const GENESIS = Buffer.from('77a9583930b70527b895edbb783ff80cd8aadf14cfd13184fd7c8fe43ded57c3', 'hex').reverse()
const TIMEOUT_MS = 10_000

const built = inject('rustPeer')
const { P2POOLV2_BIN, P2POOLV2_CONFIG, P2POOLV2_ADDRESS } = process.env
if (P2POOLV2_BIN === undefined)
  console.error('P2POOLV2_BIN names no reference binary of 0.13: tests with it are skipped')

describe('our host under the names of revision 0.13', () => {
  const loopback = new Loopback()
  const ends: (() => Promise<void>)[] = []

  afterEach(async () => {
    for (const end of ends.splice(0)) await end()
    await loopback.stop()
  })

  const host = (): Promise<LoopbackNode> => loopback.start({ names: NAMES, dialect: 'reference' })
  const ask = (node: LoopbackNode, peer: string, payload: Buffer) =>
    node.network.ask({ peer, protocol: NAMES.protocols.shares, payload, timeoutMs: TIMEOUT_MS })
  const met = async (node: LoopbackNode): Promise<string> => {
    await loopback.changes.until(() => node.told.some(({ type }) => type === 'peerConnected'), 60_000)
    const event = node.told.find(({ type }) => type === 'peerConnected')
    return event?.type === 'peerConnected' ? event.peer : ''
  }

  it('shakes hands with a raw client of those names, and with none of ours', async () => {
    const node = await host()
    const port = Number(node.network.addresses()[0]?.split('/').at(-1))
    const peer = await RawPeer.dial({ port, base: BASE })
    ends.push(async () => peer.close())
    expect((await peer.identify()).protocolVersion).toBe('/p2pool/regtest/1.0.0')
    const asked = ask(node, await met(node), handshake(0, GENESIS))
    expect(await asked).toEqual({ type: 'answer', payload: new Uint8Array(ACK) })
    await expect(RawPeer.dial({ port, base: `${BASE}/8c4d616a` })).rejects.toThrow()
  })

  it('writes the frames of that revision', () => {
    const hashes = [GENESIS]
    expect(frame(handshake(0, GENESIS)).toString('hex', 8)).toBe(`0800000000${GENESIS.toString('hex')}`)
    expect(frame(getShareHeaders(hashes)).length).toBe(8 + 66)
    expect(frame(Buffer.from([4, 0])).toString('hex')).toBe('02000000a460ba9f0400')
  })

  it.skipIf('missing' in built)('exchanges handshakes and headers with a Rust peer of those names', async () => {
    if (!('program' in built)) return
    const node = await host()
    const rust = await RustPeer.start(built.program, BASE, 'reference')
    ends.push(() => rust.stop())
    await rust.answer(Buffer.from([8]), ACK)
    await rust.answer(Buffer.from([2]), Buffer.from([4, 0]))
    await node.network.connect(rust.address, null)
    const peer = await met(node)
    expect(await ask(node, peer, handshake(0, GENESIS))).toEqual({ type: 'answer', payload: new Uint8Array(ACK) })
    const headers = await ask(node, peer, getShareHeaders([GENESIS], NO_HASH))
    expect(headers).toEqual({ type: 'answer', payload: Uint8Array.of(4, 0) })
  })

  // The binary needs a bitcoin node of regtest with ZMQ, which its configuration names: that file is the caller's.
  it.skipIf(P2POOLV2_BIN === undefined)(
    'exchanges handshakes and headers with the reference',
    async () => {
      const node = await host()
      const port = await freePort()
      const directory = mkdtempSync(join(tmpdir(), 'p2poolv2-reference-'))
      const config = P2POOLV2_CONFIG ?? join(directory, 'config.toml')
      if (P2POOLV2_CONFIG === undefined) writeFileSync(config, referenceConfig(directory, port))
      const child: ChildProcess = spawn(P2POOLV2_BIN ?? '', ['--config', config], { cwd: directory, stdio: 'inherit' })
      ends.push(async () => {
        child.kill('SIGTERM')
        await new Promise(resolve => child.once('exit', resolve))
        rmSync(directory, { recursive: true, force: true })
      })
      const address = P2POOLV2_ADDRESS ?? `/ip4/127.0.0.1/tcp/${port}`
      await until('the reference to listen', 60_000, async () => {
        if (child.exitCode !== null) throw new Error(`it ended with code ${child.exitCode}`)
        const before = node.peering.length
        await node.network.connect(address, null)
        return node.peering.slice(before).some(({ type }) => type === 'dialFailed') ? null : true
      })
      const peer = await met(node)
      expect(await ask(node, peer, handshake(0, GENESIS))).toEqual({ type: 'answer', payload: new Uint8Array(ACK) })
      await loopback.changes.until(() =>
        node.told.some(event => event.type === 'peerRequest' && event.payload[0] === 8)
      )
      const headers = await ask(node, peer, getShareHeaders([GENESIS], NO_HASH))
      expect(headers.type === 'answer' && headers.payload?.[0]).toBe(4)
    },
    120_000
  )
})

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Every key that 0.13 demands; bitcoin's own places are those of a bitcoind on regtest with its usual ports. */
function referenceConfig(directory: string, port: number): string {
  return `
[network]
listen_address = "/ip4/127.0.0.1/tcp/${port}"
dial_peers = []
max_pending_incoming = 10
max_pending_outgoing = 10
max_established_incoming = 50
max_established_outgoing = 50
max_established_per_peer = 1
max_workbase_per_second = 10
max_userworkbase_per_second = 10
max_miningshare_per_second = 100
max_inventory_per_second = 100
max_transaction_per_second = 100
max_requests_per_second = 100
dial_timeout_secs = 30
[store]
path = "${join(directory, 'store.db')}"
[stratum]
hostname = "127.0.0.1"
port = 0
start_difficulty = 1
minimum_difficulty = 1
zmqpubhashblock = "tcp://127.0.0.1:28332"
bootstrap_address = "bcrt1qx6e0gj7q7xurl08cwnpmeve6w6zf4tw6wqh5xq"
network = "regtest"
version_mask = "1fffe000"
difficulty_multiplier = 1.0
wait_for_chain_sync = false
[bitcoinrpc]
url = "http://127.0.0.1:18443"
username = "p2pool"
password = "p2pool"
[logging]
level = "info"
stats_dir = "${join(directory, 'stats')}"
[api]
hostname = "127.0.0.1"
port = 0
`
}
