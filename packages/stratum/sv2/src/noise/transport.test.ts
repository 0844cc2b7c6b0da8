import { createCipheriv } from 'node:crypto'
import { bytesToHex, concatBytes, hexToBytes, sha256 } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import vectors from '../vectors/stratum-v2.json' with { type: 'json' }
import { NonceCounter, portableCipher, TAG_BYTES } from './aead.ts'
import { CHUNK_BYTES, FrameOpener, sealedBytes, sealFrame } from './transport.ts'

const { handshake } = vectors
const KEYS = {
  i2r: hexToBytes(handshake.intermediate.key_i2r),
  r2i: hexToBytes(handshake.intermediate.key_r2i)
}
const LIMIT = 200_000

function patternFrame(payloadBytes: number): Uint8Array {
  const head = Uint8Array.of(0, 0x80, 0x1f, payloadBytes, payloadBytes >>> 8, payloadBytes >>> 16)
  return concatBytes(
    head,
    Uint8Array.from({ length: payloadBytes }, (_, i) => 7 * i)
  )
}

/** All frames that come of the pieces, and the fault that ends them. */
function opened(opener: FrameOpener, ...pieces: readonly Uint8Array[]): { frames: Uint8Array[]; fault: string | null } {
  const frames: Uint8Array[] = []
  for (const piece of pieces) {
    for (let rest = piece; ; ) {
      const { frame, rest: left, fault } = opener.next(rest)
      if (fault !== null) return { frames, fault }
      if (frame === null) break
      frames.push(frame)
      rest = left
    }
  }
  return { frames, fault: null }
}

describe('the transport', () => {
  it('seals and opens what the reference sealed, in both directions and with all numbers of chunks', () => {
    const sealers = { i2r: portableCipher(KEYS.i2r), r2i: portableCipher(KEYS.r2i) }
    const openers = {
      i2r: new FrameOpener(portableCipher(KEYS.i2r), LIMIT),
      r2i: new FrameOpener(portableCipher(KEYS.r2i), LIMIT)
    }
    expect(handshake.transport).toHaveLength(7)
    for (const step of handshake.transport) {
      const dir = step.dir as 'i2r' | 'r2i'
      const frame = step.plain === undefined ? patternFrame(step.pattern_payload_len ?? 0) : hexToBytes(step.plain)
      const sealed = sealFrame(frame, sealers[dir])
      if (step.cipher === undefined) {
        expect(sealed).toHaveLength(step.cipher_len ?? 0)
        expect(bytesToHex(sha256(sealed))).toBe(step.cipher_sha256)
      } else expect(bytesToHex(sealed)).toBe(step.cipher)
      expect(opened(openers[dir], sealed)).toEqual({ frames: [frame], fault: null })
    }
  })

  it('finds the same frames however they are cut', () => {
    const sizes = fc.array(fc.oneof(fc.nat(300), fc.constantFrom(CHUNK_BYTES, CHUNK_BYTES + 1)), {
      minLength: 1,
      maxLength: 4
    })
    fc.assert(
      fc.property(sizes, fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1 }), (lengths, cuts) => {
        const frames = lengths.map(patternFrame)
        const sealer = portableCipher(KEYS.i2r)
        const all = concatBytes(...frames.map(frame => sealFrame(frame, sealer)))
        const pieces: Uint8Array[] = []
        for (let at = 0, i = 0; at < all.length; i++) {
          const bytes = cuts[i % cuts.length] as number
          pieces.push(all.subarray(at, at + bytes))
          at += bytes
        }
        const read = opened(new FrameOpener(portableCipher(KEYS.i2r), LIMIT), ...pieces)
        expect(read.fault).toBeNull()
        expect(read.frames).toEqual(frames)
      }),
      { numRuns: 30 }
    )
  })

  it('gives nothing of a frame with a bit changed in head, payload or a later chunk, and nothing after it', () => {
    const frame = patternFrame(CHUNK_BYTES + 100)
    const good = sealFrame(frame, portableCipher(KEYS.i2r))
    for (const at of [0, 21, 22, 5_000, 22 + CHUNK_BYTES + TAG_BYTES, good.length - 1]) {
      const bad = good.slice()
      bad[at] = (bad[at] as number) ^ 1
      const opener = new FrameOpener(portableCipher(KEYS.i2r), LIMIT)
      expect(opened(opener, bad)).toEqual({ frames: [], fault: 'not-sealed' })
      expect(opened(opener, good)).toEqual({ frames: [], fault: 'not-sealed' })
    }
  })

  it('takes no frame twice', () => {
    const sealed = sealFrame(patternFrame(40), portableCipher(KEYS.i2r))
    const opener = new FrameOpener(portableCipher(KEYS.i2r), LIMIT)
    expect(opened(opener, sealed).frames).toHaveLength(1)
    expect(opened(opener, sealed).fault).toBe('not-sealed')
  })

  it('refuses what is announced beyond the limit before any of it has come', () => {
    const head = portableCipher(KEYS.i2r).seal(Uint8Array.of(0, 0, 0, 0xff, 0xff, 0xff))
    expect(opened(new FrameOpener(portableCipher(KEYS.i2r), LIMIT), head).fault).toBe('frame-too-long')
  })

  it('knows how long sealed payloads are', () => {
    const lengths = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 131_038, 131_039]
    expect(lengths.map(length => sealedBytes(length) - length)).toEqual([0, 16, 16, 16, 32, 32, 48])
  })
})

describe('ciphers', () => {
  it('seal as Node.js does, with nonces beyond 32 bits as well', () => {
    const counter = new NonceCounter()
    expect(bytesToHex(counter.take())).toBe('00'.repeat(12))
    expect(bytesToHex(counter.take())).toBe('000000000100000000000000')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 40 }), (plain, associated) => {
        const other = createCipheriv('chacha20-poly1305', KEYS.i2r, new Uint8Array(12), { authTagLength: 16 })
        other.setAAD(associated, { plaintextLength: plain.length })
        const sealed = concatBytes(other.update(plain), other.final(), other.getAuthTag())
        expect(portableCipher(KEYS.i2r).seal(plain, associated)).toEqual(sealed)
        expect(portableCipher(KEYS.i2r).open(sealed, associated)).toEqual(plain)
      })
    )
    expect(portableCipher(KEYS.i2r).open(new Uint8Array(3))).toBeNull()
  })
})
