import { once } from 'node:events'
import type { Socket } from 'node:net'
import { blockHash } from '@p2poolv2/primitives'
import { createLog, MESSAGES } from '@p2poolv2/runtime'
import { describe, expect, it } from 'vitest'
import { rpcAnswer } from '../testing/scripted-peer.ts'
import { peer } from '../testing/started.ts'
import { BLOCK, never, sibling, slowNode, submitter } from '../testing/submitting.ts'
import { type BlockResult, MAX_UNDER_WAY, type SolvedBlock } from './block-submitter.ts'
import { MAX_OPEN_SIBLINGS } from './sibling-gate.ts'

describe('several blocks on one parent', () => {
  it('of thousands found before bitcoind answers to the first, it and the newest are written, and it alone is sent', async () => {
    const { server, asked, nth } = await slowNode()
    const { made, steps, settled } = submitter([{ url: server.url }])
    const all = Array.from({ length: 5_000 }, (_, n) => made.submit(sibling(n), { signal: never }))
    const answer = await nth(1)
    answer(null)
    const results = (await Promise.all(all)).map(([one]) => one?.result)
    expect(results).toEqual(['accepted', ...Array(4_999).fill('superseded')])
    expect(steps.filter(step => step === 'persisted')).toHaveLength(2)
    expect(asked).toHaveLength(1)
    expect(await made.submit(sibling(6_000), { signal: never })).toMatchObject([{ result: 'superseded' }])
    expect(settled.toSorted()).toEqual([sibling(0).blockHash, sibling(4_999).blockHash])
  })

  it('the newest goes when the first is refused', async () => {
    const { server, nth } = await slowNode()
    const { made } = submitter([{ url: server.url }])
    const all = [1, 2, 3].map(n => made.submit(sibling(n), { signal: never }))
    const first = await nth(1)
    first('bad-txns-inputs-missingorspent')
    const second = await nth(2)
    second(null)
    expect((await Promise.all(all)).map(([one]) => one?.result)).toEqual(['rejected', 'superseded', 'accepted'])
  })

  it('the next does not wait for one that is asked for again', async () => {
    const { server, nth } = await slowNode()
    const { made } = submitter([{ url: server.url }])
    const [early, late] = [1, 2].map(n => made.submit(sibling(n), { signal: never }))
    const first = await nth(1)
    first('time-too-new')
    const [one, other] = [await nth(2), await nth(3)]
    one('inconclusive')
    other('inconclusive')
    expect(await early).toMatchObject([{ result: 'lost-race' }])
    expect(await late).toMatchObject([{ result: 'lost-race' }])
  })

  it('waits for no other parent, and for no node that is away', async () => {
    const { server, nth } = await slowNode()
    const dead = await peer(() => {})
    const stop = new AbortController()
    const onResult = ({ result }: BlockResult) => (result === 'accepted' ? stop.abort() : undefined)
    const { made } = submitter([{ url: dead.url }, { url: server.url }], { onResult })
    const all = [sibling(1), sibling(2, '22')].map(block => made.submit(block, { signal: stop.signal }))
    for (const answer of [await nth(1), await nth(2)]) answer('high-hash')
    const third = made.submit(sibling(3), { signal: stop.signal })
    const answer = await nth(3)
    answer(null)
    expect(await third).toMatchObject([{ result: 'failed' }, { result: 'accepted' }])
    expect(await Promise.all(all)).toMatchObject(Array(2).fill([{ result: 'failed' }, { result: 'rejected' }]))
  })

  it('the one kept is on disk before it has its turn, and is tried by the next start if the node stops', async () => {
    const { server, nth } = await slowNode()
    const stop = new AbortController()
    const { made, steps, settled } = submitter([{ url: server.url }])
    const all = [1, 2].map(n => made.submit(sibling(n), { signal: stop.signal }))
    await nth(1)
    expect(steps).toEqual(['persisted', 'persisted'])
    stop.abort()
    await made.idle()
    expect((await Promise.all(all)).map(([one]) => one?.result)).toEqual(['failed', 'failed'])
    expect(steps.filter(step => step === 'persisted')).toHaveLength(2)
    expect(settled).toEqual([])
  })

  it('beyond so many under way at once the oldest is given up', async () => {
    const { server, nth } = await slowNode()
    const { made, results } = submitter([{ url: server.url }])
    const stop = new AbortController()
    const parents = Array.from({ length: MAX_UNDER_WAY + 1 }, (_, n) => n.toString(16).padStart(2, '0'))
    const all = parents.map((parent, n) => made.submit(sibling(n, parent), { signal: stop.signal }))
    expect(await all[0]).toMatchObject([{ result: 'failed' }])
    expect(results).toHaveLength(1)
    await nth(1)
    stop.abort()
    await Promise.all(all)
  })

  it.each([0, 63])('parents that differ in digit %i of their hash are two', async digit => {
    const { server, nth } = await slowNode()
    const { made } = submitter([{ url: server.url }])
    const other = `${'1'.repeat(digit)}2${'1'.repeat(63 - digit)}`
    for (const [n, parent] of ['1'.repeat(64), other].entries()) {
      void made.submit({ ...sibling(n), blockHex: `00000020${parent}00` }, { signal: never })
    }
    for (const answer of [await nth(1), await nth(2)]) answer(null)
    await made.idle()
  })

  it('beyond so many under way each further one gives up the oldest that is left, and one that has ended counts no more', async () => {
    const { server, nth } = await slowNode()
    const { made } = submitter([{ url: server.url }])
    const stop = new AbortController()
    const onParent = (n: number) => made.submit(sibling(n, n.toString(16).padStart(2, '0')), { signal: stop.signal })
    for (let n = 0; n < MAX_UNDER_WAY; n++) {
      const ended = onParent(n)
      const answer = await nth(n + 1)
      answer(null)
      await ended
    }
    const all = Array.from({ length: MAX_UNDER_WAY + 2 }, (_, n) => onParent(100 + n))
    expect(await all[0]).toMatchObject([{ result: 'failed' }])
    expect(await all[1]).toMatchObject([{ result: 'failed' }])
    let others = 0
    for (const submission of all.slice(2)) void submission.then(() => (others += 1))
    await nth(MAX_UNDER_WAY + 1)
    expect(others).toBe(0)
    stop.abort()
    await Promise.all(all)
  })

  it('one that hangs is not given up for those that came after it and have their answers', async () => {
    const { server, nth } = await slowNode()
    const { made, results } = submitter([{ url: server.url }])
    const stop = new AbortController()
    const first = made.submit(sibling(1, '01'), { signal: stop.signal })
    await nth(1)
    for (let n = 2; n < MAX_UNDER_WAY + 4; n++) {
      const next = made.submit(sibling(n, n.toString(16).padStart(2, '0')), { signal: stop.signal })
      const answer = await nth(n)
      answer(null)
      await next
    }
    expect(new Set(results.map(({ result }) => result))).toEqual(new Set(['accepted']))
    stop.abort()
    expect(await first).toMatchObject([{ result: 'failed' }])
  })

  it('what is given up for another is told of for each node', async () => {
    const { server, nth } = await slowNode()
    const dead = await peer(() => {})
    const { made, results } = submitter([{ url: server.url }, { url: dead.url }])
    const stop = new AbortController()
    const all = [1, 2, 3].map(n => made.submit(sibling(n), { signal: stop.signal }))
    await nth(1)
    const superseded = { blockHash: sibling(2).blockHash, result: 'superseded', reason: null }
    expect(results).toEqual([
      { ...superseded, url: server.url },
      { ...superseded, url: dead.url }
    ])
    stop.abort()
    await Promise.all(all)
  })

  it('one that is not to be judged yet, again and again, lets one other go and no third', async () => {
    const { server, nth } = await slowNode()
    const { made } = submitter([{ url: server.url }])
    const stop = new AbortController()
    const all = [1, 2].map(n => made.submit(sibling(n), { signal: stop.signal }))
    const first = await nth(1)
    first('time-too-new')
    const next = [await nth(2), await nth(3)]
    all.push(made.submit(sibling(3), { signal: stop.signal }))
    const again = next.find(({ blockHex }) => blockHex === sibling(1).blockHex)
    again?.('time-too-new')
    expect((await nth(4)).blockHex).toBe(sibling(1).blockHex)
    stop.abort()
    await Promise.all(all)
  })
})

it('after one was taken the next goes again once a bitcoin node builds on their parent', async () => {
  const { server, nth } = await slowNode()
  const { made } = submitter([{ url: server.url }])
  const first = made.submit(sibling(1, '12'), { signal: never })
  const answer = await nth(1)
  answer(null)
  await first
  made.buildsOn(blockHash('34'.repeat(32)))
  expect(await made.submit(sibling(2, '12'), { signal: never })).toMatchObject([{ result: 'superseded' }])
  // As with `invalidateblock`, or after a power cut. In the header the hash stands the other way round.
  made.buildsOn(blockHash('12'.repeat(32)))
  const third = made.submit(sibling(3, '12'), { signal: never })
  const again = await nth(2)
  again(null)
  expect(await third).toMatchObject([{ result: 'accepted' }])
})

it('what comes from the disk goes beside the others, for one of them may be in the chain', async () => {
  const { server, asked, nth } = await slowNode()
  const { made } = submitter([{ url: server.url }])
  const all = [1, 2].map(n => made.submit(sibling(n), { signal: never, comes: 'again' }))
  await nth(2)
  const later = made.submit(sibling(3), { signal: never })
  for (const answer of asked) answer(answer.blockHex === sibling(2).blockHex ? 'duplicate' : 'inconclusive')
  expect((await Promise.all(all)).map(([one]) => one?.result)).toEqual(['lost-race', 'duplicate'])
  expect(await later).toMatchObject([{ result: 'superseded' }])
})

it('of a flood on a parent that a bitcoin node does not know yet a few are handed over', async () => {
  const { server, asked, nth } = await slowNode()
  const notSoonMs = { retryMinMs: 3_600_000, retryMaxMs: 3_600_000 }
  const { made, results } = submitter([{ url: server.url }], {}, notSoonMs)
  const stop = new AbortController()
  const all: Promise<unknown>[] = []
  for (let n = 0; n < 20; n++) {
    all.push(made.submit(sibling(n), { signal: stop.signal }))
    if (n >= MAX_OPEN_SIBLINGS) continue
    const answer = await nth(n + 1)
    answer('prev-blk-not-found')
  }
  expect(asked).toHaveLength(MAX_OPEN_SIBLINGS)
  stop.abort()
  await Promise.all(all)
  const known = results.filter(({ result }) => result !== 'superseded').map(({ blockHash: hash }) => hash)
  expect(known.toSorted()).toEqual([0, 1, 2, 3, 19].map(n => sibling(n).blockHash).toSorted())
})

describe('while the disk is stuck', () => {
  /** A disk on which each write ends when it is told to. */
  function stuckDisk() {
    const begun: string[] = []
    const ends: (() => void)[] = []
    const persist = ({ blockHash }: SolvedBlock): Promise<void> => {
      begun.push(blockHash)
      return new Promise(resolve => ends.push(resolve))
    }
    const free = async (): Promise<void> => {
      for (let end = ends.shift(); end !== undefined; end = ends.shift()) {
        end()
        await new Promise(setImmediate)
      }
    }
    return { begun, persist, free }
  }
  const hashes = (...numbers: readonly number[]) => numbers.map(n => sibling(n).blockHash)

  it('a block that is kept behind another is written when the disk is free, unless nobody needs it by then', async () => {
    const { server, nth } = await slowNode()
    const { begun, persist, free } = stuckDisk()
    const { made, settled } = submitter([{ url: server.url }], { persist })
    const [first, second] = [1, 2].map(n => made.submit(sibling(n), { signal: never }))
    const answer = await nth(1)
    answer(null)
    expect(await second).toMatchObject([{ result: 'superseded' }])
    await free()
    expect(await first).toMatchObject([{ result: 'accepted' }])
    expect(begun).toEqual(hashes(1))
    expect(settled).toEqual(hashes(1))
  })

  it('it is written also if one on another parent goes meanwhile', async () => {
    const { server, nth } = await slowNode()
    const { begun, persist, free } = stuckDisk()
    const { made } = submitter([{ url: server.url }], { persist })
    const stop = new AbortController()
    const blocks = [sibling(1), sibling(2), sibling(3, '22')]
    const all = blocks.map(block => made.submit(block, { signal: stop.signal }))
    await nth(2)
    await free()
    expect(begun.toSorted()).toEqual(hashes(1, 2, 3))
    stop.abort()
    await Promise.all(all)
  })

  it('of hundreds that come one by one with a quick disk a few are written, and one of those stays until a later one is there', async () => {
    const { server, nth } = await slowNode()
    const { begun, persist, free } = stuckDisk()
    const { made, settled } = submitter([{ url: server.url }], { persist })
    const stop = new AbortController()
    const all: Promise<unknown>[] = []
    for (let n = 0; n < 300; n++) {
      all.push(made.submit(sibling(n), { signal: stop.signal }))
      if (n === 0) await nth(1)
      await free()
    }
    expect(begun).toEqual(hashes(0, 1, 2, 4, 8, 16, 32, 64, 128, 256))
    expect(settled).toEqual(hashes(1, 2, 4, 8, 16, 32, 64, 128))
    stop.abort()
    for (let turn = 0; turn < 3; turn++) await free()
    await Promise.race([Promise.all(all), new Promise(setImmediate)])
    await free()
    await Promise.all(all)
    // The newest went to the disk when its turn came.
    expect(begun.at(-1)).toBe(sibling(299).blockHash)
    expect(settled.at(-1)).toBe(sibling(256).blockHash)
  })

  it('one that comes when the disk is free again is written at once, though another waits for its answer', async () => {
    const { server, nth } = await slowNode()
    const { begun, persist, free } = stuckDisk()
    const { made } = submitter([{ url: server.url }], { persist })
    const stop = new AbortController()
    const all = [made.submit(sibling(1), { signal: stop.signal })]
    await nth(1)
    await free()
    for (const n of [2, 3]) {
      all.push(made.submit(sibling(n), { signal: stop.signal }))
      expect(begun).toContain(sibling(n).blockHash)
      await free()
    }
    stop.abort()
    await free()
    await Promise.all(all)
  })
})

it('is idle once the only block under way has its answer, and lets go of its connections when it is closed', async () => {
  const sockets: Socket[] = []
  const { made, results } = submitter([
    {
      url: (
        await peer((socket, { id }) => {
          sockets.push(socket)
          socket.write(rpcAnswer(id, null))
        })
      ).url
    }
  ])
  void made.submit(BLOCK, { signal: never })
  await made.idle()
  expect(results).toMatchObject([{ result: 'accepted' }])
  const ended = Promise.all(sockets.map(socket => once(socket, 'close')))
  made.close()
  await ended
})

it('gives a block up after an hour, or what is set, and leaves it to the next start', async () => {
  const server = await peer((socket, { id }) => socket.write(rpcAnswer(id, 'time-too-new')))
  const { made, settled } = submitter([{ url: server.url }], {}, { giveUpAfterMs: 0 })
  expect(await made.submit(BLOCK, { signal: never })).toMatchObject([{ result: 'rejected', reason: 'time-too-new' }])
  expect(server.calls).toHaveLength(1)
  expect(settled).toEqual([])
})

it('says with the first try that a node does not take a block', async () => {
  const lines: string[] = []
  const log = createLog({ level: 'warn', format: 'json', sink: { write: line => void lines.push(line) } })
  const server = await peer((socket, { id }) => {
    socket.write(rpcAnswer(id, server.calls.length < 2 ? 'time-too-new' : null))
  })
  const { made } = submitter([{ url: server.url }], { log })
  await made.submit(BLOCK, { signal: never })
  expect(lines.map(line => (JSON.parse(line) as { id: string }).id)).toEqual([MESSAGES.blockNotHandedOver.id])
})

it('says once that a node does not take a block, and that a disk does not', async () => {
  const lines: string[] = []
  const log = createLog({ level: 'warn', format: 'json', sink: { write: line => void lines.push(line) } })
  const server = await peer((socket, { id }) => {
    socket.write(rpcAnswer(id, server.calls.length < 4 ? 'time-too-new' : null))
  })
  const { made } = submitter([{ url: server.url }], { log, persist: () => Promise.reject(new Error('ENOSPC')) })
  expect(await made.submit(BLOCK, { signal: never })).toMatchObject([{ result: 'accepted' }])
  const ids = lines.map(line => (JSON.parse(line) as { id: string }).id)
  expect(ids.toSorted()).toEqual([MESSAGES.blockNotPersisted.id, MESSAGES.blockNotHandedOver.id].toSorted())
})
