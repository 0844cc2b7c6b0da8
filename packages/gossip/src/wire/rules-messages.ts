import {
  asciiToBytes,
  ByteReader,
  ByteWriter,
  bytesToAscii,
  bytesToHex,
  CodecError,
  sha256
} from '@p2poolv2/primitives'

/**
 * Which rules does the other node know? Asked once a connection on a protocol of its own, among nodes of our kind. A genesis names a share
 * chain but not how its shares are judged, and two nodes that judge differently part at the first share they disagree about.
 */

/** All values of one node at most; ours are a quarter of it. */
export const MAX_RULES_BYTES = 4_096

export type RulesMessage =
  | { readonly type: 'getRules' }
  | {
      readonly type: 'rules'
      /** 32 bytes, SHA-256 over the lines. */
      readonly fingerprint: Uint8Array
      /** `name=value` and a line feed each, in order of their names; empty if they are not told. Printable ASCII. */
      readonly lines: string
    }

const TYPE_BYTE = { getRules: 0, rules: 1 } as const

export function encodeRulesMessage(message: RulesMessage): Uint8Array {
  const writer = new ByteWriter().u8(TYPE_BYTE[message.type])
  if (message.type === 'getRules') return writer.finish()
  const lines = asciiToBytes(message.lines)
  return writer.bytes(message.fingerprint).compactSize(lines.length).bytes(lines).finish()
}

/**
 * @throws CodecError for an unknown type, truncation, trailing bytes, too many bytes, characters that are not printable, lines that
 * are none, or lines that the fingerprint is not of
 */
export function decodeRulesMessage(payload: Uint8Array): RulesMessage {
  const reader = new ByteReader(payload)
  const type = reader.u8()
  if (type === TYPE_BYTE.getRules) {
    reader.expectEnd()
    return { type: 'getRules' }
  }
  if (type !== TYPE_BYTE.rules) throw new CodecError('malformed', 'a message about rules is of an unknown type')
  const fingerprint = reader.bytes(32).slice()
  const bytes = reader.bytes(reader.compactSize(MAX_RULES_BYTES))
  reader.expectEnd()
  const lines = bytesToAscii(bytes)
  if (!/^(?:[A-Za-z][A-Za-z0-9]*=[\x20-\x7e]*\n)*$/.test(lines)) {
    throw new CodecError('malformed', 'rules are lines of a name and a value')
  }
  if (lines !== '' && bytesToHex(sha256(bytes)) !== bytesToHex(fingerprint)) {
    throw new CodecError('malformed', 'the fingerprint of rules is of other ones')
  }
  return { type: 'rules', fingerprint, lines }
}
