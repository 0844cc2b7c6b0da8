import { statusSchema } from '@p2poolv2/api/schema'
import type { NodeStatus } from '@p2poolv2/node'
import { blockHash, unixMs } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { statusJson } from './status-answer.ts'
import { VIEW } from './testing/node-view.ts'

const block = (over: Partial<NodeStatus['blocks'][number]> = {}): NodeStatus['blocks'][number] => ({
  blockHash: blockHash('ef'.repeat(32)),
  bitcoinHeight: 101,
  shareHash: null,
  timeSec: 1_700_000_000,
  outputs: [{ address: 'bcrt1qa', valueSats: 5_000_000_000n }],
  result: 'rejected: high-hash',
  ...over
})

describe('the status as JSON', () => {
  it('is byte for byte what was published, in its order of fields', () => {
    const view: NodeStatus = {
      ...VIEW,
      window: [{ address: 'bcrt1qa', weight: 36_893_488_147_419_103_232n, payoutSats: 5_000_000_000n }],
      windowWeight: 110_680_464_442_257_309_696n,
      windowShares: 4,
      blocks: [block()],
      miners: [
        {
          worker: 'w',
          payoutAddress: 'bcrt1qa',
          userAgent: 'cpu',
          difficulty: 0.5,
          hashrateHps: 1.25,
          accepted: 2,
          rejected: 1,
          work: 'pool',
          warnings: ['w']
        }
      ],
      refusedMiners: [
        {
          host: '192.0.2.1',
          user: 'x',
          userAgent: 'cpu',
          message: 'no address',
          tries: 3,
          firstAtMs: unixMs(1_700_000_000_500),
          lastAtMs: unixMs(1_700_000_060_000)
        }
      ]
    }
    expect(JSON.stringify(statusJson(view))).toBe(
      `{"chain":"devnet","fingerprint":"${'ab'.repeat(32)}","version":"0.1.0","sharechain":{"confirmedHeight":1,` +
        `"confirmedHash":"${'cd'.repeat(32)}","candidateHeight":1,"uncles":0,"scriptsUnchecked":0,"padding":{"form":"A","demanded":false}},"window":[{"address":"bcrt1qa",` +
        '"weight":"36893488147419103232","percent":33.333333,"payoutSats":5000000000}],"windowShares":4,"blocks":[{' +
        `"height":101,"hash":"${'ef'.repeat(32)}","time":1700000000,"outputs":[{"address":"bcrt1qa","sats":5000000000}],` +
        '"result":"rejected: high-hash"}],"miners":[{"worker":"w","address":"bcrt1qa","userAgent":"cpu","difficulty":0.5,' +
        '"hashrate":1.25,"accepted":2,"rejected":1,"work":"pool","warnings":["w"]}],"bitcoind":{"url":"http://127.0.0.1:1","state":"ready","height":7,' +
        '"message":null},"network":{"state":"current","message":"The share chain is current: shares found now count as ' +
        'soon as they are found.","peers":3,"sync":null},"refusedMiners":[{"host":"192.0.2.1","user":"x","userAgent":"cpu","message":"no address",' +
        '"tries":3,"since":1700000000,"last":1700000060}],"mode":"sharechain",' +
        '"totals":{"accepted":2,"rejected":1,"rejects":[{"reason":"Stale","count":1}],"bestDifficulty":3,"blocksFound":0,' +
        '"hashrates":{"m1":7,"m5":6,"m15":5,"h1":4,"h6":3,"d1":2,"d7":1}}}'
    )
  })

  it('gives percents that add up to a hundred', () => {
    const window = [3n, 2n, 2n].map((weight, i) => ({ address: `${i}`, weight, payoutSats: 0n }))
    const percents = statusJson({ ...VIEW, window, windowWeight: 7n }).window.map(({ percent }) => percent)
    expect(percents.reduce((sum, percent) => sum + percent, 0)).toBeCloseTo(100, 4)
  })

  it('can be read back to the amounts it was made from', () => {
    const window = [{ address: 'a', weight: 2n ** 70n, payoutSats: 2_099_999_997_690_000n }]
    const text = JSON.stringify(statusJson({ ...VIEW, window, windowWeight: 2n ** 70n }))
    expect(statusSchema.decode(JSON.parse(text)).window).toEqual([{ ...window[0], percent: 100 }])
  })

  it('survives an amount that no bitcoin block can pay', () => {
    const outputs = [{ address: 'a', valueSats: 2n ** 64n - 1n }]
    expect(statusJson({ ...VIEW, blocks: [block({ outputs })] }).blocks[0]?.outputs[0]?.sats).toBe(2 ** 53 - 1)
  })

  it('says to set a clock right that is behind the share chain, unless the bitcoin node has something to say', () => {
    const late: NodeStatus = { ...VIEW, ineligible: 'clock-behind-chain' }
    expect(statusJson(late).bitcoind.message).toContain('clock')
    const bitcoind = { ...VIEW.bitcoind, message: 'no login' }
    expect(statusJson({ ...late, bitcoind }).bitcoind.message).toBe('no login')
  })

  it('says how far the clock is from bitcoind’s', () => {
    expect(statusJson({ ...VIEW, clockDifferenceSec: -6_901 }).bitcoind.message).toContain('115 minutes behind')
    expect(statusJson({ ...VIEW, clockDifferenceSec: 180 }).bitcoind.message).toContain('3 minutes ahead of')
    expect(statusJson(VIEW).bitcoind.message).toBe(null)
  })

  it('says how far a sync is, and nothing of a rate that is not known yet', () => {
    const sync = {
      phase: 'checking',
      doneHeights: 1_200,
      totalHeights: 5_000,
      heightsPerSec: 390.5,
      secondsLeft: 10
    } as const
    const syncing = { state: 'syncing', quiet: false, peers: 2, sync } as const
    expect(statusJson({ ...VIEW, network: syncing }).network.sync).toEqual({
      phase: 'checking',
      doneHeights: 1_200,
      totalHeights: 5_000,
      heightsPerSecond: 390.5,
      secondsLeft: 10
    })
    const first = { ...syncing, sync: { ...sync, heightsPerSec: null, secondsLeft: null } }
    expect(statusJson({ ...VIEW, network: first }).network.sync).toMatchObject({
      heightsPerSecond: null,
      secondsLeft: null
    })
  })

  it('tells a quiet network from one where shares come in', () => {
    const network = { state: 'current', quiet: true, peers: 1, sync: null } as const
    expect(statusJson({ ...VIEW, network }).network.message).toMatch(/No share has been confirmed in the last minutes/)
  })
})
