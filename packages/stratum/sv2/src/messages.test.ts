import { bytesToHex, CodecError, concatBytes, hexToBytes } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FieldType } from './fields.ts'
import { FRAME_HEADER_BYTES, readHead } from './frame.ts'
import { channelIdOf, type Fields, frameOf, MESSAGES, type MessageName, messageName, readMessage } from './messages.ts'
import vectors from './vectors/stratum-v2.json' with { type: 'json' }

/** What the specification calls a field that has a unit in its name here. */
const RENAMED: Readonly<Record<string, string>> = {
  nominal_hash_rate: 'nominalHashrateHps',
  extranonce_size: 'extranonceBytes',
  min_extranonce_size: 'minExtranonceBytes',
  ntime: 'timeSec',
  min_ntime: 'minTimeSec',
  nbits: 'bits'
}

const camel = (name: string): string =>
  RENAMED[name] ?? name.replace(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase())

const VALUE: { readonly [T in FieldType]: fc.Arbitrary<unknown> } = {
  u8: fc.nat(0xff),
  u16: fc.nat(0xffff),
  u32: fc.nat(0xffff_ffff),
  u64: fc.bigInt(0n, (1n << 64n) - 1n),
  f32: fc.float({ noNaN: true }),
  bool: fc.boolean(),
  text: fc.uint8Array({ maxLength: 255 }).map(bytes => String.fromCharCode(...bytes)),
  hash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  bytes32: fc.uint8Array({ maxLength: 32 }),
  bytes255: fc.uint8Array({ maxLength: 255 }),
  bytes64k: fc.uint8Array({ maxLength: 2_000 }),
  optionalU32: fc.option(fc.nat(0xffff_ffff)),
  hashes: fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 20 }).map(all => concatBytes(...all)),
  u16s: fc.array(fc.nat(0xffff), { maxLength: 100 }),
  u32s: fc.array(fc.nat(0xffff_ffff), { maxLength: 100 })
}

const anyMessage = fc.constantFrom(...(Object.keys(MESSAGES) as MessageName[])).chain(name => {
  const fields = Object.entries(MESSAGES[name].fields) as [string, FieldType][]
  const values = Object.fromEntries(fields.map(([field, type]) => [field, VALUE[type]]))
  return fc.record(values).map(drawn => ({ name, fields: drawn as unknown as Fields<typeof name> }))
})

describe('messages', () => {
  it('are read and written as the reference writes all 33 of them', () => {
    expect(vectors.frames).toHaveLength(33)
    for (const { name, frame, type, channel_msg } of vectors.frames) {
      const bytes = hexToBytes(frame)
      const message = readMessage(bytes)
      expect(message?.name, name).toBe(name.replace(/ \(.*/, '').replace('.', ''))
      if (message === null) continue
      expect(readHead(bytes)).toMatchObject({ type, isForChannel: channel_msg, payloadBytes: bytes.length - 6 })
      expect(bytesToHex(frameOf(message.name, message.fields as never)), name).toBe(frame)
    }
  })

  it('have the values that the reference put in', () => {
    let compared = 0
    for (const { name, frame, fields } of vectors.frames) {
      const read = readMessage(hexToBytes(frame))?.fields as unknown as Record<string, unknown>
      for (const [field, wanted] of Object.entries(fields)) {
        const value = read[camel(field)]
        if (value === undefined) continue
        if (value instanceof Uint8Array) {
          if (typeof wanted === 'string' && /^([0-9a-f]{2})+$/.test(wanted))
            expect(bytesToHex(value), field).toBe(wanted)
        } else if (typeof value === 'bigint') expect(value, `${name} ${field}`).toBe(BigInt(wanted as number))
        else if (field === 'nominal_hash_rate') expect(value).toBe(Math.fround(wanted as number))
        else expect(value, `${name} ${field}`).toEqual(wanted)
        compared += 1
      }
    }
    expect(compared).toBeGreaterThan(80)
  })

  it('are what real clients sent', () => {
    let read = 0
    for (const sent of Object.values(vectors.seenFromClients)) {
      if (typeof sent === 'string') continue
      for (const [label, payload] of Object.entries(sent)) {
        const name = label.replace(/_.*/, '')
        if (!(name in MESSAGES)) continue
        const frame = frameFrom(name as MessageName, hexToBytes(payload))
        const message = readMessage(frame)
        expect(message?.name).toBe(name)
        const again = message === null ? null : frameOf(message.name, message.fields as never)
        const length = again?.length ?? 0
        expect(bytesToHex(frame.subarray(FRAME_HEADER_BYTES, length))).toBe(bytesToHex(again?.subarray(6) ?? frame))
        read += 1
      }
    }
    expect(read).toBeGreaterThan(12)
  })

  it('come back as they were written', () => {
    fc.assert(
      fc.property(anyMessage, ({ name, fields }) => {
        expect(readMessage(frameOf(name, fields))).toEqual({ name, fields })
      })
    )
  })

  it('are refused whenever a byte is missing, and borne with bytes to spare', () => {
    fc.assert(
      fc.property(anyMessage, fc.nat(), fc.uint8Array({ maxLength: 8 }), ({ name, fields }, cut, more) => {
        const frame = frameOf(name, fields)
        const payload = frame.subarray(FRAME_HEADER_BYTES)
        const shorter = frameFrom(name, payload.subarray(0, cut % payload.length))
        expect(() => readMessage(shorter)).toThrow(CodecError)
        expect(readMessage(frameFrom(name, concatBytes(payload, more)))).toEqual({ name, fields })
      })
    )
  })

  it('are read or refused whatever the bytes are', () => {
    const types = Object.values(MESSAGES)
    fc.assert(
      fc.property(fc.constantFrom(...types), fc.uint8Array({ maxLength: 300 }), ({ extension, type }, payload) => {
        const frame = concatBytes(Uint8Array.of(extension, 0, type, payload.length, payload.length >> 8, 0), payload)
        try {
          expect(readMessage(frame)).not.toBeNull()
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError)
        }
      })
    )
  })

  it('take one bit of a truth, and an option that has one value or none', () => {
    const job = vectors.frames.find(({ name }) => name.startsWith('NewExtendedMiningJob'))?.frame ?? ''
    const allowed = (byte: number): unknown => {
      const frame = hexToBytes(job)
      frame[FRAME_HEADER_BYTES + 13] = byte
      const message = readMessage(frame)
      return message?.name === 'NewExtendedMiningJob' ? message.fields.versionRollingAllowed : null
    }
    expect([0, 1, 2, 3, 255].map(allowed)).toEqual([false, true, false, true, true])
    for (const count of [2, 255]) {
      const frame = hexToBytes(job)
      frame[FRAME_HEADER_BYTES + 8] = count
      expect(() => readMessage(frame)).toThrow(CodecError)
    }
  })

  it('refuse a prefix of 33 bytes and take a text of 255 that is no UTF-8', () => {
    const prefix = frameFrom('SetExtranoncePrefix', concatBytes(Uint8Array.of(1, 0, 0, 0, 33), new Uint8Array(33)))
    expect(() => readMessage(prefix)).toThrow(CodecError)
    const errorCode = '\xff'.repeat(255)
    const frame = frameOf('OpenMiningChannelError', { requestId: 1, errorCode })
    expect(readMessage(frame)?.fields).toEqual({ requestId: 1, errorCode })
  })

  it('are known by extension and type, whatever the channel bit says', () => {
    const frame = frameOf('SubmitSharesStandard', { ...NO_SUBMIT, channelId: 7 })
    frame[1] = 0
    expect(messageName(frame)).toBe('SubmitSharesStandard')
    expect(channelIdOf(frame)).toBe(7)
    expect(messageName(frameOf('RequestExtensions', { requestId: 1, requested: [] }))).toBe('RequestExtensions')
    expect(messageName(Uint8Array.of(1, 0x40, 0, 0, 0, 0))).toBeNull()
    expect(readMessage(Uint8Array.of(1, 0x40, 0, 0, 0, 0))).toBeNull()
  })
})

const NO_SUBMIT = { sequenceNumber: 0, jobId: 0, nonce: 0, timeSec: 0, version: 0 }

function frameFrom(name: MessageName, payload: Uint8Array): Uint8Array {
  const { extension, type } = MESSAGES[name]
  return concatBytes(Uint8Array.of(extension, 0, type, payload.length, payload.length >>> 8, 0), payload)
}
