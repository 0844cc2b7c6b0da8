import { bigIntFromTarget, blockHash, bytesToHex, targetFromDifficulty } from '@p2poolv2/primitives'
import type { Fields } from '@p2poolv2/stratum/sv2'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { conformV2 } from '../testing/v2-cases.ts'
import { EASY_DIFFICULTY, NOW_SEC, PREV_HASH_1, PREV_HASH_2, V2Pool, workOn } from '../testing/v2-pool.ts'
import { EASIEST, shareFor, V2TestClient } from '../testing/v2-test-client.ts'

let pool: V2Pool
let works = 1
beforeAll(async () => {
  pool = await new V2Pool().start()
})
afterAll(() => pool.stop())

const newWork = (prevHash = PREV_HASH_1, changes: Parameters<typeof workOn>[1] = {}): ReturnType<typeof workOn> =>
  workOn(prevHash, { id: ++works, ...changes })

const setUp = (): Promise<V2TestClient> => V2TestClient.setUp(pool.v2Port)

describe('jobs', () => {
  conformV2(45, 53, {
    46: [
      'a new tip: a future job and its previous hash for each channel, and what came before is stale',
      async () => {
        const client = await setUp()
        const channels = [await client.open('extended'), await client.open('standard')]
        const old = channels.map(({ job }) => job)
        pool.renew(newWork(PREV_HASH_2), true)
        for (const [i, channel] of channels.entries()) await client.newJob(channel, old[i] ?? null)
        expect(client.messages.map(({ name }) => name)).toEqual([
          'NewExtendedMiningJob',
          'SetNewPrevHash',
          'NewMiningJob',
          'SetNewPrevHash'
        ])
        client.messages.length = 0
        pool.pass(4_000)
        for (const [i, channel] of channels.entries()) {
          client.submit(channel, shareFor(channel, { job: old[i] ?? null, sequenceNumber: i }))
          expect((await client.next('SubmitSharesError')).errorCode).toBe('stale-share')
        }
        pool.renew(newWork(PREV_HASH_1), true)
        client.socket.destroy()
      }
    ],
    47: [
      'a new share tip: a job with its time, and the one before stays good',
      async () => {
        const client = await setUp()
        const channel = await client.open('extended')
        const { job } = channel
        pool.renew(newWork(PREV_HASH_1, { timeSec: NOW_SEC + 1 }))
        expect((await client.find('NewExtendedMiningJob')).minTimeSec).toBe(NOW_SEC + 1)
        client.submit(channel, shareFor(channel, { job }))
        await client.next('SubmitSharesSuccess')
        client.share(channel)
        await client.next('SubmitSharesSuccess')
        client.socket.destroy()
      }
    ],
    48: [
      'jobs of two payees differ in the time of their making and the commitment, and nothing else',
      async () => {
        const client = await setUp()
        const channels = [
          await client.open('extended'),
          await client.open('extended', { userIdentity: 'bc1qotheraddress' })
        ]
        const suffixes = channels.map(({ job }) =>
          job?.message.name === 'NewExtendedMiningJob' ? job.message.fields.coinbaseSuffix : new Uint8Array()
        )
        const [first = new Uint8Array(), second = new Uint8Array()] = suffixes
        const differ = first.findIndex((byte, i) => byte !== second[i])
        // Behind the push of eight bytes that the suffix begins with.
        expect(differ).toBeGreaterThanOrEqual(1)
        expect(differ).toBeLessThan(9)
        expect(bytesToHex(first.subarray(9, -36))).toBe(bytesToHex(second.subarray(9, -36)))
        expect(bytesToHex(first.subarray(-36, -4))).not.toBe(bytesToHex(second.subarray(-36, -4)))
        expect(bytesToHex(first.subarray(-4))).toBe(bytesToHex(second.subarray(-4)))
        for (const channel of channels) {
          client.share(channel)
          await client.next('SubmitSharesSuccess')
        }
        client.socket.destroy()
      }
    ],
    49: [
      'a standard channel has another root within 30 s, whatever happens',
      async () => {
        const client = await setUp()
        const channel = await client.open('standard')
        const { job } = channel
        pool.pass(30_000)
        const next = await client.newJob(channel, job)
        if (job?.message.name !== 'NewMiningJob' || next.message.name !== 'NewMiningJob') throw new Error('no root')
        expect(bytesToHex(next.message.fields.merkleRoot)).not.toBe(bytesToHex(job.message.fields.merkleRoot))
        client.socket.destroy()
      }
    ],
    50: [
      'no open channel is left without a frame for a minute',
      async () => {
        const client = await setUp()
        const channel = await client.open('extended')
        for (let i = 0; i < 3; i++) {
          const { job } = channel
          pool.pass(59_000)
          await client.newJob(channel, job)
        }
        client.socket.destroy()
      }
    ],
    53: [
      'branches of no node, one, and sixteen',
      async () => {
        for (const nodes of [0, 1, 16]) {
          pool.renew(newWork(PREV_HASH_1, { merkleBranch: new Uint8Array(32 * nodes).fill(nodes) }))
          for (const kind of ['standard', 'extended'] as const) {
            const client = await setUp()
            client.share(await client.open(kind))
            await client.next('SubmitSharesSuccess')
            client.socket.destroy()
          }
        }
        pool.renew(newWork())
      }
    ]
  })
})

describe('shares', () => {
  /** What is said to a share that is otherwise good. */
  async function errorOf(
    kind: 'standard' | 'extended',
    change: (submit: Fields<'SubmitSharesExtended'>) => Partial<Fields<'SubmitSharesExtended'>>
  ): Promise<string> {
    const client = await setUp()
    const channel = await client.open(kind)
    const submit = shareFor(channel)
    client.submit(channel, { ...submit, ...change(submit) })
    const { errorCode } = await client.next('SubmitSharesError')
    client.socket.destroy()
    return errorCode
  }

  async function isAccepted(options: Parameters<typeof shareFor>[1]): Promise<boolean> {
    const client = await setUp()
    const channel = await client.open('extended')
    client.share(channel, options)
    const answer = await Promise.race([
      client.next('SubmitSharesSuccess').then(
        () => true,
        () => false
      )
    ])
    client.socket.destroy()
    return answer
  }

  conformV2(54, 65, {
    55: [
      'the client has eight bytes to vary',
      async () => {
        for (const bytes of [7, 9]) {
          expect(await errorOf('extended', () => ({ extranonce: new Uint8Array(bytes) }))).toBe('bad-extranonce-size')
        }
      }
    ],
    56: [
      'times are within bounds, a minute before the job and what the reference miner adds included',
      async () => {
        for (const timeSec of [NOW_SEC - 61, NOW_SEC + 7_201]) {
          expect(await errorOf('extended', () => ({ timeSec }))).toBe('invalid-share')
        }
        for (const timeSec of [NOW_SEC - 1, NOW_SEC + 60]) expect(await isAccepted({ timeSec })).toBe(true)
      }
    ],
    57: [
      'bits of BIP 323 may roll and no others',
      async () => {
        for (const bits of [0x1fff_ffe0, 0x20, 0x1000_0000]) {
          expect(await isAccepted({ version: (0x2000_0000 | bits) >>> 0 })).toBe(true)
        }
        for (const bits of [1, 0x2000_0000, 0x8000_0000]) {
          const code = await errorOf('extended', ({ version }) => ({ version: (version ^ bits) >>> 0 }))
          expect(code).toBe('invalid-non-rollable-version-bit')
        }
      }
    ],
    58: [
      'a share counts once',
      async () => {
        const client = await setUp()
        const channel = await client.open('extended')
        const submit = client.share(channel)
        await client.next('SubmitSharesSuccess')
        client.submit(channel, { ...submit, sequenceNumber: 2 })
        expect(await client.next('SubmitSharesError')).toMatchObject({
          sequenceNumber: 2,
          errorCode: 'duplicate-share'
        })
        client.share(channel, { version: 0x2000_0020 })
        await client.next('SubmitSharesSuccess')
        client.share(channel, { extranonce: new Uint8Array(8).fill(5) })
        await client.next('SubmitSharesSuccess')
        client.socket.destroy()
      }
    ],
    59: [
      'a job of nobody, and one of another channel',
      async () => {
        expect(await errorOf('standard', () => ({ jobId: 0 }))).toBe('invalid-job-id')
        expect(await errorOf('extended', () => ({ jobId: 4_000_000_000 }))).toBe('invalid-job-id')
        const client = await setUp()
        const first = await client.open('extended')
        for (let i = 0; i < 3; i++) pool.renew(newWork())
        const second = await client.open('extended')
        await client.newJob(first, first.job?.jobId === 4 ? null : first.job)
        client.submit(second, { ...shareFor(second), jobId: 3 })
        expect((await client.find('SubmitSharesError')).errorCode).toBe('invalid-job-id')
        client.socket.destroy()
      }
    ],
    60: [
      'no share of the share chain is asked to be better than it needs: the target told is as easy, and one just below it is accepted',
      async () => {
        const { limits } = pool
        const shareDifficulty = EASY_DIFFICULTY / 8
        const shareTarget = targetFromDifficulty(shareDifficulty)
        pool.limits = { ...limits, shareDifficulty }
        pool.renew(newWork(PREV_HASH_1, { shareTarget }))
        const client = await setUp()
        for (const kind of ['standard', 'extended'] as const) {
          const channel = await client.open(kind)
          const told = channel.job?.target ?? new Uint8Array(32)
          expect(bigIntFromTarget(told)).toBeGreaterThanOrEqual(bigIntFromTarget(shareTarget))
          const before = pool.solutions.length
          client.share(channel, { target: shareTarget })
          await client.next('SubmitSharesSuccess')
          expect(pool.solutions.slice(before)).toMatchObject([{ solution: { meetsShare: true } }])
        }
        client.socket.destroy()
        pool.limits = limits
        pool.renew(newWork())
      }
    ],
    61: [
      'a block is handed up, whatever else it is, and accepted',
      async () => {
        pool.renew(newWork(PREV_HASH_1, { bitcoinTarget: targetFromDifficulty(EASY_DIFFICULTY * 8) }))
        const client = await setUp()
        for (const kind of ['standard', 'extended'] as const) {
          const channel = await client.open(kind)
          const before = pool.solutions.length
          const target = targetFromDifficulty(EASY_DIFFICULTY * 8)
          client.share(channel, { target })
          await client.next('SubmitSharesSuccess')
          const [found] = pool.solutions.slice(before)
          expect(found).toMatchObject({ worker: 'w', solution: { meetsBitcoin: true, meetsShare: true } })
          // And a stale one too, although it is refused.
          const late = shareFor(channel, { target, firstNonce: 1_000_000 })
          pool.newBlock(blockHash(PREV_HASH_2))
          pool.pass(4_000)
          client.submit(channel, late)
          expect((await client.next('SubmitSharesError')).errorCode).toBe('stale-share')
          expect(pool.solutions.length).toBe(before + 2)
          pool.newBlock(blockHash(PREV_HASH_1))
        }
        pool.renew(newWork())
        client.socket.destroy()
      }
    ],
    62: [
      'what one read brings is told as one, with its number, count and sum',
      async () => {
        const client = await setUp()
        const channel = await client.open('extended', { maxTarget: targetFromDifficulty(EASY_DIFFICULTY) })
        const shares = [1, 2, 3].map(i => shareFor(channel, { sequenceNumber: 10 + i, extranonce: filled(i) }))
        const frames = shares.map(share => client.link.seal('SubmitSharesExtended', share))
        client.socket.write(Buffer.concat(frames))
        const first = await client.find('SubmitSharesSuccess')
        let count = first.newSubmitsAcceptedCount
        let last = first.lastSequenceNumber
        while (count < 3) {
          const more = await client.find('SubmitSharesSuccess')
          count += more.newSubmitsAcceptedCount
          last = more.lastSequenceNumber
        }
        expect([count, last]).toEqual([3, 13])
        // Three times a tiny part of difficulty 1.
        expect(first.newSharesSum).toBe(0n)
        client.socket.destroy()
      }
    ],
    63: [
      'numbers are the client’s, in whatever order',
      async () => {
        const client = await setUp()
        const channel = await client.open('extended')
        for (const [i, sequenceNumber] of [0, 0, 5, 3].entries()) {
          client.share(channel, { sequenceNumber, extranonce: filled(20 + i) })
          expect((await client.next('SubmitSharesSuccess')).lastSequenceNumber).toBe(sequenceNumber)
        }
        client.submit(channel, { ...shareFor(channel), sequenceNumber: 2, jobId: 0 })
        expect((await client.next('SubmitSharesError')).sequenceNumber).toBe(2)
        client.socket.destroy()
      }
    ],
    64: [
      'after an easier target a share of an older job is judged by that',
      async () => {
        const client = await setUp()
        const hard = targetFromDifficulty(EASY_DIFFICULTY * 3)
        const channel = await client.open('extended', { maxTarget: hard })
        const { job } = channel
        const channelId = channel.channelId ?? 0
        client.send('UpdateChannel', { channelId, nominalHashrateHps: 0, maximumTarget: EASIEST })
        client.send('UpdateChannel', { channelId, nominalHashrateHps: 0, maximumTarget: hard })
        client.share(channel, { job })
        await client.find('SubmitSharesSuccess')
        client.socket.destroy()
      }
    ],
    65: [
      'a job of the client’s own is refused by its numbers',
      async () => {
        const client = await setUp()
        const channel = await client.open('extended')
        const channelId = channel.channelId ?? 0
        client.send('SetCustomMiningJob', { ...CUSTOM_JOB, channelId, requestId: 31 })
        expect(await client.next('SetCustomMiningJobError')).toEqual({
          channelId,
          requestId: 31,
          errorCode: 'jd-not-supported'
        })
        client.socket.destroy()
      }
    ]
  })
})

function filled(byte: number): Uint8Array {
  return new Uint8Array(8).fill(byte)
}

const CUSTOM_JOB: Omit<Fields<'SetCustomMiningJob'>, 'channelId' | 'requestId'> = {
  token: Uint8Array.of(9),
  version: 0x2000_0000,
  prevHash: new Uint8Array(32),
  minTimeSec: NOW_SEC,
  bits: 0x1702a000,
  coinbaseVersion: 2,
  coinbasePrefix: Uint8Array.of(2, 0xf3, 6),
  coinbaseSequence: 0,
  coinbaseOutputs: new Uint8Array(40),
  coinbaseLocktime: 0,
  merklePath: new Uint8Array(64)
}
