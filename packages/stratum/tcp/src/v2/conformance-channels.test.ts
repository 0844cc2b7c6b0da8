import { bytesToHex, compareBytes, hexToBytes, targetFromDifficulty } from '@p2poolv2/primitives'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { TestClient } from '../testing/test-client.ts'
import { conformV2 } from '../testing/v2-cases.ts'
import { PREV_HASH_1, V2Pool, workOn } from '../testing/v2-pool.ts'
import { EASIEST, V2TestClient } from '../testing/v2-test-client.ts'

let pool: V2Pool
beforeAll(async () => {
  pool = await new V2Pool().start()
})
afterAll(() => pool.stop())

/** The names of the next messages. */
async function names(client: V2TestClient, count: number): Promise<string[]> {
  await expect.poll(() => client.messages.length, { timeout: 60_000 }).toBeGreaterThanOrEqual(count)
  return client.messages.splice(0, count).map(({ name }) => name)
}

describe('channels', () => {
  conformV2(33, 44, {
    33: [
      'an extended channel has a prefix of four bytes and eight to vary, never more',
      async () => {
        const client = await V2TestClient.setUp(pool.v2Port)
        for (const minExtranonceBytes of [0, 2, 6, 8]) {
          client.ask('extended', { minExtranonceBytes, requestId: 100 + minExtranonceBytes })
          const { requestId, extranonceBytes, extranoncePrefix } = await client.find('OpenExtendedMiningChannelSuccess')
          expect([requestId, extranonceBytes, extranoncePrefix.length]).toEqual([100 + minExtranonceBytes, 8, 4])
        }
        client.ask('extended', { minExtranonceBytes: 9, requestId: 99 })
        const error = await client.find('OpenMiningChannelError')
        expect(error).toEqual({ requestId: 99, errorCode: 'min-extranonce-size-too-large' })
        client.socket.destroy()
      }
    ],
    34: [
      'a standard channel has all twelve bytes fixed, and nobody else has them',
      async () => {
        const client = await V2TestClient.setUp(pool.v2Port)
        const prefixes: string[] = []
        for (let i = 0; i < 3; i++) {
          client.ask('standard')
          const { extranoncePrefix } = await client.find('OpenStandardMiningChannelSuccess')
          expect(extranoncePrefix).toHaveLength(12)
          prefixes.push(bytesToHex(extranoncePrefix.subarray(0, 4)))
        }
        client.ask('extended')
        prefixes.push(bytesToHex((await client.find('OpenExtendedMiningChannelSuccess')).extranoncePrefix))
        const v1 = await TestClient.connect(pool.v1Port)
        v1.write({ id: 1, method: 'mining.subscribe', params: [] })
        const [subscribed] = await v1.read(1)
        const { result = [] } = subscribed ?? {}
        prefixes.push((result as string[])[1] ?? '')
        expect(new Set(prefixes).size).toBe(5)
        expect(pool.extranonces).toEqual(expect.arrayContaining(prefixes))
        for (const { socket } of [client, v1]) socket.destroy()
      }
    ],
    35: [
      'what comes after the question is Success, a future job and the previous hash that names it',
      async () => {
        for (const kind of ['standard', 'extended'] as const) {
          const client = await V2TestClient.setUp(pool.v2Port)
          const channel = client.ask(kind)
          await client.newJob(channel, null)
          const [opened, job, prevHash] = client.messages
          expect(opened?.name).toMatch(/^Open(Standard|Extended)MiningChannelSuccess$/)
          if (job?.name !== 'NewMiningJob' && job?.name !== 'NewExtendedMiningJob') throw new Error('no job came')
          expect(job.fields.minTimeSec).toBeNull()
          if (prevHash?.name !== 'SetNewPrevHash') throw new Error('no previous hash came')
          expect(prevHash.fields.jobId).toBe(job.fields.jobId)
          expect(client.messages).toHaveLength(3)
          client.socket.destroy()
        }
      }
    ],
    36: [
      'the target is never easier than the client asked for, and none is no target',
      async () => {
        const client = await V2TestClient.setUp(pool.v2Port)
        const odd = hexToBytes(`${'a7'.repeat(25)}${'00'.repeat(7)}`)
        const channel = await client.open('extended', { maxTarget: odd })
        expect(compareBytes(Uint8Array.from(channel.target).reverse(), Uint8Array.from(odd).reverse())).toBe(0)
        client.ask('extended', { maxTarget: new Uint8Array(32) })
        expect((await client.find('OpenMiningChannelError')).errorCode).toBe('max-target-out-of-range')
        client.socket.destroy()
      }
    ],
    37: [
      'a wrong address is refused, and the second time the connection ends',
      async () => {
        const client = await V2TestClient.setUp(pool.v2Port)
        client.ask('extended', { userIdentity: 'nobody.w', requestId: 3 })
        expect(await client.next('OpenMiningChannelError')).toEqual({ requestId: 3, errorCode: 'unknown-user' })
        client.ask('extended', { userIdentity: 'nobody.w', requestId: 4 })
        expect(await client.next('OpenMiningChannelError')).toEqual({ requestId: 4, errorCode: 'unknown-user' })
        await client.ended()

        const proxy = await V2TestClient.setUp(pool.v2Port)
        await proxy.open('extended')
        for (let i = 0; i < 3; i++) {
          proxy.ask('extended', { userIdentity: 'nobody' })
          await proxy.next('OpenMiningChannelError')
        }
        await proxy.open('standard')
        proxy.socket.destroy()
      }
    ],
    38: [
      'hints stand before the first dot, the worker after it',
      async () => {
        const client = await V2TestClient.setUp(pool.v2Port)
        const workers: string[] = []
        for (const rest of [',p2p=p2p1share.x', ';p2p=p2p1share', ',p2p=p2p1share.translator-proxy']) {
          await client.open('extended', { userIdentity: `bc1qexampleaddr${rest}` })
          const identity = pool.sessions.at(-1)?.identity
          expect(identity?.payoutAddress).toBe('bc1qexampleaddr')
          workers.push(identity?.worker ?? '?')
        }
        expect(workers).toEqual(['x', '', 'translator-proxy'])
        client.socket.destroy()
      }
    ],
    39: [
      'a share address may be left out, and a wrong one is refused',
      async () => {
        const client = await V2TestClient.setUp(pool.v2Port)
        await client.open('extended', { userIdentity: 'bc1qexampleaddr' })
        client.ask('extended', { userIdentity: 'bc1qexampleaddr,p2p=wrong.w' })
        expect((await client.next('OpenMiningChannelError')).errorCode).toBe('invalid-user-identity')
        client.socket.destroy()
      }
    ],
    40: [
      'who requires standard jobs gets no extended channel',
      async () => {
        const client = await V2TestClient.setUp(pool.v2Port, { flags: 1 })
        client.ask('extended')
        expect((await client.next('OpenMiningChannelError')).errorCode).toBe(
          'extended-channels-not-supported-for-standard-jobs'
        )
        await client.open('standard')
        client.socket.destroy()
      }
    ],
    41: [
      'channels are counted; one number of a request may come twice',
      async () => {
        const client = await V2TestClient.setUp(pool.v2Port)
        for (let i = 0; i < 64; i++) client.ask('standard', { requestId: 7 })
        for (let i = 0; i < 64; i++) {
          expect((await client.find('OpenStandardMiningChannelSuccess')).requestId).toBe(7)
        }
        client.ask('standard', { requestId: 8 })
        const error = { requestId: 8, errorCode: 'channel-capacity-exhausted' }
        expect(await client.find('OpenMiningChannelError')).toEqual(error)
        client.socket.destroy()

        const device = await V2TestClient.setUp(pool.v2Port, { vendor: 'bitaxe' })
        for (let i = 0; i < 9; i++) device.ask('standard')
        expect((await device.find('OpenMiningChannelError')).errorCode).toBe(error.errorCode)
        device.socket.destroy()

        const own = await new V2Pool().start()
        own.maxMiners = 1
        const late = await V2TestClient.setUp(own.v2Port)
        await late.open('standard')
        late.ask('standard', { requestId: 8 })
        expect(await late.next('OpenMiningChannelError')).toEqual(error)
        await own.stop()
      }
    ],
    42: [
      'groups are numbers of their own, and nobody speaks to them',
      async () => {
        const client = await V2TestClient.setUp(pool.v2Port)
        const ids: number[] = []
        for (const kind of ['standard', 'extended', 'standard'] as const) {
          const channel = client.ask(kind)
          await client.newJob(channel, null)
        }
        pool.renew(workOn(PREV_HASH_1, { id: 2 }))
        await expect.poll(() => client.messages.length, { timeout: 60_000 }).toBe(12)
        for (const { name, fields } of client.messages) {
          if (name.startsWith('Open') && 'groupChannelId' in fields && 'channelId' in fields) {
            ids.push(fields.channelId, fields.groupChannelId)
          }
        }
        expect(new Set(ids).size).toBe(6)
        const groups = new Set(ids.filter(id => id >= 0x8000_0000))
        for (const { name, fields } of client.messages) {
          if (!name.startsWith('Open') && 'channelId' in fields) expect(groups.has(fields.channelId), name).toBe(false)
        }
        client.socket.destroy()
      }
    ],
    43: [
      'an update of no channel is refused; a harder bound is followed by a target and a job',
      async () => {
        const client = await V2TestClient.setUp(pool.v2Port)
        const update = { nominalHashrateHps: 1, maximumTarget: EASIEST }
        client.send('UpdateChannel', { channelId: 99, ...update })
        expect(await client.next('UpdateChannelError')).toEqual({ channelId: 99, errorCode: 'invalid-channel-id' })
        const channel = await client.open('extended')
        const channelId = channel.channelId ?? 0
        client.send('UpdateChannel', { channelId, ...update, maximumTarget: targetFromDifficulty(5) })
        expect(await names(client, 2)).toEqual(['SetTarget', 'NewExtendedMiningJob'])
        expect(bytesToHex(channel.target)).toBe(bytesToHex(targetFromDifficulty(5)))
        // Rounded it is the same difficulty.
        const alittleHarder = targetFromDifficulty(5.3)
        client.send('UpdateChannel', { channelId, ...update, maximumTarget: alittleHarder })
        expect(await names(client, 2)).toEqual(['SetTarget', 'NewExtendedMiningJob'])
        expect(bytesToHex(channel.target)).toBe(bytesToHex(alittleHarder))
        client.socket.destroy()
      }
    ],
    44: [
      'a closed channel gets nothing more, and the others go on',
      async () => {
        const client = await V2TestClient.setUp(pool.v2Port)
        const first = await client.open('extended')
        const second = await client.open('extended')
        client.send('CloseChannel', { channelId: first.channelId ?? 0, reasonCode: 'bye' })
        client.share(first, { sequenceNumber: 5 })
        expect(await client.next('SubmitSharesError')).toEqual({
          channelId: first.channelId,
          sequenceNumber: 5,
          errorCode: 'invalid-channel-id'
        })
        const [before, old] = [second.job, first.job]
        pool.renew(workOn(PREV_HASH_1, { id: 3 }))
        await client.newJob(second, before)
        expect(first.job).toBe(old)
        client.share(second)
        await client.find('SubmitSharesSuccess')
        expect([...pool.gone.values()]).toContain('left')
        client.socket.destroy()
      }
    ]
  })
})
