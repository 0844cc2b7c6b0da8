import type {
  BlocksJson,
  CoinbaseJson,
  DoctorJson,
  EarningsJson,
  HistoryJson,
  OwnSharesJson,
  PayoutsJson,
  SharesJson,
  StatusJson,
  TemplateJson,
  TimelineJson,
  WindowJson,
  WorkerHistoryJson,
  WorkersJson
} from '@p2poolv2/api/schema'
import { ROUTES, type Route } from '@p2poolv2/api/schema'
import { A_BLOCK, A_SHARE, address } from '@p2poolv2/node/testing'
import { blockHash, shareHash } from '@p2poolv2/primitives'
import type { FoundBlock } from '@p2poolv2/sharechain'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { LiveNode, TOKEN } from './testing/live-node.ts'

let node: LiveNode
beforeEach(() => {
  node = new LiveNode()
})
afterEach(() => node.stop())

/** Two miners, three shares of the first and one of the second, after which a bitcoin block. */
async function mined(): Promise<void> {
  const { rig } = node
  rig.template()
  rig.connect(1, `${address(1)}.attic`)
  rig.connect(2, `${address(2)}.cellar`, 'x', 'bitaxe/BM1370')
  await node.start()
  for (const miner of [1, 1, 2]) {
    rig.advance(10_000)
    rig.mine(miner, A_SHARE)
  }
  rig.advance(10_000)
  rig.mine(1, A_BLOCK)
}

describe('every JSON route', () => {
  const plain = Object.values<Route>(ROUTES).filter(
    ({ method, path, answer }) => method === 'get' && !path.includes('{') && answer instanceof z.ZodType
  )

  it.each(plain.map(route => [route.path, route] as const))(
    '%s keeps to its schema, with work and without',
    async (path, route) => {
      const check = async (): Promise<void> => {
        const headers = { authorization: `Bearer ${TOKEN}` }
        const answer: unknown = await (await fetch(node.url(path), { headers })).json()
        expect((route.answer as z.ZodType).safeDecode(answer as never)).toMatchObject({ success: true })
      }
      await node.start()
      await check()
      node.rig.template()
      node.rig.connect(1, `${address(1)}.attic`)
      node.rig.advance(10_000)
      node.rig.mine(1, A_SHARE)
      await check()
    }
  )
})

it('the log is for the owner alone: it says who mines from where', async () => {
  await node.start()
  expect((await fetch(node.url('/v1/log'))).status).toBe(401)
})

describe('earnings', () => {
  it('say why there is nothing to say before there is work', async () => {
    await node.start()
    expect(await node.json('/v1/earnings')).toMatchObject({
      earnings: null,
      message: expect.stringContaining('template')
    })
  })

  it('agree to the satoshi with the window, the coinbase and the status', async () => {
    await mined()
    const { earnings, addresses } = await node.json<EarningsJson>('/v1/earnings')
    const window = await node.json<WindowJson>('/v1/window')
    const { coinbase } = await node.json<CoinbaseJson>('/v1/coinbase')
    const status = await node.json<StatusJson>('/v1/status')
    expect([...addresses].sort()).toEqual([address(1), address(2)].sort())
    const now = earnings?.now
    const ours = coinbase?.outputs.filter(({ isOurs }) => isOurs).reduce((sum, { sats }) => sum + sats, 0)
    expect(now?.sats).toBe(ours)
    expect(now?.sats).toBe(window.miners.filter(({ isOurs }) => isOurs).reduce((sum, { sats }) => sum + sats, 0))
    expect(coinbase?.outputs.reduce((sum, { sats }) => sum + sats, 0)).toBe(coinbase?.sats)
    expect(window.miners.map(({ address, sats }) => [address, sats])).toEqual(
      status.window.map(({ address, payoutSats }) => [address, payoutSats])
    )
    expect(earnings?.window).toMatchObject({ shares: 4, uncles: 0 })
    expect(earnings?.sentences.now).toContain('If the pool found a block now you would get')
  })

  it('speak of the addresses asked for alone', async () => {
    await mined()
    const whole = await node.json<EarningsJson>('/v1/earnings')
    const parts = await Promise.all(
      [1, 2].map(number => node.json<EarningsJson>(`/v1/earnings?address=${address(number)}`))
    )
    expect(parts.map(({ earnings }) => earnings?.window.shares)).toEqual([3, 1])
    expect(parts.reduce((sum, { earnings }) => sum + (earnings?.now.sats ?? 0), 0)).toBe(whole.earnings?.now.sats)
    const nobody = await node.json<EarningsJson>(`/v1/earnings?address=${address(9)}`)
    expect(nobody.earnings?.now).toMatchObject({ sats: 0, outputs: [] })
    for (const path of ['earnings', 'shares/mine', 'payouts', 'payouts.csv']) {
      const asked = node.json(`/v1/${path}?address=${address(1)},bc1qnope`)
      await expect(asked, path).rejects.toThrow('400 {"error":"address: \\"bc1qnope\\" is no bitcoin address')
    }
  })

  it('answer what another hash rate would bring, in proportion', async () => {
    await mined()
    const { whatIf } = await node.json<EarningsJson>('/v1/earnings?hashrate=1000')
    const double = await node.json<EarningsJson>('/v1/earnings?hashrate=2000')
    expect(whatIf?.hashrate).toBe(1000)
    expect(double.whatIf?.satsPerDay).toBeCloseTo(2 * (whatIf?.satsPerDay ?? 0), 6)
    expect((await node.json<EarningsJson>('/v1/earnings')).whatIf).toBeNull()
  })

  it('count the dry spell from the last find, and say what spending costs where fees are known', async () => {
    await mined()
    node.feeRate = 10
    node.rig.advance(3_000_000)
    const { earnings } = await node.json<EarningsJson>('/v1/earnings')
    expect(earnings?.shareSpell).toMatchObject({ since: 'find' })
    expect(earnings?.shareSpell.sec).toBeGreaterThanOrEqual(3_000)
    expect(earnings?.spending.map(({ inputVbytes, costSats }) => [inputVbytes, costSats])).toEqual([
      [68, 680],
      [68, 680]
    ])
  })

  it('after a restart count neither the work from before as done since, nor the time it was stopped as a dry spell', async () => {
    await mined()
    const sharesAt = node.rig.nowMs
    await node.stop()
    node.rig.advance(3 * 3_600_000)
    await node.start()
    node.rig.advance(5_000)
    const { earnings } = await node.json<EarningsJson>('/v1/earnings')
    expect(earnings?.ownHashrate).toMatchObject({ hashrate: 0, windowSec: 5 })
    expect(earnings?.shareSpell.sec).toBeGreaterThan((node.rig.nowMs - sharesAt) / 1_000 - 30)
    expect(earnings?.shareSpell).toMatchObject({ expected: 0, verdict: 'unknown' })
    for (let share = 0; share < 12; share++) node.rig.mine(1, A_SHARE)
    node.rig.advance(5_000)
    const later = (await node.json<EarningsJson>('/v1/earnings')).earnings
    expect(later?.ownHashrate).toMatchObject({ windowSec: 10, effectiveFinds: expect.closeTo(12) })
    expect(later?.shareSpell.verdict).not.toMatch(/rare|suspicious/)
  })

  it('count the work since a block by the difficulty it was found at where bitcoin has become easier since', async () => {
    await mined()
    for (let share = 0; share < 12; share++) {
      node.rig.advance(1_000)
      node.rig.mine(1, A_SHARE)
    }
    const before = (await node.json<EarningsJson>('/v1/earnings')).earnings?.blockSpell
    node.rig.template({ bits: 0x207fffff, parent: 2 })
    const after = (await node.json<EarningsJson>('/v1/earnings')).earnings?.blockSpell
    expect(before?.expected).toBeGreaterThan(0)
    expect(after).toMatchObject({ expected: before?.expected, verdict: before?.verdict })
  })

  it.each(['hashrate=x', 'hashrate=-1', 'addresses=y'])('refuse %s and say what is wrong', async query => {
    await node.start()
    const answer = await fetch(node.url(`/v1/earnings?${query}`))
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ error: expect.stringContaining(query.split('=')[0] ?? '') })
  })
})

describe('our shares', () => {
  it('are listed newest first with when each leaves', async () => {
    await mined()
    const { shares, window } = await node.json<OwnSharesJson>('/v1/shares/mine')
    expect(shares.map(({ sharesAbove, address }) => [sharesAbove, address])).toEqual([
      [0, address(1)],
      [1, address(2)],
      [2, address(1)],
      [3, address(1)]
    ])
    expect(window?.strip.reduce((sum, count) => sum + count, 0)).toBe(4)
    for (const share of shares) expect(share.leaves?.meanSec).toBeGreaterThan(0)
  })
})

describe('the share chain', () => {
  it('is shown with its heights, newest first, and who of it is ours', async () => {
    await mined()
    const { shares, from, to, confirmedHeight } = await node.json<SharesJson>('/v1/shares?heights=3')
    expect([from, to, confirmedHeight]).toEqual([2, 4, 4])
    expect(shares.map(({ height, status, isOurs }) => [height, status, isOurs])).toEqual([
      [4, 'confirmed', true],
      [3, 'confirmed', true],
      [2, 'confirmed', true]
    ])
    const genesis = await node.json<SharesJson>('/v1/shares?heights=1&to=0')
    expect(genesis.shares).toMatchObject([{ height: 0, isOurs: false }])
  })

  it('tells the genesis key from miners, and how far the window reaches', async () => {
    await mined()
    const window = await node.json<WindowJson>('/v1/window')
    expect(window.miners.filter(({ isGenesis }) => isGenesis)).toHaveLength(1)
    expect(window).toMatchObject({ shares: 5, uncles: 0, uncleRate: 0, addresses: 3 })
    expect(window.spanSec).toBe(50)
  })
})

describe('workers', () => {
  it('are known by name, firmware and what they did, and stay when they leave', async () => {
    await mined()
    const before = await node.json<WorkersJson>('/v1/workers')
    expect(before.workers.map(({ id, state, accepted, userAgent }) => [id, state, accepted, userAgent])).toEqual([
      [`${address(1)}.attic`, 'online', 3, 'scripted/1.0'],
      [`${address(2)}.cellar`, 'online', 1, 'bitaxe/BM1370']
    ])
    expect(before.household).toMatchObject({ accepted: 4, rejected: 0, connections: 2, workers: 2 })
    node.rig.handle({ type: 'minerGone', miner: 2 })
    const after = await node.json<WorkersJson>('/v1/workers')
    expect(after.workers[1]).toMatchObject({ state: 'offline', accepted: 1, userAgent: null })
    expect(after.household.accepted).toBe(4)
  })

  it('are silent when nothing comes for long', async () => {
    await mined()
    node.rig.advance(3_600_000)
    const { workers } = await node.json<WorkersJson>('/v1/workers')
    expect(workers.map(({ state }) => state)).toEqual(['silent', 'silent'])
  })

  it('have their rejects counted by reason', async () => {
    await mined()
    const miner = node.rig.miner(1)
    const line = miner.submit(miner.grind(A_SHARE))
    for (let times = 0; times < 2; times++) node.rig.handle({ type: 'minerLines', miner: 1, lines: [line] })
    const { household } = await node.json<WorkersJson>('/v1/workers')
    expect(household.rejects).toEqual([{ code: 22, reason: expect.any(String), count: 1 }])
  })
})

describe('history', () => {
  it('is charted by minute, with gaps and not zeros where nothing was measured', async () => {
    await mined()
    for (let minute = 0; minute < 3; minute++) {
      node.rig.advance(30_000)
      await node.keeper?.sample()
      node.rig.mine(1, A_SHARE)
      node.rig.advance(30_000)
      await node.keeper?.sample()
    }
    const chart = await node.json<HistoryJson>('/v1/history?range=1h&series=hashrate,accepted,poolHashrate')
    expect(Object.keys(chart.series)).toEqual(['hashrate', 'accepted', 'poolHashrate'])
    expect(chart).toMatchObject({ level: 'minute', spanSec: 60 })
    expect(chart.time.length).toBeGreaterThanOrEqual(3)
    for (const column of Object.values(chart.series)) expect(column).toHaveLength(chart.time.length)
    expect(chart.series.poolHashrate?.every(value => value === null)).toBe(true)
    expect(chart.series.accepted?.reduce((sum: number, value) => sum + (value ?? 0), 0)).toBeGreaterThanOrEqual(6)
    const worker = await node.json<WorkerHistoryJson>(
      `/v1/workers/${encodeURIComponent(`${address(1)}.attic`)}/history?range=1h&series=accepted,online`
    )
    expect(worker.time).toEqual(chart.time)
    expect(worker.series.online?.at(-1)).toBe(1)
    const table = await (await fetch(node.url('/v1/history.csv?range=1h'))).text()
    expect(table.trimEnd().split('\r\n')).toHaveLength(chart.time.length + 1)
  })

  it.each(['/v1/history?series=nonsense', '/v1/history?range=2h', '/v1/history?points=0'])('refuses %s', async path => {
    await node.start()
    expect((await fetch(node.url(path))).status).toBe(400)
  })

  it('knows no worker that was never here, and has an empty chart of one that just came', async () => {
    await mined()
    expect((await fetch(node.url('/v1/workers/nobody.x/history'))).status).toBe(404)
    const chart = await node.json<WorkerHistoryJson>(`/v1/workers/${address(1)}.attic/history`)
    expect(chart.time).toEqual([])
  })
})

describe('blocks and payouts', () => {
  const HASH = (number: number) => blockHash(number.toString(16).padStart(64, '0'))
  const block = (height: number, over: Partial<FoundBlock> = {}): FoundBlock => ({
    bitcoinHeight: height,
    blockHash: HASH(height),
    timeSec: 1_700_000_000 + height,
    shareHash: shareHash('0'.repeat(64)),
    outputs: [
      { address: address(1), valueSats: 3_000_000_000n },
      { address: address(5), valueSats: 2_000_000_000n }
    ],
    result: 'accepted',
    ...over
  })

  async function withBlocks(): Promise<void> {
    node.blocks = [block(300), block(250, { result: 'seen' }), block(240), block(100)]
    node.bestChain = { tipHeight: 299, hashAt: height => (height === 240 ? HASH(1) : HASH(height)) }
    node.rig.template()
    node.rig.connect(1, `${address(1)}.attic`)
    await node.start()
  }

  it('say what became of each: not there yet, immature, spendable, lost', async () => {
    await withBlocks()
    const { blocks, counts, total, tipHeight } = await node.json<BlocksJson>('/v1/blocks')
    expect(
      blocks.map(({ height, state, confirmations, blocksToMaturity, ourSats, isSubmittedHere }) => [
        height,
        state,
        confirmations,
        blocksToMaturity,
        ourSats,
        isSubmittedHere
      ])
    ).toEqual([
      [300, 'waiting', 0, null, 3_000_000_000, true],
      [250, 'immature', 50, 50, 3_000_000_000, false],
      [240, 'orphaned', 0, null, 3_000_000_000, true],
      [100, 'mature', 200, 0, 3_000_000_000, true]
    ])
    expect({ counts, total, tipHeight }).toEqual({
      counts: { waiting: 1, immature: 1, mature: 1, orphaned: 1 },
      total: 4,
      tipHeight: 299
    })
    const below = await node.json<BlocksJson>('/v1/blocks?before=250&limit=1')
    expect(below.blocks.map(({ height }) => height)).toEqual([240])
  })

  it('are read page by page back to the first, none twice and none left out, however many there are', async () => {
    await withBlocks()
    const twins = [block(1_200, { blockHash: HASH(9_999) }), block(1_200)]
    const below = Array.from({ length: 1_199 }, (_, index) => block(1_199 - index))
    node.blocks = [...twins, ...below]
    const read: string[] = []
    let page = await node.json<BlocksJson>('/v1/blocks?limit=101&before=1300')
    for (;;) {
      expect(page.total).toBe(1_201)
      read.push(...page.blocks.map(({ hash }) => hash))
      if (page.next === null) break
      page = await node.json<BlocksJson>(`/v1/blocks?limit=101&cursor=${page.next}`)
    }
    expect(read).toEqual(node.blocks.map(({ blockHash: hash }) => hash))
    expect((await fetch(node.url('/v1/blocks?cursor=nonsense'))).status).toBe(400)
    const table = await (await fetch(node.url(`/v1/payouts.csv?address=${address(5)}`))).text()
    expect(table.trimEnd().split('\r\n')).toHaveLength(1 + 1_201)
  })

  it('sum up by state, and come as a table a spreadsheet reads', async () => {
    await withBlocks()
    const { payouts, sats } = await node.json<PayoutsJson>('/v1/payouts')
    expect(payouts).toHaveLength(4)
    expect(sats).toEqual({ waiting: 3e9, immature: 3e9, mature: 3e9, orphaned: 3e9 })
    const answer = await fetch(node.url(`/v1/payouts.csv?address=${address(5)}`))
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    const lines = (await answer.text()).split('\r\n')
    expect(lines[0]).toMatch(/^time_utc,bitcoin_height,/)
    expect(lines[4]).toContain(`,100,${HASH(100)},${address(5)},2000000000,20.00000000,mature,200,`)
  })

  it('wait while no bitcoin node can be asked', async () => {
    await withBlocks()
    node.bestChain = null
    const { counts, tipHeight } = await node.json<BlocksJson>('/v1/blocks')
    expect([counts.waiting, tipHeight]).toEqual([4, null])
  })
})

describe('the work', () => {
  it('is shown with where it came from, and the firmwares its coinbase is too long for', async () => {
    await mined()
    const { template } = await node.json<TemplateJson>('/v1/template')
    expect(template).toMatchObject({ height: 101, transactions: 3, feesSats: 300, coinbaseSats: 5_000_000_000 })
    expect(template?.source).toBe('http://127.0.0.1:18443')
    const { coinbase } = await node.json<CoinbaseJson>('/v1/coinbase')
    expect(coinbase?.hex).toHaveLength(2 * (coinbase?.bytes ?? 0))
    for (const { limitBytes, fits } of coinbase?.firmwares ?? [])
      expect(fits).toBe((coinbase?.bytes ?? 0) <= limitBytes)
  })
})

describe('health', () => {
  it('is alive at once and ready with the first work', async () => {
    await node.start()
    expect(await node.json('/livez')).toEqual({ status: 'alive' })
    const before = await fetch(node.url('/readyz'))
    expect([before.status, await before.json()]).toEqual([503, { ready: false, waiting: [expect.any(String)] }])
    node.rig.template()
    expect(await node.json('/readyz')).toEqual({ ready: true, waiting: [] })
  })

  it('is told check by check, each failure with its fix', async () => {
    await node.start()
    const { state, checks } = await node.json<DoctorJson>('/v1/doctor')
    expect(state).toBe('fail')
    expect(new Set(checks.map(({ id }) => id)).size).toBe(checks.length)
    for (const check of checks.filter(({ state }) => state === 'fail' || state === 'warn')) {
      expect(check.fix ?? check.message).not.toBe('')
      expect(check.cost).not.toBeNull()
    }
  })
})

describe('the timeline', () => {
  it('tells what happened in sentences, newest first, and what is new since an entry', async () => {
    await mined()
    const { entries } = await node.json<TimelineJson>('/v1/timeline')
    expect(entries.map(({ kind }) => kind)).toEqual([
      'block-found',
      'share-found',
      'share-found',
      'share-found',
      'share-found',
      'miner-joined',
      'miner-joined'
    ])
    expect(entries[0]).toMatchObject({ level: 'good', text: expect.stringContaining('BLOCK FOUND by Miner attic') })
    const newer = await node.json<TimelineJson>(`/v1/timeline?after=${entries[1]?.id}`)
    expect(newer.entries.map(({ id }) => id)).toEqual([entries[0]?.id])
  })

  it('prints nothing of a miner’s making that could act on a terminal or a page', async () => {
    await node.start()
    node.journal.record({ type: 'minerRefused', miner: 1, message: '\u001b[31m\u202e<b>' })
    const { entries } = await node.json<TimelineJson>('/v1/timeline')
    expect(entries[0]?.text).toBe('A miner was refused: ?[31m?<b>')
  })

  it('is not filled by one that comes and goes', async () => {
    await node.start()
    for (let times = 0; times < 100; times++) node.journal.record({ type: 'minerRefused', miner: 1, message: 'x' })
    expect((await node.json<TimelineJson>('/v1/timeline?limit=500')).entries).toHaveLength(30)
    node.rig.advance(60_000)
    node.journal.record({ type: 'minerRefused', miner: 1, message: 'x' })
    expect((await node.json<TimelineJson>('/v1/timeline')).entries[0]?.text).toContain('70 more like it')
    node.journal.checkInvariants()
  })
})
