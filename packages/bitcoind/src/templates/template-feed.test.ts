import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BlockTemplate } from '@p2poolv2/bitcoin'
import type { DevChainServer } from '@p2poolv2/devchain/rpc'
import { buildBlock } from '@p2poolv2/devchain/testing'
import { steadyMs, unixMs } from '@p2poolv2/primitives'
import { createLog } from '@p2poolv2/runtime'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { BitcoindStatus } from '../config.ts'
import { Recorder } from '../testing/recorder.ts'
import { rpcAnswer, rpcRefusal, ScriptedPeer } from '../testing/scripted-peer.ts'
import { devChain, node, peer } from '../testing/started.ts'
import type { TemplateCause } from './node-watch.ts'
import { TemplateFeed, type TemplateFeedOptions } from './template-feed.ts'

const log = createLog({ level: 'silent', format: 'json' })
/** Straight into the chain, as a block that came from the network: only a long poll or a poll tells. */
async function mine({ url, chain }: DevChainServer): Promise<void> {
  const block = Buffer.from(buildBlock(chain.template(1_795_360_577))).toString('hex')
  const authorization = `Basic ${Buffer.from('u:p').toString('base64')}`
  const body = JSON.stringify({ id: 1, method: 'submitblock', params: [block] })
  const answer = await fetch(url, { method: 'POST', headers: { authorization }, body })
  expect(await answer.json()).toMatchObject({ result: null })
}

interface Came {
  template: BlockTemplate
  source: string
  cause: TemplateCause
}

const QUICK = { tipPollMs: 10, refreshMs: 60_000, standbyPollMs: 20, retryMinMs: 5, retryMaxMs: 20 }

function feed(options: Partial<TemplateFeedOptions>) {
  const templates = new Recorder<Came>()
  const statuses = new Recorder<readonly BitcoindStatus[]>()
  const made = new TemplateFeed(
    { nodes: [], chains: ['regtest'], timings: QUICK, emptyFirst: 'off', ...options },
    { onTemplate: (template, source, cause) => templates.add({ template, source, cause }), onStatus: statuses.add, log }
  )
  onTestFinished(() => made.stop())
  made.start()
  const height = (bitcoinHeight: number, from?: number) =>
    templates.first(({ template }) => template.bitcoinHeight === bitcoinHeight, from)
  const state = (position: number, wanted: BitcoindStatus['state'], from?: number) =>
    statuses.first(list => list[position]?.state === wanted, from)
  return { made, templates, statuses, height, state }
}

describe('TemplateFeed', () => {
  it('gives a template, and the next one when a block is found', async () => {
    const server = await devChain()
    const { height, made } = feed({ nodes: [node(server)] })
    expect(await height(1)).toMatchObject({ source: server.url, cause: 'connected' })
    await mine(server)
    expect((await height(2)).template.prevHash).toBe(server.chain.tip.hash)
    expect(made.bitcoinHeight).toBe(1)
    expect(made.statuses).toMatchObject([{ url: server.url, state: 'ready', message: null }])
  })

  it.each([
    ['long-poll', { timings: { ...QUICK, tipPollMs: 60_000 } }],
    ['tip-poll', { longPoll: 'off' as const }]
  ])('hears of a block by %s alone', async (cause, options) => {
    const server = await devChain()
    const { height } = feed({ nodes: [node(server)], ...options })
    await height(1)
    await mine(server)
    expect((await height(2)).cause).toBe(cause)
  })

  it('one block is one template, whoever spoke first', async () => {
    const server = await devChain()
    const { height, templates } = feed({ nodes: [node(server)] })
    for (let next = 2; next < 12; next++) {
      await height(next - 1)
      await mine(server)
    }
    await height(11)
    expect(templates.seen.map(({ template }) => template.bitcoinHeight)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
  })

  it('refreshes a template for its time', async () => {
    let seconds = 1_795_360_577
    const clock = {
      now: () => {
        seconds += 1
        return { wallMs: unixMs(seconds * 1_000), steadyMs: steadyMs(seconds * 1_000) }
      }
    }
    const server = await devChain({ clock })
    const { templates } = feed({ nodes: [node(server)], timings: { ...QUICK, refreshMs: 20 } })
    const first = await templates.first(() => true)
    const second = await templates.first(({ cause }) => cause === 'refresh')
    expect(second.template.curTimeSec).toBeGreaterThan(first.template.curTimeSec)
  })

  it('may be started before the node', async () => {
    const early = await devChain()
    const port = Number(new URL(early.url).port)
    await early.stop()
    const { state, height } = feed({ nodes: [node(early)] })
    await state(0, 'unreachable')
    await devChain({ port })
    await height(1)
  })

  it('waits while a node warms up, and says so', async () => {
    const server = await devChain()
    const answers: (string | null)[] = ['Loading block index…', 'Verifying blocks…', null]
    const warming = await peer((socket, { id, method }) => {
      const words = answers.length > 1 ? answers.shift() : null
      if (words !== null && words !== undefined) socket.write(rpcRefusal(id, -28, words))
      else if (method === 'getblockchaininfo') {
        socket.write(rpcAnswer(id, { chain: 'regtest', blocks: 0, headers: 0, initialblockdownload: false }))
      } else if (method === 'getbestblockhash') socket.write(rpcAnswer(id, server.chain.tip.hash))
      else socket.write(rpcAnswer(id, server.chain.template(1_795_360_577)))
    })
    const { height, statuses } = feed({ nodes: [{ url: warming.url }] })
    await height(1)
    const messages = statuses.seen.flatMap(([status]) => (status?.state === 'starting' ? [status.message] : []))
    expect(messages[1]).toContain('Loading block index')
    expect(messages[2]).toContain('Verifying blocks')
  })

  it('goes on with a node that went away and came back', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'p2poolv2-feed-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const file = join(folder, 'blocks')
    const server = await devChain({ file })
    const { height, state, statuses } = feed({ nodes: [node(server)] })
    await height(1)
    await mine(server)
    await height(2)
    await server.stop()
    await state(0, 'unreachable')
    const away = statuses.seen.length
    const again = await devChain({ file, port: Number(new URL(server.url).port) })
    await state(0, 'ready', away)
    await mine(again)
    await height(3)
  })

  it('uses the next node while the preferred one is away, and returns to it', async () => {
    const [preferred, second] = [await devChain(), await devChain()]
    await mine(preferred)
    const port = Number(new URL(preferred.url).port)
    const { templates, state } = feed({ nodes: [node(preferred), node(second)] })
    const from = (url: string, position: number) => templates.first(({ source }) => source === url, position)
    await from(preferred.url, 0)
    await preferred.stop()
    await from(second.url, 0)
    await state(0, 'unreachable')
    const position = templates.seen.length
    const again = await devChain({ port })
    expect((await from(again.url, position)).template.bitcoinHeight).toBe(1)
    await mine(again)
    await templates.first(({ template, source }) => source === again.url && template.bitcoinHeight === 2, position)
  })

  it('does not return to the preferred node before it has caught up', async () => {
    const [preferred, second] = [await devChain(), await devChain()]
    for (let i = 0; i < 3; i++) await mine(second)
    const { height, state, templates } = feed({ nodes: [node(preferred), node(second)] })
    await height(4)
    await state(0, 'ready')
    const position = templates.seen.length
    await mine(preferred)
    await mine(second)
    expect((await height(5, position)).source).toBe(second.url)
    for (let i = 0; i < 3; i++) await mine(preferred)
    expect(await templates.first(({ source }) => source === preferred.url, position)).toMatchObject({
      template: { bitcoinHeight: 5 }
    })
  })

  it('never uses a node on another network, and names the setting', async () => {
    const [wrong, right] = [await devChain(), await devChain()]
    const { templates, state } = feed({ nodes: [node(wrong)], chains: ['main'] })
    const [status] = await state(0, 'misconfigured')
    expect(status?.message).toContain("'regtest', not on 'main'")
    expect(templates.seen).toEqual([])
    const other = feed({ nodes: [{ url: wrong.url, user: 'u', password: 'x' }, node(right)] })
    expect((await other.height(1)).source).toBe(right.url)
    expect((await other.state(0, 'misconfigured'))[0]?.message).toContain('[bitcoind] user and password')
  })

  it('a template that cannot be used is never given on, and names its field', async () => {
    const bad = await peer((socket, { id, method }) => {
      const info = { chain: 'regtest', blocks: 0, headers: 0, initialblockdownload: false }
      socket.write(rpcAnswer(id, method === 'getblockchaininfo' ? info : { previousblockhash: 5 }))
    })
    const { state, templates } = feed({ nodes: [{ url: bad.url }] })
    expect((await state(0, 'misconfigured'))[0]?.message).toContain('previousblockhash')
    expect(templates.seen).toEqual([])
  })

  it('a server that does not know long polls is not asked in a circle', async () => {
    const server = await devChain()
    let longPolls = 0
    const plain = await ScriptedPeer.start((socket, { id, method }) => {
      if (method === 'getblockchaininfo') {
        socket.write(rpcAnswer(id, { chain: 'regtest', blocks: 0, headers: 0, initialblockdownload: false }))
      } else if (method === 'getbestblockhash') {
        socket.write(rpcAnswer(id, server.chain.tip.hash))
      } else {
        longPolls += 1
        socket.write(rpcAnswer(id, server.chain.template(1_795_360_577)))
      }
    })
    onTestFinished(() => plain.stop())
    const { height } = feed({ nodes: [{ url: plain.url }] })
    await height(1)
    await mine(server)
    await height(2)
    await mine(server)
    await height(3)
    // Connecting, one long poll answered at once, and one template for each block.
    expect(longPolls).toBeLessThanOrEqual(5)
  })

  it('an answer that a newer one has overtaken is asked again, not given on', async () => {
    const server = await devChain()
    const at = [server.chain.template(1_795_360_577)]
    for (const _ of [2, 3]) {
      await mine(server)
      at.push(server.chain.template(1_795_360_577))
    }
    const asked = new Recorder<(template: unknown) => void>()
    const held = await peer((socket, { id, method }) => {
      const info = { chain: 'regtest', blocks: 0, headers: 0, initialblockdownload: false }
      if (method === 'getblockchaininfo') socket.write(rpcAnswer(id, info))
      else if (method === 'getbestblockhash') socket.write(rpcAnswer(id, at[1]?.previousblockhash))
      else asked.add(template => socket.write(rpcAnswer(id, template)))
    })
    const { height, templates } = feed({ nodes: [{ url: held.url }] })
    const answer = async (call: number, template: unknown) =>
      (await asked.first((_, index) => index === call))(template)
    await answer(0, at[0])
    await height(1)
    // The long poll is asked before the poll has seen the second block and asks for its template.
    await asked.first((_, index) => index === 2)
    await answer(1, at[2])
    await height(3)
    await answer(2, at[1])
    // Another long poll, and the question for what is true now.
    await asked.first((_, index) => index === 4)
    expect(templates.seen.map(({ template }) => template.bitcoinHeight)).toEqual([1, 3])
  })

  it('says which ZeroMQ line is missing, and works without it', async () => {
    const server = await devChain()
    const { made, height } = feed({ nodes: [{ ...node(server), zmqHashblock: 'tcp://127.0.0.1:28332' }] })
    await height(1)
    await mine(server)
    await height(2)
    expect(made.statuses[0]).toMatchObject({ state: 'ready' })
    expect(made.statuses[0]?.message).toContain('zmqpubhashblock=tcp://127.0.0.1:28332')
  })

  it('survives an address that ZeroMQ refuses', async () => {
    const server = await devChain()
    const { made, height } = feed({ nodes: [{ ...node(server), zmqHashblock: 'nonsense' }] })
    await height(1)
    expect(made.statuses[0]?.message).toContain('[bitcoind] zmq_hashblock')
  })

  it('reports nothing after its stop, and leaves no call behind', async () => {
    const server = await devChain()
    const { made, height, templates, statuses } = feed({ nodes: [node(server)] })
    await height(1)
    await made.stop()
    const [given, told] = [templates.seen.length, statuses.seen.length]
    await mine(server)
    await server.stop()
    expect([templates.seen.length, statuses.seen.length]).toEqual([given, told])
  })
})
