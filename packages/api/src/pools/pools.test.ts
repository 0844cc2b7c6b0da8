import { A_BLOCK, A_SHARE, address } from '@p2poolv2/node/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LiveNode } from '../testing/live-node.ts'

let node: LiveNode
const name = `${address(1)}.attic`

beforeEach(async () => {
  node = new LiveNode()
  const { rig } = node
  rig.template()
  rig.connect(1, name, 'x', 'bitaxe/BM1370')
  rig.connect(2, address(2))
  await node.start()
  rig.advance(10_000)
  rig.mine(1, A_SHARE)
  rig.mine(2, A_SHARE)
  rig.mine(1, A_BLOCK)
  for (let quarter = 0; quarter < 6; quarter++) {
    rig.advance(15_000)
    await node.keeper?.sample()
  }
})
afterEach(() => node.stop())

describe('as public-pool', () => {
  it('the pool, its firmwares and its blocks are told', async () => {
    expect(await node.json('/api/pool')).toEqual({
      totalHashRate: expect.any(Number),
      blockHeight: 100,
      totalMiners: 2,
      blocksFound: [{ height: 101, minerAddress: expect.any(String), worker: '', sessionId: '' }],
      fee: 0
    })
    const info = await node.json<{ userAgents: { userAgent: string; count: string }[]; uptime: string }>('/api/info')
    expect(info.userAgents.map(({ userAgent, count }) => [userAgent, count])).toEqual([
      ['bitaxe/BM1370', '1'],
      ['scripted/1.0', '1']
    ])
    expect(Date.parse(info.uptime)).toBeGreaterThan(0)
    expect(await node.json('/api/network')).toMatchObject({ blocks: 100, difficulty: expect.any(Number), pooledtx: 3 })
  })

  it('an address has its workers and charts', async () => {
    expect(await node.json(`/api/client/${address(1)}`)).toEqual({
      bestDifficulty: expect.any(Number),
      workersCount: 1,
      workers: [
        {
          sessionId: expect.any(String),
          name: 'attic',
          bestDifficulty: expect.stringMatching(/^\d+\.\d\d$/),
          hashRate: expect.any(Number),
          startTime: expect.any(String),
          lastSeen: expect.any(String)
        }
      ]
    })
    expect(await node.json(`/api/client/${address(9)}`)).toMatchObject({ workersCount: 0, workers: [] })
    const chart = await node.json<{ label: string; data: number }[]>(`/api/client/${address(1)}/chart`)
    expect(chart[0]).toEqual({ label: expect.stringMatching(/0:00\.000Z$/), data: expect.any(Number) })
    expect(await node.json(`/api/client/${address(1)}/attic`)).toMatchObject({ name: 'attic', chartData: chart })
    expect((await fetch(node.url(`/api/client/${address(1)}/none`))).status).toBe(404)
  })
})

describe('as ckpool', () => {
  it('pool.status is three lines of JSON', async () => {
    const text = await (await fetch(node.url('/pool/pool.status'))).text()
    const lines = text
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as Record<string, unknown>)
    expect(lines.map(line => Object.keys(line))).toEqual([
      ['runtime', 'lastupdate', 'Users', 'Workers', 'Idle', 'Disconnected'],
      ['hashrate1m', 'hashrate5m', 'hashrate15m', 'hashrate1hr', 'hashrate6hr', 'hashrate1d', 'hashrate7d'],
      ['diff', 'accepted', 'rejected', 'bestshare', 'SPS1m', 'SPS5m', 'SPS15m', 'SPS1h']
    ])
    expect(lines[0]).toMatchObject({ runtime: 100, Users: 2, Workers: 2, Idle: 2, Disconnected: 0 })
    expect(lines[1]?.['hashrate1hr']).toMatch(/^\d+(\.\d+)?[KMGTPEZ]?$/)
  })

  it('a user has its workers by name', async () => {
    const user = await node.json<{ worker: { workername: string }[] }>(`/users/${address(1)}`)
    expect(user).toMatchObject({ workers: 1, bestever: expect.any(Number), hashrate7d: expect.any(String) })
    expect(user.worker.map(({ workername }) => workername)).toEqual([name])
    expect((await node.json<{ worker: { workername: string }[] }>(`/users/${address(2)}`)).worker[0]?.workername).toBe(
      address(2)
    )
    expect((await fetch(node.url(`/users/${address(9)}`))).status).toBe(404)
  })
})
