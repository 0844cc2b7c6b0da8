import { DevChainServer } from '@p2poolv2/devchain/rpc'
import { describe, expect, it, onTestFinished } from 'vitest'
import { RpcClient, type RpcClientOptions } from '../rpc/rpc-client.ts'
import { type PeerScript, rpcAnswer, rpcRefusal, ScriptedPeer } from '../testing/scripted-peer.ts'
import { preflight } from './preflight.ts'

function client(options: RpcClientOptions): RpcClient {
  const made = new RpcClient({ timeoutMs: 5_000, ...options })
  onTestFinished(() => made.close())
  return made
}

async function devChain(): Promise<RpcClient> {
  const server = await DevChainServer.start({ user: 'u', password: 'p' })
  onTestFinished(() => server.stop())
  return client({ url: server.url, user: 'u', password: 'p' })
}

async function peer(script: PeerScript): Promise<RpcClient> {
  const started = await ScriptedPeer.start(script)
  onTestFinished(() => started.stop())
  return client({ url: started.url })
}

/** A node that answers everything with `answers`, and knows no other call. */
function nodeOf(answers: Readonly<Record<string, unknown>>): Promise<RpcClient> {
  return peer((socket, { id, method }) => {
    const answer = answers[method]
    socket.write(answer === undefined ? rpcRefusal(id, -32_601, 'Method not found') : rpcAnswer(id, answer))
  })
}

const MAIN_INFO = { chain: 'main', blocks: 900_000, headers: 900_000, initialblockdownload: false }

describe('preflight', () => {
  it('has nothing to say about a good node', async () => {
    expect(await preflight(await devChain(), { chains: ['regtest'] })).toEqual([])
  })

  it('finds the wrong network', async () => {
    const findings = await preflight(await devChain(), { chains: ['test', 'testnet4'] })
    expect(findings).toMatchObject([{ code: 'wrong-network', severity: 'fatal' }])
    expect(findings[0]?.message).toContain("'regtest', not on 'test' or 'testnet4'")
  })

  it('tells the line that bitcoin.conf lacks', async () => {
    const node = await devChain()
    const findings = await preflight(node, { chains: ['regtest'], zmqHashblock: 'tcp://127.0.0.1:28332' })
    expect(findings).toMatchObject([{ code: 'zmq-not-configured', severity: 'warning' }])
    expect(findings[0]?.message).toContain('add the line zmqpubhashblock=tcp://127.0.0.1:28332 to its bitcoin.conf')
    const remote = await preflight(node, { chains: ['regtest'], zmqHashblock: 'tcp://192.168.1.5:28332' })
    expect(remote[0]?.message).toContain('add the line zmqpubhashblock=tcp://0.0.0.0:28332 to its bitcoin.conf')
  })

  it('finds an address that is none', async () => {
    const findings = await preflight(await devChain(), { chains: ['regtest'], zmqHashblock: '127.0.0.1:28332' })
    expect(findings).toMatchObject([{ code: 'zmq-not-configured' }])
    expect(findings[0]?.message).toContain('[bitcoind] zmq_hashblock')
  })

  it.each([
    ['tcp://127.0.0.1:28332', 'tcp://127.0.0.1:28332', true],
    ['tcp://0.0.0.0:28332', 'tcp://192.168.1.5:28332', true],
    ['tcp://*:28332', 'tcp://node.lan:28332', true],
    ['tcp://[::]:28332', 'tcp://127.0.0.1:28332', true],
    ['tcp://127.0.0.1:28332', 'tcp://localhost:28332', true],
    ['tcp://127.0.0.1:28332', 'tcp://192.168.1.5:28332', false],
    ['tcp://127.0.0.1:28333', 'tcp://127.0.0.1:28332', false],
    ['ipc:///tmp/x', 'tcp://127.0.0.1:28332', false]
  ])('a node that publishes at %s is heard at %s: %s', async (address, zmqHashblock, heard) => {
    const template = await (await devChain()).call('getblocktemplate', [{ rules: ['segwit'] }])
    const node = await nodeOf({
      getblockchaininfo: { ...MAIN_INFO, chain: 'regtest' },
      getblocktemplate: template,
      getzmqnotifications: [
        { type: 'pubrawtx', address: zmqHashblock, hwm: 1000 },
        { type: 'pubhashblock', address, hwm: 1000 },
        null
      ]
    })
    const codes = (await preflight(node, { chains: ['regtest'], zmqHashblock })).map(({ code }) => code)
    expect(codes).toEqual(heard ? [] : ['zmq-not-configured'])
  })

  it('a node without ZeroMQ is told from one without the line', async () => {
    const template = await (await devChain()).call('getblocktemplate', [{ rules: ['segwit'] }])
    const node = await nodeOf({ getblockchaininfo: MAIN_INFO, getblocktemplate: template })
    const findings = await preflight(node, { chains: ['main'], zmqHashblock: 'tcp://127.0.0.1:28332' })
    expect(findings[0]?.message).toContain('was built without ZeroMQ')
  })

  it('a node that catches up is waited for', async () => {
    const node = await peer((socket, { id, method }) => {
      const info = { ...MAIN_INFO, blocks: 12, initialblockdownload: true }
      const refusal = rpcRefusal(id, -10, 'Bitcoin Core is in initial sync and waiting for blocks...')
      socket.write(method === 'getblockchaininfo' ? rpcAnswer(id, info) : refusal)
    })
    const findings = await preflight(node, { chains: ['main'] })
    expect(findings).toMatchObject([{ code: 'node-syncing', severity: 'wait' }])
    expect(findings[0]?.message).toContain('12 of 900000 blocks')
  })

  it.each([
    [
      'on a test chain at its first block',
      { chain: 'signet', blocks: 0, headers: 0, initialblockdownload: true },
      'height 0'
    ],
    [
      'on a test chain that stands still',
      { chain: 'regtest', blocks: 7, headers: 7, initialblockdownload: true },
      'bitcoin-cli -regtest'
    ],
    [
      'with headers of blocks it has not got',
      { chain: 'main', blocks: 10, headers: 13, initialblockdownload: false },
      '10 of 13'
    ]
  ])('a node %s is waited for, although it gives templates', async (_where, info, words) => {
    const template = await (await devChain()).call('getblocktemplate', [{ rules: ['segwit'] }])
    const node = await nodeOf({ getblockchaininfo: info, getblocktemplate: template })
    const findings = await preflight(node, { chains: [info.chain] })
    expect(findings).toMatchObject([{ code: 'node-syncing', severity: 'wait' }])
    expect(findings[0]?.message).toContain(words)
  })

  it('a node that connects the block that has just come is ready', async () => {
    const template = await (await devChain()).call('getblocktemplate', [{ rules: ['segwit'] }])
    const info = { ...MAIN_INFO, headers: MAIN_INFO.blocks + 2 }
    expect(
      await preflight(await nodeOf({ getblockchaininfo: info, getblocktemplate: template }), { chains: ['main'] })
    ).toEqual([])
  })

  it('a node without peers is waited for', async () => {
    const node = await peer((socket, { id, method }) =>
      socket.write(
        method === 'getblockchaininfo' ? rpcAnswer(id, MAIN_INFO) : rpcRefusal(id, -9, 'Bitcoin Core is not connected!')
      )
    )
    expect(await preflight(node, { chains: ['main'] })).toMatchObject([{ code: 'node-syncing', severity: 'wait' }])
  })

  it('names the field of a template that cannot be used', async () => {
    const node = await nodeOf({ getblockchaininfo: MAIN_INFO, getblocktemplate: { previousblockhash: 'x' } })
    const findings = await preflight(node, { chains: ['main'] })
    expect(findings).toMatchObject([{ code: 'template-refused', severity: 'fatal' }])
    expect(findings[0]?.message).toContain('previousblockhash')
  })

  it('asks on signet with the rules that signet demands', async () => {
    const asked: unknown[] = []
    const node = await nodeOf({ getblockchaininfo: { ...MAIN_INFO, chain: 'signet' } })
    const call = node.call.bind(node)
    node.call = (method, params, options) => {
      asked.push(...(method === 'getblocktemplate' ? (params ?? []) : []))
      return call(method, params, options)
    }
    await preflight(node, { chains: ['signet'] })
    expect(asked).toEqual([{ rules: ['segwit', 'signet'] }])
  })

  it('a warming-up node is waited for, a wrong password is fatal', async () => {
    const starting = await peer((socket, { id }) => socket.write(rpcRefusal(id, -28, 'Verifying blocks…')))
    expect(await preflight(starting, { chains: ['main'] })).toMatchObject([{ code: 'node-unusable', severity: 'wait' }])
    const server = await DevChainServer.start({ user: 'u', password: 'p' })
    onTestFinished(() => server.stop())
    const refused = client({ url: server.url, user: 'u', password: 'x' })
    expect(await preflight(refused, { chains: ['main'] })).toMatchObject([
      { code: 'node-unusable', severity: 'fatal', message: expect.stringContaining('user and password') }
    ])
  })
})
