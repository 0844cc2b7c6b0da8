import { bytesToHex, concatBytes, targetFromDifficulty } from '@p2poolv2/primitives'
import { type Fields, frameOf, type MessageName } from '@p2poolv2/stratum/sv2'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { conformV2 } from '../testing/v2-cases.ts'
import { EASY_DIFFICULTY, V2Pool } from '../testing/v2-pool.ts'
import { EASIEST, SET_UP, USER, V2TestClient } from '../testing/v2-test-client.ts'

let pool: V2Pool
beforeAll(async () => {
  pool = await new V2Pool().start()
})
afterAll(() => pool.stop())

const OPEN = {
  requestId: 1,
  userIdentity: USER,
  nominalHashrateHps: 0,
  maxTarget: EASIEST,
  minExtranonceBytes: 2
}
const SUBMIT = { channelId: 1, sequenceNumber: 9, jobId: 1, nonce: 1, timeSec: 1, version: 1 }

/** A frame whose payload is so many bytes longer or shorter. */
function changed(frame: Uint8Array, bytes: number): Uint8Array {
  const other = bytes < 0 ? frame.slice(0, bytes) : concatBytes(frame, new Uint8Array(bytes))
  other.set([other.length - 6, (other.length - 6) >>> 8, 0], 3)
  return other
}

async function setUpAnswer(fields: Partial<Fields<'SetupConnection'>>): Promise<unknown> {
  const client = await V2TestClient.connect(pool.v2Port)
  client.send('SetupConnection', { ...SET_UP, ...fields })
  const error = await client.next('SetupConnectionError')
  await client.ended()
  return error
}

async function openError(fields: Partial<Fields<'OpenExtendedMiningChannel'>>): Promise<string> {
  const client = await V2TestClient.setUp(pool.v2Port)
  client.ask('extended', fields)
  const { errorCode } = await client.next('OpenMiningChannelError')
  client.socket.destroy()
  return errorCode
}

describe('codec', () => {
  const CLIENT_FRAMES: readonly [MessageName, Uint8Array][] = [
    ['OpenStandardMiningChannel', frameOf('OpenStandardMiningChannel', OPEN)],
    ['OpenExtendedMiningChannel', frameOf('OpenExtendedMiningChannel', OPEN)],
    ['UpdateChannel', frameOf('UpdateChannel', { channelId: 1, nominalHashrateHps: 0, maximumTarget: EASIEST })],
    ['CloseChannel', frameOf('CloseChannel', { channelId: 1, reasonCode: 'bye' })],
    ['SubmitSharesStandard', frameOf('SubmitSharesStandard', SUBMIT)],
    ['SubmitSharesExtended', frameOf('SubmitSharesExtended', { ...SUBMIT, extranonce: new Uint8Array(8) })],
    ['RequestExtensions', frameOf('RequestExtensions', { requestId: 1, requested: [2] })]
  ]

  conformV2(16, 26, {
    19: [
      'a message with a byte missing: closed, with a channel and without',
      async () => {
        for (const [name, frame] of CLIENT_FRAMES) {
          for (const hasChannel of [false, true]) {
            const client = await V2TestClient.setUp(pool.v2Port)
            if (hasChannel) await client.open('extended')
            client.socket.write(client.link.sealFrame(changed(frame, -1)))
            await expect(client.ended(), name).resolves.toBeUndefined()
          }
        }
        const client = await V2TestClient.connect(pool.v2Port)
        client.socket.write(client.link.sealFrame(changed(frameOf('SetupConnection', SET_UP), -1)))
        await client.ended()
      }
    ],
    20: [
      'two bytes more at the end are borne',
      async () => {
        const client = await V2TestClient.connect(pool.v2Port)
        client.socket.write(client.link.sealFrame(changed(frameOf('SetupConnection', SET_UP), 2)))
        await client.next('SetupConnectionSuccess')
        const open = frameOf('OpenExtendedMiningChannel', OPEN)
        client.socket.write(client.link.sealFrame(changed(open, 2)))
        await client.next('OpenExtendedMiningChannelSuccess')
        client.socket.destroy()
      }
    ],
    21: [
      'the channel bit may be wrong',
      async () => {
        const client = await V2TestClient.setUp(pool.v2Port)
        const open = frameOf('OpenExtendedMiningChannel', OPEN)
        open[1] = 0x80
        client.socket.write(client.link.sealFrame(open))
        const { channelId } = await client.find('OpenExtendedMiningChannelSuccess')
        const submit = frameOf('SubmitSharesExtended', { ...SUBMIT, channelId, extranonce: new Uint8Array(8) })
        submit[1] = 0
        client.socket.write(client.link.sealFrame(submit))
        expect((await client.find('SubmitSharesError')).errorCode).toMatch(/./)
        client.socket.destroy()
      }
    ],
    22: [
      'type 0 is two messages by its extension',
      async () => {
        const client = await V2TestClient.setUp(pool.v2Port)
        client.send('RequestExtensions', { requestId: 5, requested: [2] })
        expect((await client.next('RequestExtensionsError')).requestId).toBe(5)
        client.send('SetupConnection', SET_UP)
        await client.ended()
      }
    ],
    23: [
      'an unknown extension is ignored, and a hundred of them',
      async () => {
        const client = await V2TestClient.setUp(pool.v2Port)
        const unknown = Uint8Array.of(1, 0x40, 0, 1, 0, 0, 7)
        for (let i = 0; i < 100; i++) client.socket.write(client.link.sealFrame(unknown))
        client.send('RequestExtensions', { requestId: 6, requested: [] })
        expect((await client.next('RequestExtensionsError')).requestId).toBe(6)
        client.socket.write(client.link.sealFrame(unknown))
        await client.ended()
      }
    ],
    24: [
      'the field of an extension nobody agreed on is ignored',
      async () => {
        const client = await V2TestClient.setUp(pool.v2Port)
        const channel = await client.open('extended')
        const channelId = channel.channelId ?? 0
        const submit = frameOf('SubmitSharesExtended', { ...SUBMIT, channelId, extranonce: new Uint8Array(8) })
        const tlv = Uint8Array.of(2, 0, 1, 6, 0, 0x77, 0x6f, 0x72, 0x6b, 0x65, 0x72)
        const withTlv = concatBytes(submit, tlv)
        withTlv[3] = withTlv.length - 6
        client.socket.write(client.link.sealFrame(withTlv))
        expect((await client.find('SubmitSharesError')).sequenceNumber).toBe(9)
        client.socket.destroy()
      }
    ],
    25: [
      'a hash rate is a number from 0 on',
      async () => {
        for (const nominalHashrateHps of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
          expect(await openError({ nominalHashrateHps })).toBe('invalid-nominal-hashrate')
        }
        const client = await V2TestClient.setUp(pool.v2Port)
        const channel = await client.open('standard', { nominalHashrateHps: 0 })
        client.send('UpdateChannel', {
          channelId: channel.channelId ?? 0,
          nominalHashrateHps: Number.NaN,
          maximumTarget: EASIEST
        })
        expect((await client.find('UpdateChannelError')).errorCode).toBe('invalid-nominal-hashrate')
        client.socket.destroy()
      }
    ],
    26: [
      'targets have the least significant byte first, in and out',
      async () => {
        const one = targetFromDifficulty(1)
        expect(bytesToHex(one)).toBe(`${'00'.repeat(26)}ffff00000000`)
        for (const kind of ['standard', 'extended'] as const) {
          const client = await V2TestClient.setUp(pool.v2Port)
          const channel = await client.open(kind, { maxTarget: one })
          expect(bytesToHex(channel.target)).toBe(bytesToHex(one))
          const two = targetFromDifficulty(2)
          const channelId = channel.channelId ?? 0
          client.send('UpdateChannel', { channelId, nominalHashrateHps: 0, maximumTarget: two })
          expect(bytesToHex((await client.find('SetTarget')).maximumTarget)).toBe(bytesToHex(two))
          client.socket.destroy()
        }
        expect(EASY_DIFFICULTY).toBeLessThan(1)
      }
    ]
  })
})

describe('set-up', () => {
  conformV2(27, 32, {
    27: [
      'other protocols are refused',
      async () => {
        for (const protocol of [1, 2, 3]) {
          expect(await setUpAnswer({ protocol })).toEqual({ flags: 0, errorCode: 'unsupported-protocol' })
        }
      }
    ],
    28: [
      'version 2 has to be among the versions',
      async () => {
        for (const version of [1, 3]) {
          expect(await setUpAnswer({ minVersion: version, maxVersion: version })).toEqual({
            flags: 0,
            errorCode: 'protocol-version-mismatch'
          })
        }
        const client = await V2TestClient.connect(pool.v2Port)
        client.send('SetupConnection', { ...SET_UP, minVersion: 1, maxVersion: 3 })
        expect(await client.next('SetupConnectionSuccess')).toEqual({ usedVersion: 2, flags: 0 })
        client.socket.destroy()
      }
    ],
    29: [
      'flags that are not supported are told, all of them',
      async () => {
        const errorCode = 'unsupported-feature-flags'
        expect(await setUpAnswer({ flags: 0b10 })).toEqual({ flags: 0b10, errorCode })
        expect(await setUpAnswer({ flags: 0b1111 })).toEqual({ flags: 0b1010, errorCode })
        expect(await setUpAnswer({ flags: 0x8000_0000 })).toEqual({ flags: 0x8000_0000, errorCode })
        const client = await V2TestClient.connect(pool.v2Port)
        client.send('SetupConnection', { ...SET_UP, flags: 0b101 })
        expect((await client.next('SetupConnectionSuccess')).flags).toBe(0)
        client.socket.destroy()
      }
    ],
    30: [
      'nothing comes before the set-up',
      async () => {
        const client = await V2TestClient.connect(pool.v2Port)
        client.ask('standard')
        await client.ended()
        expect(client.messages).toEqual([])
      }
    ],
    31: [
      'extensions are refused by their numbers',
      async () => {
        const client = await V2TestClient.setUp(pool.v2Port)
        client.send('RequestExtensions', { requestId: 77, requested: [2, 3] })
        expect(await client.next('RequestExtensionsError')).toEqual({
          requestId: 77,
          unsupported: [2, 3],
          required: []
        })
        client.socket.destroy()
      }
    ],
    32: [
      'a connection without a channel is closed after a minute, one of the translator stays',
      async () => {
        const own = await new V2Pool().start()
        const client = await V2TestClient.setUp(own.v2Port)
        const proxy = await V2TestClient.setUp(own.v2Port, { vendor: 'SRI' })
        own.aheadMs += 61_000
        await client.ended()
        proxy.send('RequestExtensions', { requestId: 1, requested: [] })
        await proxy.next('RequestExtensionsError')
        own.aheadMs += 3_600_000
        await proxy.ended()
        await own.stop()
      }
    ]
  })
})
