import { FieldReader, type FieldType, type FieldValues, FieldWriter, fieldBytes, writeField } from './fields.ts'
import { FRAME_HEADER_BYTES, type FrameHead, readHead, writeHead } from './frame.ts'

type Layout = Readonly<Record<string, FieldType>>

interface MessageForm<L extends Layout> {
  readonly extension: number
  readonly type: number
  readonly isForChannel: boolean
  /** In the order in which they travel. */
  readonly fields: L
}

const form = <const L extends Layout>(extension: number, type: number, isForChannel: boolean, fields: L) => ({
  extension,
  type,
  isForChannel,
  fields
})

const connection = <const L extends Layout>(type: number, fields: L): MessageForm<L> => form(0, type, false, fields)
const extensions = <const L extends Layout>(type: number, fields: L): MessageForm<L> => form(1, type, false, fields)
const channel = <const L extends Layout>(type: number, fields: L): MessageForm<{ channelId: 'u32' } & L> =>
  form(0, type, true, { channelId: 'u32', ...fields })

const SUBMIT = { sequenceNumber: 'u32', jobId: 'u32', nonce: 'u32', timeSec: 'u32', version: 'u32' } as const
const OPEN = { requestId: 'u32', userIdentity: 'text', nominalHashrateHps: 'f32', maxTarget: 'hash' } as const

/**
 * The messages of the mining protocol and of the negotiation of extensions. Versions, times in seconds and compact bits are
 * numbers; hashes are in wire order. Source: sv2 §3.
 */
export const MESSAGES = {
  SetupConnection: connection(0x00, {
    protocol: 'u8',
    minVersion: 'u16',
    maxVersion: 'u16',
    flags: 'u32',
    endpointHost: 'text',
    endpointPort: 'u16',
    vendor: 'text',
    hardwareVersion: 'text',
    firmware: 'text',
    deviceId: 'text'
  }),
  SetupConnectionSuccess: connection(0x01, { usedVersion: 'u16', flags: 'u32' }),
  SetupConnectionError: connection(0x02, { flags: 'u32', errorCode: 'text' }),
  ChannelEndpointChanged: channel(0x03, {}),
  Reconnect: connection(0x04, { newHost: 'text', newPort: 'u16' }),
  OpenStandardMiningChannel: connection(0x10, OPEN),
  OpenStandardMiningChannelSuccess: connection(0x11, {
    requestId: 'u32',
    channelId: 'u32',
    target: 'hash',
    extranoncePrefix: 'bytes32',
    groupChannelId: 'u32'
  }),
  OpenMiningChannelError: connection(0x12, { requestId: 'u32', errorCode: 'text' }),
  OpenExtendedMiningChannel: connection(0x13, { ...OPEN, minExtranonceBytes: 'u16' }),
  OpenExtendedMiningChannelSuccess: connection(0x14, {
    requestId: 'u32',
    channelId: 'u32',
    target: 'hash',
    extranonceBytes: 'u16',
    extranoncePrefix: 'bytes32',
    groupChannelId: 'u32'
  }),
  NewMiningJob: channel(0x15, { jobId: 'u32', minTimeSec: 'optionalU32', version: 'u32', merkleRoot: 'hash' }),
  UpdateChannel: channel(0x16, { nominalHashrateHps: 'f32', maximumTarget: 'hash' }),
  UpdateChannelError: channel(0x17, { errorCode: 'text' }),
  CloseChannel: channel(0x18, { reasonCode: 'text' }),
  SetExtranoncePrefix: channel(0x19, { extranoncePrefix: 'bytes32' }),
  SubmitSharesStandard: channel(0x1a, SUBMIT),
  SubmitSharesExtended: channel(0x1b, { ...SUBMIT, extranonce: 'bytes32' }),
  SubmitSharesSuccess: channel(0x1c, {
    lastSequenceNumber: 'u32',
    newSubmitsAcceptedCount: 'u32',
    newSharesSum: 'u64'
  }),
  SubmitSharesError: channel(0x1d, { sequenceNumber: 'u32', errorCode: 'text' }),
  NewExtendedMiningJob: channel(0x1f, {
    jobId: 'u32',
    minTimeSec: 'optionalU32',
    version: 'u32',
    versionRollingAllowed: 'bool',
    merklePath: 'hashes',
    coinbasePrefix: 'bytes64k',
    coinbaseSuffix: 'bytes64k'
  }),
  SetNewPrevHash: channel(0x20, { jobId: 'u32', prevHash: 'hash', minTimeSec: 'u32', bits: 'u32' }),
  SetTarget: channel(0x21, { maximumTarget: 'hash' }),
  SetCustomMiningJob: channel(0x22, {
    requestId: 'u32',
    token: 'bytes255',
    version: 'u32',
    prevHash: 'hash',
    minTimeSec: 'u32',
    bits: 'u32',
    coinbaseVersion: 'u32',
    coinbasePrefix: 'bytes255',
    coinbaseSequence: 'u32',
    coinbaseOutputs: 'bytes64k',
    coinbaseLocktime: 'u32',
    merklePath: 'hashes'
  }),
  SetCustomMiningJobSuccess: channel(0x23, { requestId: 'u32', jobId: 'u32' }),
  SetCustomMiningJobError: channel(0x24, { requestId: 'u32', errorCode: 'text' }),
  SetGroupChannel: connection(0x25, { groupChannelId: 'u32', channelIds: 'u32s' }),
  RequestExtensions: extensions(0x00, { requestId: 'u16', requested: 'u16s' }),
  RequestExtensionsSuccess: extensions(0x01, { requestId: 'u16', supported: 'u16s' }),
  RequestExtensionsError: extensions(0x02, { requestId: 'u16', unsupported: 'u16s', required: 'u16s' })
} as const

export type MessageName = keyof typeof MESSAGES

type FieldsOf<N extends MessageName> = (typeof MESSAGES)[N]['fields']

/** The fields of a message by name. */
export type Fields<N extends MessageName> = {
  readonly [F in keyof FieldsOf<N>]: FieldsOf<N>[F] extends FieldType ? FieldValues[FieldsOf<N>[F]] : never
}

/** A message with its name. */
export type Message<N extends MessageName = MessageName> = N extends MessageName
  ? { readonly name: N; readonly fields: Fields<N> }
  : never

interface KnownForm {
  readonly name: MessageName
  readonly fields: readonly (readonly [string, FieldType])[]
}

const fieldsOf = (name: MessageName): KnownForm['fields'] => Object.entries(MESSAGES[name].fields)

const NAMES = Object.keys(MESSAGES) as readonly MessageName[]
const BY_NAME = new Map<MessageName, KnownForm['fields']>(NAMES.map(name => [name, fieldsOf(name)]))
/** By extension and type. */
const BY_TYPE = new Map<number, KnownForm>(NAMES.map(name => [keyOf(MESSAGES[name]), { name, fields: fieldsOf(name) }]))

function keyOf({ extension, type }: Pick<FrameHead, 'extension' | 'type'>): number {
  return (extension << 8) | type
}

/** The name of the message in a frame, whatever its channel bit says; null for one that is not known here. */
export function messageName(frame: Uint8Array): MessageName | null {
  return BY_TYPE.get(keyOf(readHead(frame)))?.name ?? null
}

/**
 * Reads a message. What follows its last known field is ignored: extensions put theirs there. Source: sv2 §1.3.
 * @param frame whole, with its head
 * @returns null for a message that is not known here
 * @throws CodecError when a field is cut off, longer than its type allows, or an option that is neither
 */
export function readMessage(frame: Uint8Array): Message | null {
  const known = BY_TYPE.get(keyOf(readHead(frame)))
  if (known === undefined) return null
  const reader = new FieldReader(frame.subarray(FRAME_HEADER_BYTES))
  const fields: Record<string, unknown> = {}
  for (const [field, type] of known.fields) fields[field] = reader.read(type)
  return { name: known.name, fields } as unknown as Message
}

/** The whole frame of a message. */
export function frameOf<N extends MessageName>(name: N, fields: Fields<N>): Uint8Array {
  const layout = BY_NAME.get(name) ?? []
  const values = fields as unknown as Readonly<Record<string, never>>
  let bytes = FRAME_HEADER_BYTES
  for (const [field, type] of layout) bytes += fieldBytes(type, values[field] as never)
  const frame = new Uint8Array(bytes)
  writeHead(frame, MESSAGES[name])
  const writer = new FieldWriter(frame, FRAME_HEADER_BYTES)
  for (const [field, type] of layout) writeField(writer, type, values[field] as never)
  return frame
}

/**
 * The channel that a frame is for, by the first field of its payload.
 * @throws CodecError `truncated`
 */
export function channelIdOf(frame: Uint8Array): number {
  return new FieldReader(frame.subarray(FRAME_HEADER_BYTES)).u32()
}
