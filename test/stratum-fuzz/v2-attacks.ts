import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { V2Channel, V2Link } from '@p2poolv2/stratum/client'
import { frameOf, keyPairFrom } from '@p2poolv2/stratum/sv2'
import type { Dice } from '../wire/fuzz/attacks.ts'
import type { StratumVictim } from './attacks.ts'

const EASIEST = new Uint8Array(32).fill(0xff)
const MESSAGES_READ_AT_ONCE = 64
const ACT_1_BYTES = 64

/** Frames of a client, as they would be right. */
function goodFrames(dice: Dice, user: string, channelId: number): readonly Uint8Array[] {
  const numbers = {
    sequenceNumber: dice.below(100),
    jobId: dice.below(5),
    nonce: dice.below(2 ** 31),
    timeSec: dice.below(2 ** 31),
    version: 0x2000_0000
  }
  const open = { requestId: dice.below(9), userIdentity: `${user}.fuzz`, nominalHashrateHps: 1e6, maxTarget: EASIEST }
  const device = { vendor: 'fuzz', hardwareVersion: '', firmware: '', deviceId: '' }
  return [
    frameOf('SetupConnection', {
      protocol: 0,
      minVersion: 2,
      maxVersion: 2,
      flags: dice.below(8),
      endpointHost: 'h',
      endpointPort: 1,
      ...device
    }),
    frameOf('OpenStandardMiningChannel', open),
    frameOf('OpenExtendedMiningChannel', { ...open, minExtranonceBytes: dice.below(12) }),
    frameOf('UpdateChannel', {
      channelId,
      nominalHashrateHps: dice.oneOf([0, -1, Number.NaN, 1e30]),
      maximumTarget: dice.bytes(32)
    }),
    frameOf('CloseChannel', { channelId, reasonCode: 'x'.repeat(dice.below(255)) }),
    frameOf('SubmitSharesStandard', { channelId, ...numbers }),
    frameOf('SubmitSharesExtended', { channelId, ...numbers, extranonce: dice.bytes(dice.below(33)) }),
    frameOf('RequestExtensions', {
      requestId: 1,
      requested: Array.from({ length: dice.below(500) }, () => dice.below(65_536))
    }),
    frameOf('SetCustomMiningJobError', { channelId, requestId: 1, errorCode: 'x' })
  ]
}

/** A frame with its head set right, or not, whatever became of its bytes. */
function mutated(dice: Dice, frame: Uint8Array): Uint8Array {
  const bytes = dice.mutated(Buffer.from(frame))
  const whole = bytes.length < 6 ? Buffer.concat([bytes, Buffer.alloc(6)]) : bytes
  if (dice.below(8) > 0) whole.set([whole.length - 6, (whole.length - 6) >>> 8, 0], 3)
  return whole
}

function newLink(): V2Link {
  const ephemeral = keyPairFrom({ secret: randomBytes(32), encoding: randomBytes(32) })
  if (ephemeral === null) throw new Error('32 random bytes are a key')
  return new V2Link({ ephemeral, authority: null, nowSec: 0 })
}

/** Shakes hands; what comes after is read and told to the channel. @returns whether it was answered */
async function shakeHands(socket: Socket, link: V2Link, channel: V2Channel): Promise<boolean> {
  socket.on('data', (bytes: Uint8Array) => {
    try {
      for (const message of link.received(bytes).slice(0, MESSAGES_READ_AT_ONCE)) channel.told(message)
    } catch {
      socket.destroy()
    }
  })
  socket.write(link.act1)
  while (!link.isReady && !socket.closed) await Promise.race([once(socket, 'data'), once(socket, 'close')])
  return link.isReady
}

type Attack = (socket: Socket, dice: Dice, user: string) => Promise<void>

const sealed =
  (say: (dice: Dice, user: string, channelId: number) => readonly Uint8Array[]): Attack =>
  async (socket, dice, user) => {
    const [link, channel] = [newLink(), new V2Channel(1)]
    if (!(await shakeHands(socket, link, channel))) return
    const [setUp, standard, extended] = goodFrames(dice, user, 1)
    if (setUp !== undefined && dice.below(5) > 0) {
      setUp.set([0, 0, 0, 0], 11)
      socket.write(link.sealFrame(setUp))
    }
    const open = dice.oneOf([standard, extended])
    if (open !== undefined && dice.below(5) > 0) socket.write(link.sealFrame(open))
    for (const frame of say(dice, user, channel.channelId ?? 1)) {
      if (socket.writable) socket.write(link.sealFrame(frame))
      if (dice.below(4) === 0) await new Promise(resolve => setImmediate(resolve))
    }
  }

const ATTACKS: readonly Attack[] = [
  // Handshakes that are none, half ones, and ones that nobody goes on with.
  async (socket, dice) => void socket.write(dice.bytes(1 + dice.below(63))),
  async (socket, dice) => void socket.write(dice.bytes(64 + dice.below(5_000))),
  async (socket, dice) => void socket.write(dice.bytes(64)),
  // Right frames in any order, changed ones, and bytes.
  sealed((dice, user, id) => Array.from({ length: 30 }, () => dice.oneOf(goodFrames(dice, user, id)))),
  sealed((dice, user, id) => Array.from({ length: 30 }, () => mutated(dice, dice.oneOf(goodFrames(dice, user, id))))),
  sealed(dice =>
    Array.from({ length: 20 }, () =>
      mutated(dice, Buffer.concat([Buffer.from([0, 0x80, dice.below(0x40), 0, 0, 0]), dice.bytes(dice.below(300))]))
    )
  ),
  // Channels without end.
  sealed((dice, user, id) =>
    Array.from({ length: 100 }, () => goodFrames(dice, user, id)[1 + dice.below(2)] as Uint8Array)
  ),
  // Sealed bytes that were changed on their way.
  async (socket, dice, user) => {
    const link = newLink()
    if (!(await shakeHands(socket, link, new V2Channel(1)))) return
    for (const frame of goodFrames(dice, user, 1)) {
      const bytes = Buffer.from(link.sealFrame(frame))
      socket.write(dice.below(3) === 0 ? dice.mutated(bytes) : bytes)
    }
  }
]

/** One connection of Stratum V2 and what is done with it. Ends when the victim has hung up, or the time is over. */
export async function attackV2({ port, user }: StratumVictim, dice: Dice, withinMs: number): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: `127.200.1.${1 + dice.below(250)}` })
  socket.on('error', () => {})
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
  const patience = setTimeout(() => socket.destroy(), withinMs)
  await Promise.race([once(socket, 'connect').catch(() => undefined), closed])
  await Promise.race([
    dice
      .oneOf(ATTACKS)(socket, dice, user)
      .catch(() => undefined),
    closed
  ])
  if (dice.below(2) === 0) socket.end()
  await closed
  clearTimeout(patience)
}

/** Opens a handshake with random bytes, which cost nothing, waits for the answer, and hangs up. Dialer `n` has an address of its own. */
export async function dial(port: number, n: number, dice: Dice, withinMs: number): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: `127.201.${n >>> 7}.${1 + (n & 0x7f)}` })
  socket.on('error', () => {})
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
  const patience = setTimeout(() => socket.destroy(), withinMs)
  socket.write(dice.bytes(ACT_1_BYTES))
  socket.once('data', () => socket.destroy())
  await closed
  clearTimeout(patience)
}
