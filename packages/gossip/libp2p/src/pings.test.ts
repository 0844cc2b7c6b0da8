import '@p2poolv2/runtime/with-resolvers'
import { setImmediate as turn } from 'node:timers/promises'
import type { Stream } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { answerPings } from './pings.ts'

const PING = Uint8Array.from({ length: 32 }, (_, index) => index)

describe('pings', () => {
  let ours: Stream
  let theirs: Stream

  beforeEach(async () => {
    // The pair delivers in turns, not by the clock.
    ;[theirs, ours] = await streamPair({ protocol: '/ipfs/ping/1.0.0' })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  /** Lets the streams deliver, and what waits on them run. */
  async function settle(): Promise<void> {
    for (let left = 50; left > 0; left--) {
      await vi.advanceTimersByTimeAsync(1)
      await turn()
    }
  }

  it('are sent back as often as they come on one stream, until it ends', async () => {
    const answered = answerPings(ours)
    const heard: Uint8Array[] = []
    theirs.addEventListener('message', ({ data }) => heard.push(data.subarray()))
    for (let round = 1; round <= 20; round++) {
      theirs.send(PING)
      await settle()
      expect(heard).toHaveLength(round)
    }
    expect(heard.every(answer => Buffer.from(answer).equals(PING))).toBe(true)
    void theirs.close()
    await settle()
    await answered
    expect(ours.status).toBe('closed')
  })

  it('leave no timer behind when their stream ends', async () => {
    const answered = answerPings(ours)
    theirs.send(PING)
    await settle()
    theirs.abort(new Error('gone'))
    await settle()
    await answered
    expect(vi.getTimerCount()).toBe(0)
  })

  it('are waited for two minutes each, longer than the reference takes between two', async () => {
    const answered = answerPings(ours)
    for (let round = 0; round < 3; round++) {
      await vi.advanceTimersByTimeAsync(100_000)
      theirs.send(PING)
      await settle()
      expect(ours.status).toBe('open')
    }
    await vi.advanceTimersByTimeAsync(120_000)
    await answered
    expect(ours.status).toBe('aborted')
  })

  it('that nobody waits for an answer to are refused', async () => {
    const answered = answerPings(ours)
    theirs.send(new Uint8Array(100_000))
    await settle()
    await answered
    expect(ours.status).toBe('aborted')
  })
})
