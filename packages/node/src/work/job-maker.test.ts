import { encodeShare, parseBitcoinCoinbase } from '@p2poolv2/consensus'
import { asciiToBytes, concatBytes } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { A_BLOCK, A_SHARE, address, factsOf, PARAMS, Rig, sharesMade } from '../testing/rig.ts'
import { BASE_COALESCE_MS } from './job-maker.ts'

describe('when work is renewed', () => {
  it('a template on another block means clean jobs, one on the same block does not', () => {
    const rig = new Rig()
    rig.template()
    const miner = rig.connect(1, address(1))
    rig.template({ transactions: 4 })
    expect(miner.jobs.map(job => job.clean)).toEqual([true, false])
    rig.template({ parent: 2 })
    expect(miner.jobs.map(job => job.clean)).toEqual([true, false, true])
    expect(rig.facts('jobsRenewed').map(fact => fact.cause)).toEqual(['firstTemplate', 'template', 'newBlock'])
  })

  it('a new mining base means new jobs at once, not clean', () => {
    const rig = new Rig()
    rig.template()
    const miner = rig.connect(1, address(1))
    rig.advance(1000)
    rig.mine(1, A_SHARE)
    expect(miner.jobs).toHaveLength(2)
    expect(miner.job.clean).toBe(false)
    expect(rig.facts('jobsRenewed').at(-1)?.cause).toBe('base')
  })

  it('bases that follow each other within 100 ms are offered once, at the end of the 100 ms', () => {
    const rig = new Rig()
    rig.template()
    const miner = rig.connect(1, address(1))
    rig.advance(1000)
    rig.mine(1, A_SHARE)
    expect(miner.jobs).toHaveLength(2)
    for (let count = 0; count < 5; count++) {
      rig.advance(10)
      rig.mine(1, A_SHARE)
    }
    expect(miner.jobs).toHaveLength(2)
    rig.advance(49)
    expect(miner.jobs).toHaveLength(2)
    rig.advance(1)
    expect(miner.jobs).toHaveLength(3)
    rig.advance(1000)
    expect(miner.jobs).toHaveLength(3)
  })

  it('a template does not wait for the 100 ms', () => {
    const rig = new Rig()
    rig.template()
    const miner = rig.connect(1, address(1))
    rig.template({ parent: 2 })
    expect(miner.jobs).toHaveLength(2)
  })

  it('without news work is renewed every 30 s, with a time that moved on', () => {
    const rig = new Rig()
    rig.template()
    const miner = rig.connect(1, address(1))
    rig.advance(29_999)
    expect(miner.jobs).toHaveLength(1)
    rig.advance(1)
    expect(miner.jobs).toHaveLength(2)
    const [first, second] = miner.jobs.map(job => Number.parseInt(job.time, 16))
    expect((second ?? 0) - (first ?? 0)).toBe(30)
    expect(factsOf(rig.effects, 'jobsRenewed').at(-1)?.cause).toBe('interval')
  })

  it('a clock that stepped back an hour does not hold renewal up for an hour', () => {
    const rig = new Rig()
    rig.template()
    const miner = rig.connect(1, address(1))
    rig.skewMs -= 3_600_000
    rig.handle({ type: 'deadline' })
    const before = miner.jobs.length
    rig.advance(31_000)
    expect(miner.jobs.length).toBeGreaterThan(before)
  })
})

describe('when no share can be made', () => {
  /** Three nodes' clocks ago the chain ran ahead: its median time is far beyond this node's clock. */
  function behind() {
    const ahead = new Rig()
    ahead.template()
    ahead.connect(1, address(1))
    for (let count = 0; count < 3; count++) {
      ahead.advance(1000)
      ahead.mine(1, A_SHARE)
    }
    const rig = new Rig({ store: ahead.store })
    rig.skewMs = ahead.nowMs - 115_000 - rig.nowMs
    rig.template()
    return { rig, miner: rig.connect(7, address(7)) }
  }

  it('a chain with less work than it must have gives jobs for blocks alone, until it has', () => {
    const maker = new Rig()
    maker.template()
    maker.connect(1, address(1))
    const shares = [1, 2, 3].flatMap(() => {
      maker.advance(1_000)
      return sharesMade(maker.mine(1, A_SHARE))
    })
    const enough = maker.chain.confirmedTip().chainWork
    const rig = new Rig({ params: { ...PARAMS, minimumChainWork: enough } })
    rig.listener('peer')
    rig.template()
    rig.connect(7, address(7))
    rig.advance(4_000)
    for (const [id, share] of shares.entries()) {
      expect(rig.core.queries.work()).toMatchObject({ jobs: 'bitcoin-only', reason: 'chain-too-light' })
      expect(rig.chain.confirmedTip().height).toBe(0)
      // The type byte of a whole share (protocol §18.4).
      const payload = concatBytes(Uint8Array.of(5), encodeShare(share))
      rig.handle({ type: 'peerRequest', peer: 'peer', requestId: id, protocol: 'shares', payload })
      rig.advance(BASE_COALESCE_MS)
    }
    expect(rig.chain.confirmedTip()).toEqual(maker.chain.confirmedTip())
    expect(rig.core.queries.work()).toMatchObject({ jobs: 'full', reason: null })
    expect(sharesMade(rig.mine(7, A_SHARE))).toHaveLength(1)
  })

  it('a clock behind the chain gives jobs that commit to no miner, and the status says why', () => {
    const { rig, miner } = behind()
    expect(miner.jobs).toHaveLength(1)
    // The last output and the lock time of block 101, as in every job, but the same for whoever mines it.
    const commitmentOf = (coinbase2: string): string | undefined =>
      /0{16}226a20([0-9a-f]{64})64000000$/.exec(coinbase2)?.[1]
    expect(commitmentOf(miner.job.coinbase2)).toBeDefined()
    expect(commitmentOf(rig.connect(8, address(8)).job.coinbase2)).toBe(commitmentOf(miner.job.coinbase2))
    expect(rig.core.queries.work()).toMatchObject({ jobs: 'bitcoin-only', reason: 'clock-behind-chain' })
    expect(rig.core.queries.status(rig.now).ineligible).toBe('clock-behind-chain')
    expect(rig.facts('jobsRenewed').at(-1)?.ineligible).toBe('clock-behind-chain')
  })

  it('such a job is a bitcoin block that pays the window all the same', () => {
    const { rig } = behind()
    const expected = rig.core.queries.status(rig.now).window
    const effects = rig.mine(7, A_BLOCK)
    expect(effects[0]?.type).toBe('submitBlock')
    expect(sharesMade(effects)).toEqual([])
    expect(rig.facts('bug')).toEqual([])
    const [block] = rig.store.blocksNow(1)
    expect(block?.shareHash).toBeNull()
    expect(new Set(block?.outputs.map(({ address, valueSats }) => `${address} ${valueSats}`))).toEqual(
      new Set(expected.map(({ address, payoutSats }) => `${address} ${payoutSats}`))
    )
    expect(expected.map(entry => entry.address)).toContain(address(1))
  })

  it('once the clock is right, jobs become shares again', () => {
    const { rig } = behind()
    rig.skewMs += 80_000
    rig.advance(30_000)
    expect(rig.core.queries.work().jobs).toBe('full')
    expect(sharesMade(rig.mine(7, A_SHARE))).toHaveLength(1)
  })
})

it('the coinbase of a share carries the node’s nanoseconds, height and signature', () => {
  const rig = new Rig()
  rig.template()
  rig.connect(1, address(1))
  const [published] = sharesMade(rig.mine(1, A_SHARE))
  if (published === undefined) throw new Error('a share was made')
  const parsed = parseBitcoinCoinbase(published.bitcoinCoinbase)
  expect(parsed).toMatchObject({
    ok: true,
    bitcoinHeight: 101,
    nsecs: BigInt(rig.nowMs) * 1_000_000n,
    poolSignature: asciiToBytes('P2Poolv2')
  })
})

it('the operator’s pool signature stands in every coinbase, none as well', () => {
  for (const text of ['', 'my own pool, with a name of 39 letters!']) {
    const rig = new Rig({ poolSignature: asciiToBytes(text) })
    rig.template()
    rig.connect(1, address(1))
    const [published] = sharesMade(rig.mine(1, A_SHARE))
    if (published === undefined) throw new Error('a share was made')
    expect(parseBitcoinCoinbase(published.bitcoinCoinbase)).toMatchObject({ poolSignature: asciiToBytes(text) })
    expect(rig.facts('bug')).toEqual([])
  }
})
