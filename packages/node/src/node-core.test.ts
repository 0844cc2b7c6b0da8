import { describe, expect, it } from 'vitest'
import { EFFECT_RANK } from './contract.ts'
import { SERVED_AT_ONCE } from './miners/miner-desk.ts'
import { A_SHARE, address, effectsOf, factsOf, Rig, SETTINGS, sharesMade } from './testing/rig.ts'
import { ScriptedMiner } from './testing/scripted-miner.ts'

describe('miners and their work', () => {
  it('without a template a miner waits, and gets clean work when one comes', () => {
    const rig = new Rig()
    const miner = rig.connect(1, address(1))
    expect(miner.replies.get(2)?.result).toBe(true)
    expect(miner.jobs).toHaveLength(0)
    rig.template()
    expect(miner.jobs).toHaveLength(1)
    expect(miner.job.clean).toBe(true)
  })

  it('with a template a miner has work as soon as it is authorised', () => {
    const rig = new Rig()
    rig.template()
    const miner = rig.connect(1, address(1))
    expect(miner.jobs).toHaveLength(1)
    expect(miner.difficulty).toBeGreaterThan(0)
  })

  it('two miners on one template get different commitments and different ids', () => {
    const rig = new Rig()
    rig.template()
    const a = rig.connect(1, address(1)).job
    const b = rig.connect(2, address(2)).job
    const commitment = (coinbase2: string): string => coinbase2.slice(-8 - 64, -8)
    expect(commitment(a.coinbase2)).not.toBe(commitment(b.coinbase2))
    expect(a.id).not.toBe(b.id)
    expect(a.coinbase1).toBe(b.coinbase1)
    expect(a.prevHashWire).toEqual(b.prevHashWire)
  })

  it('two connections of one address never get the same coinbase', () => {
    const rig = new Rig()
    rig.template()
    const a = rig.connect(1, address(1))
    const b = rig.connect(2, address(1))
    expect(a.extranonce1).not.toBe(b.extranonce1)
    expect(a.job.coinbase2).not.toBe(b.job.coinbase2)
    rig.template({ parent: 2 })
    // The line of their job is the same, and is made once: what they hash differs by the extranonce in it.
    expect(a.job).toEqual(b.job)
    const [{ coinbase: ofA }, { coinbase: ofB }] = [a.grind(A_SHARE), b.grind(A_SHARE)]
    expect(ofA).not.toEqual(ofB)
  })

  it('a connection that gets work twice between two renewals never gets the same job twice', () => {
    const rig = new Rig()
    rig.template()
    const miner = rig.connect(1, address(1))
    rig.connect(2, address(1))
    // Long silence lets the difficulty fall, which comes with a job.
    while (miner.jobs.length < 4) rig.advance(1_000)
    expect(new Set(miner.jobs.map(({ id }) => id)).size).toBe(miner.jobs.length)
    expect(new Set(miner.jobs.map(({ coinbase2 }) => coinbase2)).size).toBe(miner.jobs.length)
    rig.core.checkInvariants()
  })

  it('an extranonce is not given out again soon after its connection is gone', () => {
    const rig = new Rig()
    const seen = new Set<string>()
    for (let id = 1; id <= 20; id++) {
      seen.add(rig.connect(id, address(1)).extranonce1)
      rig.handle({ type: 'minerGone', miner: id })
    }
    expect(seen.size).toBe(20)
  })

  it('1000 miners are notified with distinct jobs', () => {
    const rig = new Rig({ check: 'never' })
    rig.template()
    for (let id = 1; id <= 1000; id++) rig.connect(id, address(id))
    const sent = effectsOf(rig.template({ parent: 2 }), 'sendMiner')
    // The first do not wait for the last: the others are served in events of their own, one after the other.
    expect(sent).toHaveLength(SERVED_AT_ONCE)
    sent.push(...effectsOf(rig.advance(0), 'sendMiner'))
    expect(sent.map(effect => effect.miner)).toEqual(Array.from({ length: 1000 }, (_, index) => index + 1))
    expect(rig.core.nextDeadlineMs).toBeGreaterThan(rig.now.steadyMs)
    const jobs = Array.from({ length: 1000 }, (_, index) => rig.miner(index + 1).job)
    expect(new Set(jobs.map(job => job.id)).size).toBe(1000)
    expect(new Set(jobs.map(job => job.coinbase2)).size).toBe(1000)
    expect(jobs.every(job => job.clean)).toBe(true)
    rig.core.checkInvariants()
  })

  it('newer work goes to those first who did not get the last, and to everybody once', () => {
    const rig = new Rig({ check: 'never' })
    rig.template()
    const last = 2 * SERVED_AT_ONCE + 22
    for (let id = 1; id <= last; id++) rig.connect(id, address(id))
    const first = effectsOf(rig.template({ parent: 2 }), 'sendMiner').map(effect => effect.miner)
    const second = effectsOf(rig.template({ parent: 3 }), 'sendMiner').map(effect => effect.miner)
    expect(first).toEqual(Array.from({ length: SERVED_AT_ONCE }, (_, index) => index + 1))
    expect(second).toEqual(first.map(id => id + SERVED_AT_ONCE))
    // Who hangs up or asks by himself meanwhile is not served again.
    rig.handle({ type: 'minerGone', miner: last })
    const rest = effectsOf(rig.advance(0), 'sendMiner').map(effect => effect.miner)
    expect([...second, ...rest].sort((a, b) => a - b)).toEqual(
      Array.from({ length: last - 1 }, (_, index) => index + 1)
    )
    const { prevHashWire } = rig.miner(1).job
    for (let id = 2; id < last; id++) expect(rig.miner(id).job.prevHashWire).toEqual(prevHashWire)
    rig.core.checkInvariants()
  })

  it('a job id is the 16 hex digits of a number that only rises, even if the clock steps back', () => {
    const rig = new Rig()
    rig.template()
    const miner = rig.connect(1, address(1))
    rig.nowMs -= 5000
    rig.template({ parent: 2 })
    rig.nowMs -= 5000
    rig.template({ parent: 3 })
    const ids = miner.jobs.map(job => job.id)
    expect(ids).toHaveLength(3)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{16}$/)
    expect([...ids].sort()).toEqual(ids)
  })

  it('lines of a connection that is gone are dropped', () => {
    const rig = new Rig()
    rig.connect(1, address(1))
    rig.handle({ type: 'minerGone', miner: 1 })
    expect(rig.handle({ type: 'minerLines', miner: 1, lines: new ScriptedMiner(address(1)).hello() })).toEqual([])
    expect(rig.handle({ type: 'minerGone', miner: 1 })).toEqual([])
  })

  it('a worker that comes back within ten minutes starts at the difficulty it had', () => {
    const vardiff = { ...SETTINGS.vardiff, startDifficulty: 1e-8 }
    const rig = new Rig({ stratum: { ...SETTINGS, vardiff } })
    rig.template()
    const suggestion = { id: 9, method: 'mining.suggest_difficulty', params: [2e-8] }
    expect(rig.connect(1, `${address(1)}.rig`).difficulty).toBe(1e-8)
    rig.handle({ type: 'minerLines', miner: 1, lines: [new TextEncoder().encode(JSON.stringify(suggestion))] })
    rig.handle({ type: 'minerGone', miner: 1 })
    expect(rig.connect(2, `${address(1)}.rig`).difficulty).toBe(2e-8)
    expect(rig.connect(3, `${address(1)}.other`).difficulty).toBe(1e-8)
    rig.handle({ type: 'minerGone', miner: 2 })
    rig.advance(601_000)
    expect(rig.connect(4, `${address(1)}.rig`).difficulty).toBe(1e-8)
  })
})

describe('a door for rented machines', () => {
  it('lets nobody start below its difficulty, of whatever kind', () => {
    const vardiff = { ...SETTINGS.vardiff, startDifficulty: 1e-8 }
    const startProfiles = [{ userAgentPrefix: 'cpuminer', startDifficulty: 1e-9, floorDifficulty: null }]
    const rig = new Rig({ stratum: { ...SETTINGS, vardiff, startProfiles } })
    rig.template()
    for (const [miner, userAgent] of ['unknown/1', 'cpuminer/2.5.1'].entries()) {
      const scripted = rig.script(miner, `${address(1)}.rented`, 'x', userAgent)
      rig.handle({ type: 'minerConnected', miner, remote: `192.0.2.1:${miner}`, startDifficulty: 3e-8 })
      rig.handle({ type: 'minerLines', miner, lines: scripted.hello() })
      expect(scripted.difficulty).toBe(3e-8)
    }
  })
})

describe('the memory of a difficulty', () => {
  const vardiff = { ...SETTINGS.vardiff, startDifficulty: 1e-8 }

  it('is not for who said something else: what a password set ends with it', () => {
    const rig = new Rig({ stratum: { ...SETTINGS, vardiff } })
    rig.template()
    expect(rig.connect(1, `${address(1)}.rig`, 'd=0.00000002').difficulty).toBe(2e-8)
    rig.handle({ type: 'minerGone', miner: 1 })
    expect(rig.connect(2, `${address(1)}.rig`).difficulty).toBe(1e-8)
  })

  it('is not for one of two machines under a name', () => {
    const rig = new Rig({ stratum: { ...SETTINGS, vardiff } })
    rig.template()
    const suggestion = { id: 9, method: 'mining.suggest_difficulty', params: [2e-8] }
    for (const miner of [1, 2]) rig.connect(miner, `${address(1)}.rig`)
    rig.handle({ type: 'minerLines', miner: 1, lines: [new TextEncoder().encode(JSON.stringify(suggestion))] })
    rig.handle({ type: 'minerGone', miner: 1 })
    expect(rig.connect(3, `${address(1)}.rig`).difficulty).toBe(1e-8)
  })
})

describe('a miner whose wish costs shares', () => {
  it('is shown with what it costs, once', () => {
    const rig = new Rig()
    rig.template()
    rig.connect(1, `${address(1)}.rig`, 'd=8192')
    rig.advance(60_000)
    const [warned, ...more] = rig.facts('minerWarned')
    expect(more).toEqual([])
    expect(warned).toMatchObject({ miner: 1, worker: 'rig', code: 'difficulty-too-high' })
    expect(warned?.message).toContain('difficulty 8192 is set for this miner')
    expect(rig.core.queries.status(rig.now).miners[0]?.warnings).toEqual([warned?.message])
  })
})

describe('authorisation', () => {
  it('of a wrong name is shown with its reason, and slowed down, as long as somebody tries', () => {
    const rig = new Rig()
    const closedAfterMs: number[] = []
    for (let miner = 1; miner <= 7; miner++) {
      rig.connect(miner, 'worker1')
      const startedAtMs = rig.now.steadyMs
      while (!rig.advance(1_000).some(({ type }) => type === 'closeMiner'));
      closedAfterMs.push(rig.now.steadyMs - startedAtMs)
    }
    expect(closedAfterMs).toEqual([10_000, 20_000, 30_000, 40_000, 50_000, 60_000, 60_000])
    const { refusedMiners } = rig.core.queries.status(rig.now)
    expect(refusedMiners).toMatchObject([{ host: '127.0.0.1', user: 'worker1', tries: 7 }])
    expect(refusedMiners[0]?.message).toContain('put your bcrt1... address as the user name')
    rig.advance(3_600_000)
    expect(rig.core.queries.status(rig.now).refusedMiners).toEqual([])
  })

  it('of a wrong name leaves good miners at the same address alone', () => {
    const rig = new Rig()
    rig.template()
    rig.connect(100, `${address(1)}.good`)
    for (let miner = 1; miner <= 20; miner++) rig.connect(miner, 'worker1')
    rig.advance(60_000)
    expect(rig.core.queries.status(rig.now).miners).toHaveLength(1)
  })

  it('a miner whose address is of another network is told which', () => {
    const rig = new Rig()
    const miner = rig.connect(1, 'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx.rig')
    const reply = miner.replies.get(2)
    expect(reply?.error).toEqual([24, 'tb1qw508d6qe... is a testnet address, this node pays bcrt1... addresses', null])
    expect(rig.facts('minerRefused')).toHaveLength(1)
    expect(rig.core.queries.status(rig.now).miners).toEqual([])
  })

  it('a second worker name of a connection counts as a worker of its own', () => {
    const rig = new Rig()
    rig.template()
    const miner = rig.connect(1, `${address(1)}.first`)
    const again = new ScriptedMiner(`${address(1)}.second`)
    rig.handle({ type: 'minerLines', miner: 1, lines: again.hello().slice(1) })
    rig.handle({ type: 'minerLines', miner: 1, lines: [again.submit(miner.grind(A_SHARE))] })
    const workers = rig.core.queries.workers(rig.now)
    expect(workers.map(({ worker, accepted }) => [worker, accepted])).toEqual([
      ['first', 0],
      ['second', 1]
    ])
    expect(rig.facts('shareFound')[0]?.worker).toBe('second')
  })
})

describe('the way of a share', () => {
  it('a share becomes the tip and the next job commits to it', () => {
    const rig = new Rig()
    rig.template()
    rig.connect(1, `${address(1)}.rig`)
    const [first] = sharesMade(rig.mine(1, A_SHARE))
    expect(rig.chain.confirmedTip().hash).toBe(first?.hash)
    rig.advance(1000)
    const [second] = sharesMade(rig.mine(1, A_SHARE))
    expect(second?.header.prevShareHash).toBe(first?.hash)
    expect(second?.header.minerBitcoinAddress.text).toBe(address(1))
    expect(rig.facts('bug')).toEqual([])
  })

  it('effects come in the order bitcoin, peers, miners, disk, reports', () => {
    const rig = new Rig()
    rig.listener('peer')
    rig.template()
    rig.connect(1, address(1))
    rig.connect(2, address(2))
    rig.advance(1000)
    const ranks = rig.mine(1, A_SHARE).map(effect => EFFECT_RANK[effect.type])
    expect(new Set(ranks).size).toBe(5)
    expect([...ranks].sort()).toEqual(ranks)
  })

  it('the reply to a submit reaches its miner before the new job does', () => {
    const rig = new Rig()
    rig.template()
    rig.connect(1, address(1))
    rig.advance(1000)
    const texts = effectsOf(rig.mine(1, A_SHARE), 'sendMiner').map(effect => effect.output)
    expect(texts[0]).toContain('"result":true')
    expect(texts[1]).toContain('mining.notify')
  })

  it('a solution given in twice makes one share', () => {
    const rig = new Rig()
    rig.template()
    const miner = rig.connect(1, address(1))
    const line = miner.submit(miner.grind(A_SHARE))
    const effects = rig.handle({ type: 'minerLines', miner: 1, lines: [line, line] })
    expect(sharesMade(effects)).toHaveLength(1)
    expect(factsOf(effects, 'shareRejected').map(fact => fact.code)).toEqual([22])
  })

  it('shares of two miners on one base make a sibling, and the next share names it as uncle', () => {
    const rig = new Rig()
    rig.template()
    rig.connect(1, address(1))
    rig.connect(2, address(2))
    rig.mine(1, A_SHARE)
    const jobOfTwo = rig.miner(2).jobs[0]
    if (jobOfTwo === undefined) throw new Error('the second miner has a first job')
    const [sibling] = sharesMade(rig.mine(2, { ...A_SHARE, job: jobOfTwo }))
    rig.advance(31_000)
    const [nephew] = sharesMade(rig.mine(1, A_SHARE))
    const { prevShareHash, uncles } = nephew?.header ?? {}
    expect(sibling?.hash).toBeDefined()
    expect([prevShareHash, ...(uncles ?? [])]).toContain(sibling?.hash)
    expect(uncles).toHaveLength(1)
    expect(rig.core.queries.status(rig.now).sharechain.uncles).toBe(1)
  })

  it('when hashes come faster than work is renewed, every share finds its place', () => {
    const rig = new Rig({ check: 'never' })
    rig.template()
    const miner = rig.connect(1, address(1))
    const job = miner.job
    for (let count = 0; count < 22; count++) rig.mine(1, { ...A_SHARE, job })
    expect(rig.facts('shareFound')).toHaveLength(22)
    expect(rig.facts('shareLost')).toEqual([])
    expect(rig.facts('bug')).toEqual([])
    rig.core.checkInvariants()
  })
})

describe('the end', () => {
  it('shutdown closes every miner, ends with stop, and nothing is said after it', () => {
    const rig = new Rig()
    rig.template()
    rig.connect(1, address(1))
    rig.connect(2, address(2))
    const effects = rig.handle({ type: 'shutdown' })
    expect(effectsOf(effects, 'closeMiner').map(effect => effect.miner)).toEqual([1, 2])
    expect(effects.at(-1)).toMatchObject({ type: 'stop', reason: { code: 'shutdown' } })
    expect(rig.template({ parent: 2 })).toEqual([])
    expect(rig.core.nextDeadlineMs).toBeNull()
  })

  it('a disk that refuses stops the node', () => {
    const rig = new Rig()
    rig.connect(1, address(1))
    const effects = rig.handle({ type: 'storeFailed', message: 'no space left on device' })
    expect(effectsOf(effects, 'closeMiner')).toHaveLength(1)
    expect(effects.at(-1)).toMatchObject({ type: 'stop', reason: { code: 'storeFailed' } })
  })

  it('a broken invariant is told as a bug and stops the node', () => {
    const rig = new Rig()
    rig.connect(1, address(1))
    // A shell that gives an id twice is our own fault.
    const effects = rig.core.handle({ type: 'minerConnected', miner: 1, remote: '' }, rig.now)
    expect(factsOf(effects, 'bug').map(fact => fact.code)).toEqual(['invariant-broken'])
    expect(effectsOf(effects, 'closeMiner')).toHaveLength(1)
    expect(effects.at(-1)).toMatchObject({ type: 'stop', reason: { code: 'bug' } })
  })
})
