import { describe, expect, it } from 'vitest'
import { A_BLOCK, A_SHARE, address, effectsOf, Rig, sharesMade } from '../testing/rig.ts'
import type { ScriptedMiner } from '../testing/scripted-miner.ts'

const encoder = new TextEncoder()

interface Subscribed {
  readonly sessionId: string
  readonly extranonce1: string
}

function subscribedOf(miner: ScriptedMiner): Subscribed {
  const reply = miner.replies.get(1)
  if (reply === undefined) throw new Error('nobody subscribed')
  const [[[, sessionId]], extranonce1] = reply.result as [[[string, string]], string]
  return { sessionId, extranonce1 }
}

/** A miner comes, and wants to go on with that session. */
function comeBack(
  rig: Rig,
  miner: number,
  who: { readonly user: string; readonly sessionId: string; readonly authorise?: boolean }
): ScriptedMiner {
  const scripted = rig.script(miner, who.user)
  rig.handle({ type: 'minerConnected', miner, remote: `192.0.2.1:${miner}` })
  const [, authorise] = scripted.hello()
  const subscribe = { id: 1, method: 'mining.subscribe', params: ['cgminer/4.11.1', who.sessionId] }
  const lines: Uint8Array[] = [encoder.encode(JSON.stringify(subscribe))]
  if (authorise !== undefined && who.authorise !== false) lines.push(authorise)
  rig.handle({ type: 'minerLines', miner, lines })
  return scripted
}

function rigWithMiner(): { rig: Rig; first: ScriptedMiner; before: Subscribed } {
  const rig = new Rig()
  rig.template()
  const first = rig.connect(1, `${address(1)}.rig`)
  return { rig, first, before: subscribedOf(first) }
}

describe('a connection that resumes another', () => {
  it('has its extranonce, and what was being hashed for it is good', () => {
    const { rig, first, before } = rigWithMiner()
    const { job } = first
    rig.handle({ type: 'minerGone', miner: 1 })
    const second = comeBack(rig, 2, { user: `${address(1)}.rig`, sessionId: before.sessionId })
    expect(subscribedOf(second)).toEqual(before)
    expect(sharesMade(rig.mine(2, { ...A_SHARE, job }))).toHaveLength(1)
    expect(effectsOf(rig.mine(2, { ...A_BLOCK, job }), 'submitBlock')).toHaveLength(1)
    rig.core.checkInvariants()
  })

  it('is not paid again for what was submitted before', () => {
    const { rig, first, before } = rigWithMiner()
    const find = first.grind(A_SHARE)
    rig.handle({ type: 'minerLines', miner: 1, lines: [first.submit(find)] })
    rig.handle({ type: 'minerGone', miner: 1 })
    const second = comeBack(rig, 2, { user: `${address(1)}.rig`, sessionId: before.sessionId })
    rig.handle({ type: 'minerLines', miner: 2, lines: [second.submit(find)] })
    expect(second.lastReply?.error).toEqual([22, 'Duplicate share', null])
  })

  it('gets a job that it has not, although others of its address have the one it had', () => {
    const { rig, first, before } = rigWithMiner()
    const neighbour = rig.connect(9, `${address(1)}.other`)
    rig.template({ parent: 2 })
    expect(neighbour.job.id).toBe(first.job.id)
    rig.handle({ type: 'minerGone', miner: 1 })
    const second = comeBack(rig, 2, { user: `${address(1)}.rig`, sessionId: before.sessionId })
    expect(second.job.id).not.toBe(first.job.id)
    while (second.jobs.length < 3) rig.advance(1_000)
    expect(new Set([...second.jobs, first.job].map(({ id }) => id)).size).toBe(4)
    rig.core.checkInvariants()
  })

  it('can be resumed itself, under the same id', () => {
    const { rig, first, before } = rigWithMiner()
    const { job } = first
    for (let miner = 1; miner <= 5; miner++) {
      rig.handle({ type: 'minerGone', miner })
      const next = comeBack(rig, miner + 1, { user: `${address(1)}.rig`, sessionId: before.sessionId })
      expect(subscribedOf(next)).toEqual(before)
    }
    expect(sharesMade(rig.mine(6, { ...A_SHARE, job }))).toHaveLength(1)
  })

  it('leaves what it resumed to the next if it ends before it said who it is', () => {
    const { rig, first, before } = rigWithMiner()
    const { job } = first
    rig.handle({ type: 'minerGone', miner: 1 })
    const who = { user: `${address(1)}.rig`, sessionId: before.sessionId }
    comeBack(rig, 2, { ...who, authorise: false })
    rig.handle({ type: 'minerGone', miner: 2 })
    comeBack(rig, 3, who)
    expect(sharesMade(rig.mine(3, { ...A_SHARE, job }))).toHaveLength(1)
  })

  it('finds what a new block made stale to be stale, and a block in it to be one', () => {
    const { rig, first, before } = rigWithMiner()
    const { job } = first
    rig.handle({ type: 'minerGone', miner: 1 })
    rig.template({ parent: 2 })
    const second = comeBack(rig, 2, { user: `${address(1)}.rig`, sessionId: before.sessionId })
    // It hears of the block only now, so now its grace begins.
    rig.advance(4_000)
    expect(effectsOf(rig.mine(2, { ...A_BLOCK, job }), 'submitBlock')).toHaveLength(1)
    expect(second.lastReply?.error).toEqual([21, 'Stale', null])
  })
})

describe('a session', () => {
  it('of a live connection is not given away', () => {
    const { rig, before } = rigWithMiner()
    const thief = comeBack(rig, 2, { user: `${address(2)}.thief`, sessionId: before.sessionId })
    expect(subscribedOf(thief).extranonce1).not.toBe(before.extranonce1)
  })

  it('is resumed once, and not by two', () => {
    const { rig, before } = rigWithMiner()
    rig.handle({ type: 'minerGone', miner: 1 })
    const who = { user: `${address(1)}.rig`, sessionId: before.sessionId }
    const [second, third] = [comeBack(rig, 2, who), comeBack(rig, 3, who)]
    expect(subscribedOf(second).extranonce1).toBe(before.extranonce1)
    expect(subscribedOf(third).extranonce1).not.toBe(before.extranonce1)
  })

  it('in wrong hands brings no jobs: they would pay somebody else', () => {
    const { rig, first, before } = rigWithMiner()
    const { job } = first
    rig.handle({ type: 'minerGone', miner: 1 })
    const thief = comeBack(rig, 2, { user: `${address(2)}.thief`, sessionId: before.sessionId })
    expect(sharesMade(rig.mine(2, { ...A_SHARE, job }))).toEqual([])
    expect(thief.lastReply?.error).toEqual([21, 'Job not found', null])
  })

  it('is kept for ten minutes, and its extranonce is nobody else’s until then', () => {
    const { rig, before } = rigWithMiner()
    rig.handle({ type: 'minerGone', miner: 1 })
    const others = Array.from({ length: 50 }, (_, i) => subscribedOf(rig.connect(100 + i, `${address(2)}.w${i}`)))
    expect(others.map(({ extranonce1 }) => extranonce1)).not.toContain(before.extranonce1)
    rig.advance(601_000)
    const late = comeBack(rig, 2, { user: `${address(1)}.rig`, sessionId: before.sessionId })
    expect(subscribedOf(late).extranonce1).not.toBe(before.extranonce1)
  })

  it('has an id that says nothing of others', () => {
    const { rig, before } = rigWithMiner()
    const next = subscribedOf(rig.connect(2, `${address(1)}.rig`))
    expect(before.sessionId).toMatch(/^[0-9a-f]{16}$/)
    expect(next.sessionId).not.toBe(before.sessionId)
    expect(BigInt(`0x${next.sessionId}`) - BigInt(`0x${before.sessionId}`)).not.toBe(1n)
  })
})
