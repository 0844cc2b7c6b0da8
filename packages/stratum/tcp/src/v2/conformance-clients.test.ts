import { bytesToHex, hexToBytes } from '@p2poolv2/primitives'
import type { Message } from '@p2poolv2/stratum/sv2'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { authorize, subscribe, TestClient } from '../testing/test-client.ts'
import { conformV2 } from '../testing/v2-cases.ts'
import { PREV_HASH_1, V2Pool, workOn } from '../testing/v2-pool.ts'
import { EASIEST, shareFor, V2TestClient } from '../testing/v2-test-client.ts'

let pool: V2Pool
beforeAll(async () => {
  pool = await new V2Pool().start()
})
afterAll(() => pool.stop())

/** What ESP-Miner 5c27713 says of itself, and what it can take. */
const ESP = { vendor: 'bitaxe', hardwareVersion: 'BM1370', endpointPort: 3336 }
const ESP_HASHRATE_HPS = 1e12
const ESP_MAX_PAYLOAD_BYTES = 8_192
/** What it knows; everything else is skipped. */
const ESP_KNOWS = new Set([
  'SetupConnectionSuccess',
  'OpenStandardMiningChannelSuccess',
  'OpenExtendedMiningChannelSuccess',
  'NewMiningJob',
  'NewExtendedMiningJob',
  'SetNewPrevHash',
  'SetTarget',
  'SubmitSharesSuccess',
  'SubmitSharesError'
])

/** Opens a channel as the firmware does, and checks what would end it. */
async function espOpens(client: V2TestClient, kind: 'standard' | 'extended') {
  const channel = client.ask(kind, { nominalHashrateHps: ESP_HASHRATE_HPS, minExtranonceBytes: 2, requestId: 1 })
  await client.newJob(channel, null)
  const [first, ...rest] = client.messages.splice(0)
  // Anything before it counts as a refusal.
  expect(first?.name).toMatch(/^Open.*Success$/)
  for (const message of rest) expectTaken(message)
  return channel
}

function expectTaken({ name, fields }: Message): void {
  expect(ESP_KNOWS).toContain(name)
  if (name === 'NewExtendedMiningJob' && 'coinbaseSuffix' in fields) {
    const bytes = 23 + fields.merklePath.length + fields.coinbasePrefix.length + fields.coinbaseSuffix.length
    expect(bytes).toBeLessThanOrEqual(ESP_MAX_PAYLOAD_BYTES)
    // It takes a time of 0 for none, and stores at most 20 nodes.
    expect(fields.minTimeSec).not.toBe(0)
    expect(fields.merklePath.length / 32).toBeLessThanOrEqual(20)
  }
}

describe('whole clients', () => {
  conformV2(66, 70, {
    66: [
      'a bitaxe mines on either kind of channel, with the right key and with none, and not with a wrong one',
      async () => {
        const nowSec = Math.floor(pool.now.wallMs / 1000)
        for (const kind of ['extended', 'standard'] as const) {
          for (const authority of [pool.identity.authorityText, null]) {
            const client = await V2TestClient.connect(pool.v2Port, { authority, nowSec })
            client.setUp({ ...ESP, flags: kind === 'standard' ? 1 : 0 })
            await client.next('SetupConnectionSuccess')
            const channel = await espOpens(client, kind)
            // It counts its part big-endian from 0 for each job, and rolls 1fffe000 whatever it is told.
            const extranonce = hexToBytes('0000000000000001').slice(0, channel.extranonceBytes)
            for (const sequenceNumber of [0, 1]) {
              client.share(channel, {
                sequenceNumber,
                extranonce,
                version: (0x2000_0000 | (sequenceNumber << 13)) >>> 0
              })
              expect((await client.find('SubmitSharesSuccess')).lastSequenceNumber).toBe(sequenceNumber)
            }
            client.socket.destroy()
          }
        }
        const other = '9bXiEd8boQVhq7WddEcERUL5tyyJVFYdU8th3HfbNXK3Yw6GRXh'
        await expect(V2TestClient.connect(pool.v2Port, { authority: other, nowSec })).rejects.toThrow('not certified')
      }
    ],
    69: [
      'miners of both protocols with one address are one worker, and search different coinbases',
      async () => {
        const v1 = await TestClient.connect(pool.v1Port)
        v1.write(subscribe, authorize)
        const [subscribed] = await v1.read(1)
        const { result = [] } = subscribed ?? {}
        const e1 = (result as string[])[1]
        const client = await V2TestClient.setUp(pool.v2Port)
        const channel = client.ask('extended')
        const { extranoncePrefix } = await client.find('OpenExtendedMiningChannelSuccess')
        expect(bytesToHex(extranoncePrefix)).not.toBe(e1)
        await client.newJob(channel, null)
        client.share(channel)
        await client.find('SubmitSharesSuccess')
        const mine = pool.sessions.slice(-2).map(({ identity }) => `${identity?.payoutAddress}.${identity?.worker}`)
        expect(new Set(mine).size).toBe(1)
        for (const { socket } of [client, v1]) socket.destroy()
      }
    ],
    70: [
      'after a restart clients come back to another static key of the same authority',
      async () => {
        const first = await new V2Pool().start()
        const { authorityText } = first.identity
        const nowSec = Math.floor(first.now.wallMs / 1000)
        const client = await V2TestClient.connect(first.v2Port, { authority: authorityText, nowSec })
        client.setUp(ESP)
        const channel = await espOpensAfterSetUp(client)
        client.share(channel)
        await client.find('SubmitSharesSuccess')
        await first.stop()
        await client.ended()
        // Nothing is said at a stop: part of the clients end over it.
        expect(client.messages.map(({ name }) => name)).toEqual([])

        const second = await new V2Pool().start()
        expect(second.identity.authorityText).toBe(authorityText)
        expect(bytesToHex(second.identity.static.ellSwift)).not.toBe(bytesToHex(first.identity.static.ellSwift))
        const again = await V2TestClient.connect(second.v2Port, { authority: authorityText, nowSec })
        again.setUp(ESP)
        const channel2 = await espOpensAfterSetUp(again)
        again.share(channel2)
        await again.find('SubmitSharesSuccess')
        await second.stop()
      }
    ]
  })

  it('a target comes with a job: a bitaxe looks at it with the next one only', async () => {
    const client = await V2TestClient.setUp(pool.v2Port, ESP)
    const channel = await espOpens(client, 'extended')
    const { job } = channel
    const maximumTarget = EASIEST.map((_, i) => (i > 24 ? 0 : 0xff))
    client.send('UpdateChannel', { channelId: channel.channelId ?? 0, nominalHashrateHps: 0, maximumTarget })
    await client.newJob(channel, job)
    expect(client.messages.map(({ name }) => name)).toEqual(['SetTarget', 'NewExtendedMiningJob'])
    client.socket.destroy()
  })

  it('a client that reads slowly gets the newest work in the end, and no frame is torn', async () => {
    const own = await new V2Pool({ maxUnsentBytes: 64 * 1024 * 1024 }, workOn(PREV_HASH_1, { payees: 1_500 })).start()
    const client = await V2TestClient.setUp(own.v2Port)
    const channel = await client.open('extended')
    client.socket.pause()
    for (let id = 2; id < 400; id++) own.renew(workOn(PREV_HASH_1, { id, payees: 1_500, timeSec: 1_760_000_000 + id }))
    await new Promise(resolve => setImmediate(resolve))
    client.socket.resume()
    await expect.poll(() => channel.job?.timeSec, { timeout: 60_000 }).toBe(1_760_000_399)
    const jobs = client.messages.filter(({ name }) => name === 'NewExtendedMiningJob').length
    expect(jobs).toBeLessThan(398)
    client.submit(channel, shareFor(channel))
    await client.find('SubmitSharesSuccess')
    await own.stop()
  })
})

async function espOpensAfterSetUp(client: V2TestClient) {
  await client.next('SetupConnectionSuccess')
  return espOpens(client, 'extended')
}
