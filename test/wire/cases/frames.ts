import { ACK, frame, getShare, handshake, inventory, NO_HASH, sha256d } from '../raw/messages.ts'
import { afterBytes, type Case, fate } from './case.ts'

const MAX_PAYLOAD_BYTES = 1_048_576
const HELLO = frame(handshake(1, Buffer.alloc(32, 0xab)))

/** A frame whose head says what is not so. */
function lying(payload: Uint8Array, head: { readonly length?: number; readonly checksum?: Uint8Array }): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(head.length ?? payload.length)
  return Buffer.concat([length, head.checksum ?? sha256d(payload).subarray(0, 4), payload])
}

const payload = (...parts: readonly (number | Uint8Array)[]): Buffer =>
  frame(Buffer.concat(parts.map(part => (typeof part === 'number' ? Buffer.from([part]) : part))))

/** What is no frame: the stream is reset, nothing else happens (protocol §18.3). */
const NO_FRAMES: readonly Case[] = [
  {
    name: 'a frame one byte too long, before any of its payload',
    act: peer => afterBytes(peer, lying(Buffer.alloc(0), { length: MAX_PAYLOAD_BYTES + 1 }), { finish: false }),
    fate: 'rst'
  },
  {
    name: 'a frame of four gibibytes',
    act: peer => afterBytes(peer, lying(Buffer.alloc(0), { length: 0xffff_ffff }), { finish: false }),
    fate: 'rst'
  },
  {
    name: 'a wrong checksum',
    act: peer => afterBytes(peer, lying(HELLO.subarray(8), { checksum: Buffer.alloc(4, 1) })),
    fate: 'rst'
  },
  {
    name: 'a checksum of a single hash of nothing',
    act: peer => afterBytes(peer, lying(Buffer.alloc(0), { checksum: Buffer.from('e3b0c442', 'hex') })),
    fate: 'rst'
  },
  { name: 'a FIN inside the head', act: peer => afterBytes(peer, HELLO.subarray(0, 5)), fate: 'rst' },
  { name: 'a FIN inside the payload', act: peer => afterBytes(peer, HELLO.subarray(0, 30)), fate: 'rst' },
  {
    name: 'an RST inside the payload',
    act: async peer => {
      const stream = await peer.openRequest()
      stream.write(HELLO.subarray(0, 30))
      stream.reset()
      return fate(stream)
    },
    fate: 'rst'
  }
]

/** What is a frame and no message that asks for something: no data comes back (protocol §18.4). */
const NO_MESSAGES: readonly Case[] = [
  { name: 'an empty payload', act: peer => afterBytes(peer, frame(Buffer.alloc(0))), fate: 'fin' },
  { name: 'the first unknown type', act: peer => afterBytes(peer, payload(10)), fate: 'fin' },
  { name: 'the last unknown type', act: peer => afterBytes(peer, payload(255, NO_HASH)), fate: 'fin' },
  {
    name: 'the largest payload, of an unknown type',
    act: peer => afterBytes(peer, frame(Buffer.alloc(MAX_PAYLOAD_BYTES, 0x77))),
    fate: 'fin'
  },
  { name: 'a handshake one byte short', act: peer => afterBytes(peer, payload(8, Buffer.alloc(35))), fate: 'fin' },
  { name: 'a byte behind a message', act: peer => afterBytes(peer, payload(8, Buffer.alloc(36), 0)), fate: 'fin' },
  { name: 'a kind of item that is none', act: peer => afterBytes(peer, payload(6, 2, NO_HASH)), fate: 'fin' },
  { name: 'an inventory of no known kind', act: peer => afterBytes(peer, payload(0, 2, 0)), fate: 'fin' },
  {
    name: 'a number in a longer form than it needs',
    act: peer => afterBytes(peer, payload(2, Buffer.from('fd0100', 'hex'), NO_HASH, NO_HASH)),
    fate: 'fin'
  },
  {
    name: 'a count with nothing behind it',
    act: peer => afterBytes(peer, payload(0, 0, Buffer.from('feffffffff', 'hex'))),
    fate: 'fin'
  },
  {
    name: 'a locator beyond any chain',
    act: peer => afterBytes(peer, payload(2, 200, Buffer.alloc(200 * 32), NO_HASH)),
    fate: 'fin'
  },
  { name: 'a share that breaks off', act: peer => afterBytes(peer, payload(5, Buffer.alloc(100))), fate: 'ack' }
]

/** Messages that are right and have no answer, or an answer although they look odd. */
const ODD_BUT_RIGHT: readonly Case[] = [
  { name: 'an acknowledgement as a request', act: peer => afterBytes(peer, frame(ACK)), fate: 'fin' },
  { name: 'headers as a request', act: peer => afterBytes(peer, payload(4, 0, 0)), fate: 'fin' },
  { name: '"not found" as a request', act: peer => afterBytes(peer, payload(1, 0, NO_HASH)), fate: 'fin' },
  { name: 'a question for a transaction', act: peer => afterBytes(peer, payload(6, 1, NO_HASH)), fate: 'fin' },
  { name: 'a share that nobody knows', act: peer => afterBytes(peer, frame(getShare(NO_HASH))), fate: '42 bytes, fin' },
  {
    name: 'a request byte by byte',
    act: async peer => {
      const stream = await peer.openRequest()
      for (const byte of frame(inventory([]))) stream.write(Buffer.from([byte]))
      stream.finish()
      return fate(stream)
    },
    fate: 'ack'
  },
  {
    name: 'a request whose stream is never closed by the asker',
    act: peer => afterBytes(peer, frame(inventory([])), { finish: false }),
    fate: 'ack'
  },
  {
    name: 'two requests in one stream: the first counts',
    act: peer => afterBytes(peer, Buffer.concat([frame(inventory([])), frame(getShare(NO_HASH))])),
    fate: 'ack'
  },
  {
    name: 'a request with a megabyte of anything behind it',
    act: peer => afterBytes(peer, Buffer.concat([frame(inventory([])), Buffer.alloc(200_000, 1)])),
    fate: 'ack'
  }
]

export const FRAME_CASES: readonly Case[] = [...NO_FRAMES, ...NO_MESSAGES, ...ODD_BUT_RIGHT]
