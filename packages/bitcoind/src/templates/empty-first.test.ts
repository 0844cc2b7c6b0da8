import type { BlockTemplate } from '@p2poolv2/bitcoin'
import { DevChainServer } from '@p2poolv2/devchain/rpc'
import { buildBlock, REGTEST_DIFFICULTY } from '@p2poolv2/devchain/testing'
import { createLog } from '@p2poolv2/runtime'
import { describe, expect, it, onTestFinished } from 'vitest'
import { XPublisher } from 'zeromq'
import { Recorder } from '../testing/recorder.ts'
import { rpcAnswer, ScriptedPeer } from '../testing/scripted-peer.ts'
import { TemplateGate } from '../testing/template-gate.ts'
import type { TemplateCause } from './node-watch.ts'
import { TemplateFeed, type TemplateFeedOptions, type TemplateFeedPorts } from './template-feed.ts'

const log = createLog({ level: 'silent', format: 'json' })
const LOGIN = { user: 'u', password: 'p' }

/** A chain of regtest's rules whose templates may be held back. */
async function heldChain(options: Partial<TemplateFeedOptions> = {}, zmqHashblock = '', ports: FeedPorts = {}) {
  const chain = await DevChainServer.start({ ...LOGIN, difficulty: REGTEST_DIFFICULTY })
  onTestFinished(() => chain.stop())
  const gate = await TemplateGate.start(chain.url)
  onTestFinished(() => gate.stop())
  const mine = async (changes: Parameters<typeof buildBlock>[1] = {}): Promise<void> => {
    const block = Buffer.from(buildBlock(chain.chain.template(1_795_360_577), changes)).toString('hex')
    const authorization = `Basic ${Buffer.from('u:p').toString('base64')}`
    const body = JSON.stringify({ id: 1, method: 'submitblock', params: [block] })
    const answer = await fetch(chain.url, { method: 'POST', headers: { authorization }, body })
    expect(await answer.json()).toMatchObject({ result: null })
  }
  return { chain, gate, mine, ...feed({ nodes: [{ url: gate.url, ...LOGIN, zmqHashblock }], ...options }, ports) }
}

type FeedPorts = Pick<TemplateFeedPorts, 'whenFree'>

function feed(options: Partial<TemplateFeedOptions>, ports: FeedPorts = {}) {
  const templates = new Recorder<{ template: BlockTemplate; cause: TemplateCause }>()
  const made = new TemplateFeed(
    {
      nodes: [],
      chains: ['regtest'],
      longPoll: 'off',
      ...options,
      timings: { tipPollMs: 10, refreshMs: 60_000, retryMinMs: 5, retryMaxMs: 20, ...options.timings }
    },
    { onTemplate: (template, _, cause) => templates.add({ template, cause }), onStatus: () => {}, log, ...ports }
  )
  onTestFinished(() => made.stop())
  made.start()
  const height = (wanted: number) => templates.first(({ template }) => template.bitcoinHeight === wanted)
  return { made, templates, height }
}

describe('while the template of a new block is not there', () => {
  it('there is work without transactions, and the same work is not given out again', async () => {
    const { chain, gate, mine, height, templates } = await heldChain()
    const first = await height(1)
    gate.shut()
    await mine()
    const { template, cause } = await height(2)
    expect(cause).toBe('empty-first')
    expect(template).toMatchObject({
      prevHash: chain.chain.tip.hash,
      transactions: [],
      coinbaseValueSats: 5_000_000_000n
    })
    gate.open()
    await mine()
    const next = await height(3)
    expect(templates.seen.map(({ template: { bitcoinHeight } }) => bitcoinHeight)).toEqual([1, 2, 3])
    expect(next.template.version).toBe(first.template.version)
  })

  it('work for the tip after next goes on from the empty one', async () => {
    const { chain, gate, mine, height } = await heldChain()
    await height(1)
    gate.shut()
    for (const next of [2, 3, 4]) {
      await mine()
      expect(await height(next)).toMatchObject({ cause: 'empty-first', template: { prevHash: chain.chain.tip.hash } })
    }
  })

  it('a template that is there is not read before miners have the work without it', async () => {
    const waiting = new Recorder<() => void>()
    const whenFree = (): Promise<void> => new Promise(free => waiting.add(free))
    const { mine, height, templates } = await heldChain({}, '', { whenFree })
    ;(await waiting.first(() => true))()
    await height(1)
    await mine()
    // The template is there, since it waits to be read.
    const read = await waiting.first(() => true, 1)
    expect((await height(2)).cause).toBe('empty-first')
    read()
    await mine()
    ;(await waiting.first(() => true, 2))()
    await height(3)
    expect(templates.seen[0]?.cause).toBe('connected')
  })

  it('nothing is foreseen where the operator does not want it', async () => {
    const { gate, mine, height, templates } = await heldChain({ emptyFirst: 'off' })
    await height(1)
    gate.shut()
    await mine()
    gate.open()
    await height(2)
    expect(templates.seen.map(({ cause }) => cause)).not.toContain('empty-first')
  })

  it('a node that tells of a tip it does not have gives no work on it', async () => {
    const chain = await DevChainServer.start({ ...LOGIN, difficulty: REGTEST_DIFFICULTY })
    onTestFinished(() => chain.stop())
    const template = chain.chain.template(1_795_360_577)
    const asked = new Recorder<string>()
    const { genesis } = chain.chain
    const liar = await ScriptedPeer.start((socket, { id, method }) => {
      asked.add(method)
      if (method === 'getblockchaininfo')
        socket.write(rpcAnswer(id, { chain: 'regtest', blocks: 0, headers: 0, initialblockdownload: false }))
      else if (method === 'getbestblockhash') socket.write(rpcAnswer(id, '07'.repeat(32)))
      else if (method === 'getblockheader')
        socket.write(
          rpcAnswer(id, {
            hash: '07'.repeat(32),
            confirmations: 1,
            height: 1,
            version: 1,
            previousblockhash: genesis.hash,
            merkleroot: '00'.repeat(32),
            time: 1_795_360_577,
            mediantime: 1_795_360_577,
            nonce: 0,
            bits: '207fffff'
          })
        )
      else if (asked.seen.filter(name => name === method).length === 1) socket.write(rpcAnswer(id, template))
    })
    onTestFinished(() => liar.stop())
    const { height, templates, made } = feed({ nodes: [{ url: liar.url }] })
    await height(1)
    await asked.first(method => method === 'getblockheader')
    // The header was answered before the next two polls were asked.
    const position = asked.seen.length
    await asked.first((method, at) => at > position + 1 && method === 'getbestblockhash')
    expect(templates.seen).toHaveLength(1)
    await made.stop()
  })
})

it('a node that tells of its blocks by zmq is not asked by long poll as well, and makes one template for each', async () => {
  const publisher = new XPublisher({ linger: 0 })
  onTestFinished(() => publisher.close())
  await publisher.bind('tcp://127.0.0.1:*')
  const { chain, gate, mine, height, templates } = await heldChain(
    { longPoll: 'on', timings: { tipPollMs: 600_000 } },
    publisher.lastEndpoint ?? ''
  )
  await height(1)
  await publisher.receive()
  const blockAt = async (next: number): Promise<TemplateCause> => {
    await mine()
    await publisher.send(['hashblock', Buffer.from(chain.chain.tip.hash, 'hex'), Buffer.alloc(4, next)])
    const came = await templates.first(({ template }) => template.bitcoinHeight === next)
    return came.cause
  }
  // Until it was heard by zmq it is listened to by long poll as well.
  let next = 2
  while ((await blockAt(next)) !== 'zmq') next += 1
  const before = gate.asked.seen.length
  for (let blocks = 0; blocks < 8; blocks++) await blockAt(++next)
  const asked = gate.asked.seen.slice(before)
  expect(asked).not.toContain('long poll')
  // One may be for the block before.
  expect(asked.filter(method => method === 'getblocktemplate').length).toBeLessThanOrEqual(9)
})
