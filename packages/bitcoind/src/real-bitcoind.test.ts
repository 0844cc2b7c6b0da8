import { type BlockTemplate, decodeBitcoinHeader, emptyTemplate } from '@p2poolv2/bitcoin'
import { BLOCK_CASES, buildBlock, type TemplateFields } from '@p2poolv2/devchain/testing'
import {
  type BlockHash,
  ByteReader,
  blockHash,
  blockHashFromWire,
  bytesToHex,
  hexToBytes,
  sha256d
} from '@p2poolv2/primitives'
import { createLog } from '@p2poolv2/runtime'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { BlockSubmitter } from './blocks/block-submitter.ts'
import { BlockWatch } from './blocks/block-watch.ts'
import type { BitcoindConfig, BitcoindStatus } from './config.ts'
import { getTemplate, getTip } from './rpc/node-answers.ts'
import { RpcClient } from './rpc/rpc-client.ts'
import { RpcError } from './rpc/rpc-error.ts'
import type { TemplateCause } from './templates/node-watch.ts'
import { preflight } from './templates/preflight.ts'
import { TemplateFeed, type TemplateFeedOptions } from './templates/template-feed.ts'
import { ZmqHashblock } from './templates/zmq-hashblock.ts'
import { findBitcoind } from './testing/find-bitcoind.ts'
import { RealBitcoind, type RealBitcoindOptions } from './testing/real-bitcoind.ts'
import { Recorder } from './testing/recorder.ts'

const { path, missing } = await findBitcoind()
const log = createLog({ level: 'silent', format: 'json' })
async function bitcoind(options: Partial<RealBitcoindOptions> = {}, when: 'started' | 'prepared' = 'started') {
  const make = when === 'started' ? RealBitcoind.start : RealBitcoind.prepare
  const node = await make({ path: path ?? '', ...options })
  onTestFinished(() => node.remove())
  return node
}

const configOf = (node: RealBitcoind): BitcoindConfig => ({ url: node.url, ...node.credentials })
const withZmq = (node: RealBitcoind): BitcoindConfig => ({ ...configOf(node), zmqHashblock: node.zmqAddress })

interface Came {
  template: BlockTemplate
  source: string
  cause: TemplateCause
  atMs: number
}

function feed(nodes: readonly BitcoindConfig[], options: Partial<TemplateFeedOptions> = {}) {
  const templates = new Recorder<Came>()
  const statuses = new Recorder<readonly BitcoindStatus[]>()
  const made = new TemplateFeed(
    { nodes, chains: ['regtest'], ...options, timings: { retryMaxMs: 200, standbyPollMs: 100, ...options.timings } },
    {
      onTemplate: (template, source, cause) => templates.add({ template, source, cause, atMs: performance.now() }),
      onStatus: statuses.add,
      log
    }
  )
  onTestFinished(() => made.stop())
  made.start()
  const on = (hash: string | undefined) => templates.first(({ template }) => template.prevHash === hash)
  const state = (position: number, wanted: BitcoindStatus['state'], from?: number) =>
    statuses.first(list => list[position]?.state === wanted, from)
  return { made, templates, statuses, on, state }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

const TITLE = missing === null ? 'with a real bitcoind' : `with a real bitcoind (none here: ${missing})`

describe.skipIf(path === null)(TITLE, { timeout: 120_000 }, () => {
  it('preflight has nothing to say about a good node', async () => {
    const node = await bitcoind()
    await node.generate(1)
    expect(await preflight(node.rpc, { chains: ['regtest'], zmqHashblock: node.zmqAddress })).toEqual([])
  })

  it('preflight finds a wrong password, the wrong network and ZeroMQ left out', async () => {
    const node = await bitcoind({ zmq: 'off' })
    const stranger = new RpcClient({ url: node.url, user: node.user, password: 'wrong' })
    onTestFinished(() => stranger.close())
    const refused = await preflight(stranger, { chains: ['regtest'] })
    expect(refused).toMatchObject([{ code: 'node-unusable', severity: 'fatal' }])
    expect(refused[0]?.message).toContain('[bitcoind] user and password')
    const findings = await preflight(node.rpc, { chains: ['main'], zmqHashblock: node.zmqAddress })
    expect(findings.map(({ code }) => code)).toEqual(['wrong-network', 'zmq-not-configured'])
    expect(findings[1]?.message).toContain(`zmqpubhashblock=${node.zmqAddress}`)
  })

  it('preflight waits on a test chain for its first new block, though templates are given before it', async () => {
    const node = await bitcoind({ tip: 'recent' })
    const waiting = await preflight(node.rpc, { chains: ['regtest'] })
    expect(waiting).toMatchObject([{ code: 'node-syncing', severity: 'wait' }])
    expect(waiting[0]?.message).toContain('bitcoin-cli -regtest generatetoaddress 1')
    await node.generate(1)
    expect(await preflight(node.rpc, { chains: ['regtest'] })).toEqual([])
  })

  it('preflight asks signet by its own rules', async () => {
    const node = await bitcoind({ chain: 'signet' })
    expect(await preflight(node.rpc, { chains: ['signet'] })).toEqual([])
    const refusal = node.rpc.call('getblocktemplate', [{ rules: ['segwit'] }])
    await expect(refusal).rejects.toMatchObject({ code: 'refused', nodeCode: -8 })
  })

  it('a cookie is read again after the node has a new one', async () => {
    const node = await bitcoind({ auth: 'cookie' })
    expect(await node.rpc.call('getblockcount')).toBe(0)
    await node.halt()
    await expect(node.rpc.call('getblockcount')).rejects.toMatchObject({ code: 'cookie-missing' })
    await node.launch()
    await node.answering()
    expect(await node.rpc.call('getblockcount')).toBe(0)
  })

  it('a feed started before its node gets templates, and goes on over a restart', async () => {
    const node = await bitcoind({ auth: 'cookie' }, 'prepared')
    const { statuses, on, state, made } = feed([withZmq(node)])
    await state(0, 'unreachable')
    await node.launch()
    await node.answering()
    const [first] = await node.generate(1)
    await on(first)
    expect(made.statuses).toMatchObject([{ state: 'ready', bitcoinHeight: 1, message: null }])
    await node.halt('SIGKILL')
    await state(0, 'unreachable', statuses.seen.length - 1)
    const away = statuses.seen.length
    await node.launch()
    await state(0, 'ready', away)
    const [second] = await node.generate(1)
    await on(second)
  })

  it('two nodes: the second serves while the first is away', async () => {
    const [one, other] = [await bitcoind(), await bitcoind()]
    await one.generate(2)
    await other.generate(1)
    const { templates, made } = feed([withZmq(one), withZmq(other)])
    await templates.first(({ source }) => source === one.url)
    await one.halt()
    await templates.first(({ source }) => source === other.url)
    const position = templates.seen.length
    const [hash] = await other.generate(1)
    await templates.first(({ template }) => template.prevHash === hash, position)
    await one.launch()
    await templates.first(({ source }) => source === one.url, position)
    expect(made.statuses.map(({ state }) => state)).toEqual(['ready', 'ready'])
  })

  it('from hashblock to template, measured', async ({ annotate }) => {
    const node = await bitcoind()
    const heard = new Recorder<{ hash: BlockHash; atMs: number }>()
    const onHash = (hash: BlockHash): void => heard.add({ hash, atMs: performance.now() })
    const listener = new ZmqHashblock({ address: node.zmqAddress, onHash, onProblem: expect.unreachable })
    const listening = listener.run()
    onTestFinished(() => listener.close())
    const timings = { tipPollMs: 600_000, refreshMs: 600_000 }
    const { on, templates } = feed([withZmq(node)], { longPoll: 'off', emptyFirst: 'off', timings })
    await templates.first(() => true)
    // A subscription takes effect a moment after its connection; until then nobody speaks of a block.
    while (heard.seen.length === 0 || !templates.seen.some(({ cause }) => cause === 'zmq')) {
      await node.generate(1)
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    const fromNotice: number[] = []
    const fromCall: number[] = []
    for (let i = 0; i < 20; i++) {
      const calledMs = performance.now()
      const [hash] = await node.generate(1)
      const [notice, came] = await Promise.all([heard.first(({ hash: h }) => h === hash), on(hash)])
      expect(came.cause).toBe('zmq')
      fromNotice.push(came.atMs - notice.atMs)
      fromCall.push(came.atMs - calledMs)
    }
    const [notice, call] = [median(fromNotice), median(fromCall)]
    await annotate(
      `hashblock to template: median ${notice.toFixed(1)} ms, worst ${Math.max(...fromNotice).toFixed(1)} ms; from asking for the block: median ${call.toFixed(1)} ms`
    )
    expect(notice).toBeLessThan(250)
    listener.close()
    await listening
  })

  it.each([
    ['zmq, long poll and quick polling', { timings: { tipPollMs: 5 } }],
    ['zmq and long poll', { timings: { tipPollMs: 600_000 } }]
  ])('one block is one template: %s', async (_name, options: Partial<TemplateFeedOptions>) => {
    const node = await bitcoind()
    const { on, templates } = feed([withZmq(node)], options)
    await templates.first(() => true)
    const hashes: (string | undefined)[] = []
    for (let i = 0; i < 10; i++) {
      const [hash] = await node.generate(1)
      hashes.push(hash)
      await on(hash)
    }
    expect(templates.seen.map(({ template }) => template.prevHash).slice(1)).toEqual(hashes)
  })

  it('what is foreseen of the next block on regtest is what bitcoind says of it', async () => {
    const node = await bitcoind()
    let before = await getTemplate(node.rpc, { chain: 'regtest' })
    // Across the first halving, and across a whole period of its difficulty.
    for (let height = 1; height <= 160; height++) {
      const [hash = ''] = await node.generate(1)
      const tip = await getTip(node.rpc, blockHash(hash))
      const told = await getTemplate(node.rpc, { chain: 'regtest' })
      if (tip === null) throw new Error('the block is the tip')
      const foreseen = emptyTemplate(tip, { chain: 'regtest', before, nowSec: told.curTimeSec })
      expect(foreseen, `after block ${height}`).toEqual({ ...told, longPollId: null })
      before = told
    }
  })

  it('what is foreseen of the first block on a signet is what bitcoind says of it', async () => {
    const node = await bitcoind({ chain: 'signet' })
    const told = await getTemplate(node.rpc, { chain: 'signet' })
    const hex = (await node.rpc.call('getblockheader', [told.prevHash, false])) as string
    const { mediantime } = (await node.rpc.call('getblockheader', [told.prevHash])) as { mediantime: number }
    const header = decodeBitcoinHeader(new ByteReader(hexToBytes(hex)))
    const tip = { hash: told.prevHash, header, bitcoinHeight: 0, medianTimeSec: mediantime }
    expect(emptyTemplate(tip, { chain: 'signet', before: told, nowSec: told.curTimeSec })).toEqual({
      ...told,
      longPollId: null
    })
  })

  it('a block that is not the tip any more is nothing to work on', async () => {
    const node = await bitcoind()
    const [below = '', tip = ''] = await node.generate(2)
    expect(await getTip(node.rpc, blockHash(below))).toBeNull()
    await node.rpc.call('invalidateblock', [tip])
    expect(await getTip(node.rpc, blockHash(tip))).toBeNull()
    expect(await getTip(node.rpc, blockHash(below))).toMatchObject({ hash: below, bitcoinHeight: 1 })
    await expect(getTip(node.rpc, blockHash('07'.repeat(32)))).rejects.toMatchObject({ code: 'refused' })
  })

  it('a tip that goes back is followed, there and back again', async () => {
    const node = await bitcoind()
    const { made, on } = feed([configOf(node)], { timings: { tipPollMs: 20 } })
    const [first, , , last] = await node.generate(4)
    expect((await on(last)).template.bitcoinHeight).toBe(5)
    const second = await node.rpc.call('getblockhash', [2])
    await node.rpc.call('invalidateblock', [second])
    expect((await on(first)).template.bitcoinHeight).toBe(2)
    // Who finds a block now is not too late by the chain that is gone.
    expect(made.bitcoinHeight).toBe(1)
    // To somebody else, or it were the very block that was just called invalid.
    const [other] = (await node.rpc.call('generatetodescriptor', [1, 'raw(51)'])) as string[]
    expect((await on(other)).template.bitcoinHeight).toBe(3)
    await node.rpc.call('reconsiderblock', [second])
    await vi.waitUntil(() => made.bitcoinHeight === 4, { timeout: 60_000 })
  })

  it('answers every block case as the development chain does', async () => {
    const node = await bitcoind()
    await node.generate(20)
    for (const { name, changes, expected } of BLOCK_CASES) {
      const template = (await node.rpc.call('getblocktemplate', [{ rules: ['segwit'] }])) as TemplateFields
      const block = bytesToHex(buildBlock(template, changes(template)))
      expect(await node.rpc.call('submitblock', [block]), name).toBe(expected)
    }
  })

  it('answers repeated, late and broken blocks as the development chain does', async () => {
    const node = await bitcoind()
    await node.generate(20)
    const older = (await node.rpc.call('getblocktemplate', [{ rules: ['segwit'] }])) as TemplateFields
    const submit = (block: Uint8Array) => node.rpc.call('submitblock', [bytesToHex(block)])
    const block = buildBlock(older)
    expect(await submit(block)).toBeNull()
    expect(await submit(block)).toBe('duplicate')
    const late = buildBlock(older, { header: { timeSec: older.curtime + 1 } })
    expect(await submit(late)).toBe('inconclusive')
    expect(await submit(late)).toBe('duplicate')
    expect(await submit(buildBlock(older, { header: { timeSec: older.mintime - 1 } }))).toBe('time-too-old')
    for (const bytes of [new Uint8Array(0), new Uint8Array(80), block.subarray(0, -1)]) {
      await expect(submit(bytes)).rejects.toMatchObject({ nodeCode: -22, nodeMessage: 'Block decode failed' })
    }
  })

  it('takes a found block from the submitter, also when it comes up late', async () => {
    const node = await bitcoind()
    const template = (await node.rpc.call('getblocktemplate', [{ rules: ['segwit'] }])) as TemplateFields
    const blockHex = bytesToHex(buildBlock(template))
    await node.halt()
    const submitter = new BlockSubmitter(
      { nodes: [configOf(node)], retryMinMs: 5, retryMaxMs: 50 },
      { persist: async () => {}, settled: () => {}, onResult: () => {}, bitcoinHeight: () => null, log }
    )
    onTestFinished(() => submitter.close())
    const found = { blockHash: blockHash('00'.repeat(32)), bitcoinHeight: 1, blockHex }
    const submitted = submitter.submit(found, { signal: AbortSignal.timeout(60_000) })
    await node.launch()
    expect(await submitted).toMatchObject([{ url: node.url, result: 'accepted', reason: null }])
    expect(await node.rpc.call('getblockcount')).toBe(1)
  })

  it('says what becomes of a block: taken, orphaned by two others, back again, and one that came second', async () => {
    const node = await bitcoind()
    const request = async () => (await node.rpc.call('getblocktemplate', [{ rules: ['segwit'] }])) as TemplateFields
    const first = await request()
    const [ours, second] = [buildBlock(first), buildBlock(first, { header: { timeSec: first.curtime + 1 } })]
    const watched = [ours, second].map(bytes => ({
      blockHash: blockHashFromWire(sha256d(bytes.subarray(0, 80))),
      bitcoinHeight: 1,
      result: 'submitted'
    }))
    const fates: number[][] = [[], []]
    let tip: { hash: BlockHash; bitcoinHeight: number } | null = null
    const watch = new BlockWatch([configOf(node)], {
      blocks: () => watched,
      tip: () => tip,
      onFate: ({ blockHash: of, confirmations }) => fates[of === watched[0]?.blockHash ? 0 : 1]?.push(confirmations),
      onForgotten: () => {}
    })
    onTestFinished(() => watch.stop())
    const look = async (): Promise<void> => {
      const template = await getTemplate(node.rpc, { chain: 'regtest' })
      tip = { hash: template.prevHash, bitcoinHeight: template.bitcoinHeight - 1 }
      watch.look()
      await watch.idle()
    }
    const submitter = new BlockSubmitter(
      { nodes: [configOf(node)] },
      { persist: async () => {}, settled: () => {}, onResult: () => {}, bitcoinHeight: () => null, log }
    )
    onTestFinished(() => submitter.close())
    const submit = (bytes: Uint8Array, n: number) =>
      submitter.submit(
        {
          blockHash: watched[n]?.blockHash ?? blockHash('00'.repeat(32)),
          bitcoinHeight: 1,
          blockHex: bytesToHex(bytes)
        },
        { signal: AbortSignal.timeout(60_000) }
      )
    expect(await submit(ours, 0)).toMatchObject([{ result: 'accepted', reason: null }])
    await look()
    // Straight to the node: of our own blocks a second one with the same parent is held back.
    expect(await node.rpc.call('submitblock', [bytesToHex(second)])).toBe('inconclusive')
    await node.rpc.call('invalidateblock', [watched[0]?.blockHash])
    await node.rpc.call('invalidateblock', [watched[1]?.blockHash])
    const others = await node.generate(2)
    await look()
    for (const hash of others) await node.rpc.call('getblockheader', [hash])
    await node.rpc.call('invalidateblock', [others[0]])
    await node.rpc.call('reconsiderblock', [watched[0]?.blockHash])
    await look()
    expect(fates).toEqual([[1, -1, 1], [-1]])
  })

  it('errors of an unknown method and of bad arguments are refusals', async () => {
    const node = await bitcoind()
    for (const [method, params] of [
      ['nope', []],
      ['getblockhash', ['x']],
      ['getblockhash', [7]]
    ] as const) {
      const failed = node.rpc.call(method, params)
      await expect(failed).rejects.toBeInstanceOf(RpcError)
      await expect(failed).rejects.toMatchObject({ code: 'refused' })
    }
  })
})
