import type { NodeFact } from '@p2poolv2/node'
import { A_BLOCK, A_SHARE, address, Rig } from '@p2poolv2/node/testing'
import { blockHash, shareHash } from '@p2poolv2/primitives'
import { createLog, MESSAGES, Metrics } from '@p2poolv2/runtime'
import { describe, expect, it } from 'vitest'
import { LINE_GAP_MS, LINES_AT_ONCE } from './log-gate.ts'
import { Telemetry } from './telemetry.ts'

interface Line {
  readonly level: string
  readonly msg: string
  readonly [field: string]: unknown
}

function bench({ areCoinsReal } = { areCoinsReal: true }) {
  const rig = new Rig()
  const lines: Line[] = []
  const log = createLog({
    level: 'info',
    format: 'json',
    sink: { write: line => void lines.push(JSON.parse(line) as Line) }
  })
  const telemetry = new Telemetry({ log, metrics: new Metrics(), clock: { now: () => rig.now }, areCoinsReal })
  const tell = (): void => {
    for (const effect of rig.effects.splice(0)) if (effect.type === 'report') telemetry.record(effect.fact)
  }
  const metrics = async (): Promise<Map<string, number>> => {
    const page = await telemetry.exposition(rig.core.queries, 3)
    const samples = page.split('\n').filter(line => line !== '' && !line.startsWith('#'))
    return new Map(
      samples.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))])
    )
  }
  return { rig, lines, telemetry, tell, metrics }
}

describe('metrics', () => {
  it('show what was mined, found and is paid, in upstream’s units', async () => {
    const { rig, tell, metrics } = bench()
    rig.template()
    rig.connect(1, `${address(1)}.rig`)
    rig.mine(1, A_SHARE)
    rig.advance(1000)
    rig.mine(1, A_BLOCK)
    tell()
    const page = await metrics()
    expect(page.get('shares_accepted_total')).toBe(2)
    expect(page.get('p2pool_own_shares_found_total')).toBe(2)
    expect(page.get('bitcoin_blocks_found_total')).toBe(1)
    expect(page.get('p2pool_miners')).toBe(1)
    expect(page.get('p2pool_commit_queue_length')).toBe(3)
    expect(page.get('p2pool_sharechain_height{chain="confirmed"}')).toBe(2)
    const credited = page.get('accepted_difficulty_total') ?? 0
    const worker = `{btcaddress="${address(1)}",workername="rig"}`
    expect(page.get(`worker_shares_valid_total${worker}`)).toBeCloseTo(credited * 2 ** 32, 6)
    const outputs = [...page].filter(([name]) => name.startsWith('coinbase_output'))
    expect(outputs.reduce((sum, [, sats]) => sum + sats, 0)).toBe(5_000_000_000)
  })

  it('show how long submits, new work and bitcoin nodes take', async () => {
    const { telemetry, metrics } = bench()
    telemetry.took({ submits: 3, renewals: 0, sec: 0.0004 })
    telemetry.took({ submits: 0, renewals: 2, sec: 0.02 })
    telemetry.called('getblocktemplate', 0.3, null)
    telemetry.called('getblocktemplate', 5, 'timed-out')
    telemetry.missedNotices(2)
    const page = await metrics()
    expect(page.get('p2pool_submit_seconds_bucket{le="0.0005"}')).toBe(3)
    expect(page.get('p2pool_submit_seconds_bucket{le="0.00025"}')).toBe(0)
    expect(page.get('p2pool_job_broadcast_seconds_count')).toBe(1)
    expect(page.get('p2pool_bitcoind_rpc_seconds_count{method="getblocktemplate"}')).toBe(2)
    expect(page.get('p2pool_bitcoind_rpc_errors_total{code="timed-out"}')).toBe(1)
    expect(page.get('p2pool_zmq_missed_total')).toBe(2)
  })

  it('show peers, what they cost, and blocks found elsewhere', async () => {
    const { rig, tell, telemetry, metrics } = bench()
    rig.listener('peer')
    rig.template()
    rig.connect(1, `${address(1)}.rig`)
    rig.mine(1, A_SHARE)
    const bad = { type: 'gossip', peer: 'peer', messageId: '1', topic: 'shares', data: new Uint8Array(3) } as const
    rig.handle(bad)
    tell()
    const hash = blockHash('0'.repeat(64))
    telemetry.record({ type: 'gossip', fact: { type: 'blockRebuilt', blockHash: hash, source: 'book' } })
    const page = await metrics()
    expect(page.get('p2pool_peers')).toBe(1)
    expect(page.get('p2pool_share_relays_total')).toBe(1)
    expect(page.get('p2pool_rebuilt_blocks_total{source="book"}')).toBe(1)
    expect(page.get('p2pool_peer_penalties_total{code="malformed-message"}')).toBe(1)
    expect(page.get('p2pool_peer_penalty_points_total')).toBe(20)
  })

  it('asked twice count once', async () => {
    const { rig, tell, metrics } = bench()
    rig.template()
    rig.connect(1, `${address(1)}.rig`)
    rig.mine(1, A_SHARE)
    tell()
    expect([...(await metrics())]).toEqual([...(await metrics())])
  })
})

describe('the log', () => {
  it('tells of a block whatever else went on', () => {
    const { rig, lines, tell } = bench()
    rig.template()
    rig.connect(1, `${address(1)}.rig`)
    for (let count = 0; count < 30; count++) {
      rig.advance(200)
      rig.mine(1, A_SHARE)
    }
    rig.mine(1, A_BLOCK)
    tell()
    expect(lines.filter(line => line.msg.startsWith('BLOCK FOUND'))).toMatchObject([
      { level: 'info', bitcoinHeight: 101, foundBy: address(1) }
    ])
  })

  it('says whom a block pays, which is seldom the one that found it', () => {
    const { rig, lines, telemetry, tell } = bench()
    rig.template()
    rig.connect(1, `${address(1)}.rig`)
    rig.mine(1, A_BLOCK)
    const fact = rig.effects.flatMap(effect => (effect.type === 'report' ? [effect.fact] : [])).find(isBlockFound)
    if (fact === undefined) throw new Error('no block was found')
    tell()
    telemetry.record({ ...fact, finderSats: 0n, lostSats: 0n })
    telemetry.record({ ...fact, finderSats: 3n, lostSats: fact.valueSats / 100n })
    telemetry.record({ ...fact, finderSats: 7n, lostSats: 0n })
    const found = lines.filter(line => line.msg.startsWith('BLOCK FOUND'))
    expect(found[0]).toMatchObject({ finderSats: '0', lostSats: '5000000000', foundByWorker: 'rig' })
    expect(found.map(({ msg }) => msg)).toEqual([
      expect.stringContaining('lostSats of it go to the key of the genesis share'),
      expect.stringContaining('of whom the one that found it is none yet'),
      expect.stringContaining('finderSats of it to the one that found it'),
      expect.stringContaining('finderSats of it to the one that found it')
    ])
  })

  it('tells of the first block on a parent, once of others there, and of no more', () => {
    const { rig, lines, telemetry } = bench()
    rig.template()
    rig.connect(1, address(1))
    rig.mine(1, A_BLOCK)
    const fact = rig.effects.flatMap(effect => (effect.type === 'report' ? [effect.fact] : [])).find(isBlockFound)
    if (fact === undefined) throw new Error('no block was found')
    for (let before = 0; before < 1_000; before++) telemetry.record({ ...fact, siblingsBefore: before })
    expect(lines.filter(({ level }) => level !== 'debug').map(({ msg }) => msg)).toEqual([
      expect.stringContaining('BLOCK FOUND'),
      expect.stringContaining('another block of ours on the same parent')
    ])
  })

  const lost = { type: 'blockResult', url: 'http://127.0.0.1:8332', result: 'lost-race', reason: null } as const
  const [ours, theirs] = [blockHash('1'.repeat(64)), blockHash('2'.repeat(64))]

  it('warns of a race that our block lost, and says so of another node’s without a fright', () => {
    const { lines, telemetry } = bench()
    telemetry.record({ type: 'gossip', fact: { type: 'blockRebuilt', blockHash: theirs, source: 'book' } })
    telemetry.record({ ...lost, blockHash: theirs })
    telemetry.record({ ...lost, blockHash: ours })
    expect(lines.slice(1)).toMatchObject([
      { level: 'info', blockHash: theirs, foundBy: 'another node' },
      { level: 'warn', blockHash: ours, foundBy: 'this node', id: MESSAGES.blockLostRace.id }
    ])
  })

  it('frightens nobody about blocks whose coins are worth nothing', () => {
    const { rig, lines, telemetry, tell } = bench({ areCoinsReal: false })
    rig.template()
    rig.connect(1, address(1))
    rig.mine(1, A_BLOCK)
    tell()
    const before = lines.length
    telemetry.record({ ...lost, blockHash: ours })
    for (const fate of ['orphaned', 'lost-race'] as const)
      telemetry.record({ type: 'blockFate', blockHash: ours, bitcoinHeight: 7, fate })
    expect(lines.find(({ msg }) => msg.startsWith('BLOCK FOUND'))).toMatchObject({ coins: 'worth nothing' })
    expect(lines.slice(before).map(({ level }) => level)).toEqual(['info', 'info', 'info'])
  })

  it('no miner can fill it: lines of a kind are few a minute, and say how many were kept back', () => {
    const { rig, lines, telemetry } = bench()
    const fact = { type: 'minerRefused', miner: 1, message: 'put your bcrt1... address as the user name' } as const
    for (let count = 0; count < 100; count++) telemetry.record(fact)
    expect(lines).toHaveLength(LINES_AT_ONCE)
    rig.nowMs += 60_000
    telemetry.record(fact)
    expect(lines.at(-1)).toMatchObject({ level: 'warn', suppressed: 100 - LINES_AT_ONCE })
  })

  it('never falls silent about what goes on: a line in every gap, from the start', () => {
    const { rig, lines, telemetry } = bench()
    const share = { type: 'shareFound', shareHash: shareHash('0'.repeat(64)), height: 1, payoutAddress: 'a' } as const
    const toldAtMs: number[] = []
    for (let second = 0; second < 120; second++) {
      const before = lines.filter(({ level }) => level === 'info').length
      telemetry.record({ ...share, worker: 'rig' })
      if (lines.filter(({ level }) => level === 'info').length > before) toldAtMs.push(rig.nowMs)
      rig.nowMs += 1_000
    }
    const silences = toldAtMs.slice(1).map((atMs, index) => atMs - (toldAtMs[index] ?? 0))
    expect(Math.max(...silences)).toBe(LINE_GAP_MS)
    expect(toldAtMs).toHaveLength(LINES_AT_ONCE + 120_000 / LINE_GAP_MS - 1)
  })

  it('prints what a miner called itself without control characters and not at length', () => {
    const { lines, telemetry } = bench()
    const worker = `\u001b[2J${'x'.repeat(1000)}`
    telemetry.record({
      type: 'shareFound',
      shareHash: shareHash('0'.repeat(64)),
      height: 1,
      payoutAddress: 'a',
      worker
    })
    const printed = String(lines[0]?.['worker'])
    expect(printed).toMatch(/^\?\[2Jx+$/)
    expect(printed.length).toBeLessThanOrEqual(300)
  })

  it('a bug of ours is an error with its code', () => {
    const { lines, telemetry } = bench()
    telemetry.record({ type: 'bug', code: 'own-share-refused', detail: 'share-bits' })
    expect(lines).toMatchObject([{ level: 'error', code: 'own-share-refused' }])
  })

  it('says in words how the node stands among the others', () => {
    const { lines, telemetry } = bench()
    for (const state of ['syncing', 'current', 'alone'] as const) {
      telemetry.record({ type: 'gossip', fact: { type: 'statusChanged', state } })
    }
    expect(lines.map(line => line.msg)).toEqual([
      'shares of others are being fetched: mining goes on meanwhile',
      'the share chain is current',
      'no peer is connected: mining goes on alone'
    ])
  })

  it('says once that jobs are not shares, and once that they are again', () => {
    const { lines, telemetry } = bench()
    for (const ineligible of ['clock-behind-chain', 'clock-behind-chain', null, null] as const) {
      telemetry.record({ type: 'jobsRenewed', cause: 'interval', miners: 1, ineligible })
    }
    expect(lines.map(line => line.level)).toEqual(['warn', 'info'])
  })
})

function isBlockFound(fact: NodeFact): fact is Extract<NodeFact, { type: 'blockFound' }> {
  return fact.type === 'blockFound'
}
