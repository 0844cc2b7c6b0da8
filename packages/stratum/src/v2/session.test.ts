import type { Job, MiningWork } from '@p2poolv2/bitcoin'
import {
  blockHashFromWire,
  bytesToHex,
  concatBytes,
  hexToBytes,
  type SteadyMs,
  sha256d,
  steadyMs,
  targetFromBits,
  targetFromDifficulty,
  unixMs
} from '@p2poolv2/primitives'
import { frameOf, type Message, readMessage } from '@p2poolv2/stratum/sv2'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SessionEffect, SessionEvent } from '../contract.ts'
import { NO_LIMITS, SETTINGS } from '../testing/session-rig.ts'
import type { V2Session } from './session.ts'
import { jobSizeFit } from './size-classes.ts'
import { StratumV2 } from './stratum-v2.ts'
import coinbaseCut from './vectors/coinbase-cut.json' with { type: 'json' }
import { framesIn, isWorkFrames, newestFrames } from './work-frames.ts'

const TIME_SEC = 0x6a968aae
const CHANNEL = 2

/** The work of the vector: a coinbase with room for nanoseconds and commitment, two nodes of a branch. */
function vectorJob(changes: Partial<MiningWork> = {}): Job {
  const prefix = hexToBytes(coinbaseCut.coinbase_tx_prefix)
  const suffix = hexToBytes(coinbaseCut.coinbase_tx_suffix)
  const header = hexToBytes(coinbaseCut.header)
  const prevHashWire = header.slice(4, 36)
  const bytes = concatBytes(prefix, new Uint8Array(12), suffix)
  const work: MiningWork = {
    id: 1,
    bitcoinHeight: 455_410,
    version: 0x2000_0000,
    prevHash: blockHashFromWire(prevHashWire),
    prevHashWire,
    bits: 0x1b384bd7,
    timeSec: TIME_SEC,
    minTimeSec: TIME_SEC - 100,
    merkleBranch: concatBytes(...coinbaseCut.merkle_path.map(hexToBytes)),
    bitcoinTarget: targetFromBits(0x1b384bd7),
    shareTarget: null,
    coinbase: {
      bytes,
      extranonceOffset: prefix.length,
      // The suffix begins with the push of eight bytes.
      nsecsOffset: prefix.length + 12 + 1,
      commitmentOffset: bytes.length - 36,
      prefixLengthBytes: 0
    },
    ...changes
  }
  const nsecs = new DataView(suffix.buffer).getBigUint64(1, true)
  return { id: '00', work, nsecs, commitment: suffix.slice(-36, -4) }
}

class Rig {
  readonly session: V2Session
  readonly effects: SessionEffect[] = []
  nowMs: SteadyMs = steadyMs(TIME_SEC * 1000)

  constructor(kind: 'standard' | 'extended', userIdentity = 'bc1qexampleaddr.w', vendor = 'tester') {
    this.session = new StratumV2().open(
      {
        ...SETTINGS,
        extranonce: { prefix: hexToBytes(coinbaseCut.extranonce_prefix), minerBytes: 8 },
        sessionId: '00',
        connectedAtMs: this.nowMs,
        remote: '192.0.2.1:1',
        channel: CHANNEL
      },
      {}
    )
    const setUp = frameOf('SetupConnection', {
      protocol: 0,
      minVersion: 2,
      maxVersion: 2,
      flags: 0,
      endpointHost: '',
      endpointPort: 0,
      vendor,
      hardwareVersion: 'BM1370',
      firmware: '',
      deviceId: ''
    })
    const open = { requestId: 1, userIdentity, nominalHashrateHps: 0, maxTarget: new Uint8Array(32).fill(255) }
    const frame =
      kind === 'standard'
        ? frameOf('OpenStandardMiningChannel', open)
        : frameOf('OpenExtendedMiningChannel', { ...open, minExtranonceBytes: 2 })
    this.tell({ type: 'received', messages: [setUp, frame] })
    this.tell({
      type: 'authorised',
      requestId: 1,
      identity: { payoutAddress: 'bc1qexampleaddr', payoutScript: new Uint8Array(22), worker: 'w', shareProgram: null }
    })
  }

  tell(event: SessionEvent): readonly Message[] {
    const effects = this.session.handle(event, { steadyMs: this.nowMs, wallMs: unixMs(this.nowMs) })
    this.session.checkInvariants(this.nowMs)
    this.effects.push(...effects)
    return effects.flatMap(effect =>
      effect.type === 'send' ? framesIn(effect.output as Uint8Array).flatMap(frame => readMessage(frame) ?? []) : []
    )
  }

  work(job: Job, cleanJobs = false, limits = NO_LIMITS): readonly Message[] {
    return this.tell({ type: 'work', job, oldestWorkId: 1, cleanJobs, limits })
  }

  /** Frames, in hex. */
  sent(): string[] {
    return this.effects.flatMap(effect =>
      effect.type === 'send' ? framesIn(effect.output as Uint8Array).map(bytesToHex) : []
    )
  }
}

describe('a channel', () => {
  it('gets the frames of the reference for the reference’s job, of both kinds (45)', () => {
    for (const kind of ['extended', 'standard'] as const) {
      const rig = new Rig(kind)
      // The extranonce of the vector ends in 05 00..; a standard channel of ours has zeros, so its root is its own.
      rig.work(vectorJob())
      const [, job = '', prevHash] = rig.sent()
      expect(prevHash).toBe(coinbaseCut[kind].set_new_prev_hash)
      if (kind === 'extended') expect(job).toBe(coinbaseCut.extended.new_extended_mining_job)
      else expect(job).toHaveLength(coinbaseCut.standard.new_mining_job.length)
    }
  })

  it('submits the reference’s header, whichever kind it is (54)', () => {
    const work = vectorJob({ bitcoinTarget: new Uint8Array(32).fill(0xff) })
    const extended = new Rig('extended')
    extended.work(work)
    extended.tell({ type: 'received', messages: [hexToBytes(coinbaseCut.extended.submit)] })
    const [solution] = extended.effects.flatMap(effect => (effect.type === 'solution' ? [effect.solution] : []))
    expect(bytesToHex(solution?.header ?? new Uint8Array())).toBe(coinbaseCut.header)

    const standard = new Rig('standard')
    standard.work(work)
    standard.tell({ type: 'received', messages: [hexToBytes(coinbaseCut.standard.submit)] })
    const [own] = standard.effects.flatMap(effect => (effect.type === 'solution' ? [effect.solution] : []))
    const told = standard.sent()[1] ?? ''
    expect(bytesToHex(own?.header.slice(36, 68) ?? new Uint8Array())).toBe(told.slice(-64))
    const coinbase = hexToBytes(
      `${coinbaseCut.coinbase_tx_prefix}${coinbaseCut.extranonce_prefix}${'00'.repeat(8)}${coinbaseCut.coinbase_tx_suffix}`
    )
    const root = coinbaseCut.merkle_path.reduce(
      (hash, node) => sha256d(concatBytes(hash, hexToBytes(node))),
      sha256d(coinbase)
    )
    expect(told.slice(-64)).toBe(bytesToHex(root))
  })

  it('numbers ten thousand jobs, none 0 and none twice, and knows the newest (51)', () => {
    const rig = new Rig('standard')
    const seen = new Set<number>()
    const job = vectorJob()
    for (let i = 0; i < 10_000; i++) {
      const told = rig.work({ ...job, id: String(i) })
      for (const { name, fields } of told) if (name === 'NewMiningJob') seen.add(fields.jobId)
      rig.effects.length = 0
    }
    expect(seen.size).toBe(10_000)
    expect(seen.has(0)).toBe(false)
  })

  it('has a bound for the size of its job, where it has a coinbase (52)', () => {
    const { coinbase } = vectorJob().work
    const large = vectorJob({ coinbase: { ...coinbase, bytes: new Uint8Array(8_192) } }).work
    expect(new Rig('extended', undefined, 'bitaxe').session.sizeFit(large)).toMatchObject({
      fit: 'over',
      what: 'job message',
      limitBytes: 8_192
    })
    expect(new Rig('standard', undefined, 'bitaxe').session.sizeFit(large)).toBeNull()
    expect(new Rig('extended').session.sizeFit(large)).toBeNull()
    const huge = vectorJob({ coinbase: { ...coinbase, bytes: new Uint8Array(70_000) } }).work
    expect(jobSizeFit('SRI', huge)).toMatchObject({ fit: 'over', what: 'coinbase after the extranonce' })
  })

  it('says how large an extended job is to the byte', () => {
    const { coinbase } = vectorJob().work
    for (const bytes of [0, 5, 60]) {
      const work = vectorJob({
        coinbase: {
          ...coinbase,
          bytes: concatBytes(coinbase.bytes.slice(0, -36), new Uint8Array(bytes + 36)),
          commitmentOffset: coinbase.bytes.length - 36
        }
      })
      const rig = new Rig('extended')
      rig.work(work)
      rig.work({ ...work, id: '01' })
      const frame = rig.sent().at(-1) ?? ''
      const limit = frame.length / 2 - 6
      const padded = (more: number): MiningWork => ({
        ...work.work,
        coinbase: {
          ...work.work.coinbase,
          bytes: concatBytes(work.work.coinbase.bytes, new Uint8Array(8_192 - limit + more))
        }
      })
      expect(jobSizeFit('bitaxe', padded(0))).toMatchObject({ fit: 'near', bytes: 8_192 })
      expect(jobSizeFit('bitaxe', padded(1))).toMatchObject({ fit: 'over', bytes: 8_193 })
    }
  })

  it('is told that it is open although there is no work for five seconds, and its target with the first job', () => {
    const rig = new Rig('extended')
    expect(rig.sent()).toEqual([])
    rig.nowMs = steadyMs(rig.nowMs + 5_000)
    const [opened] = rig.tell({ type: 'deadline' })
    expect(opened?.name).toBe('OpenExtendedMiningChannelSuccess')
    const told = rig.work(vectorJob())
    expect(told.map(({ name }) => name)).toEqual(
      ['SetTarget', 'NewExtendedMiningJob', 'SetNewPrevHash'].slice(-told.length)
    )
  })

  it('begins at the hash rate that its client announces, unless that is a bitaxe’s', () => {
    const differences = (vendor: string): number => {
      const rig = new Rig('extended', 'bc1qexampleaddr,d=64.w', vendor)
      rig.work(vectorJob())
      return rig.session.difficulty
    }
    expect(differences('SRI')).toBe(64)
    expect(differences('bitaxe')).toBe(256)
  })

  it('keeps its difficulty where shares of the share chain are not lost', () => {
    const rig = new Rig('extended')
    rig.work(vectorJob(), false, { shareDifficulty: 0.5, bitcoinDifficulty: 1e9 })
    expect(rig.session.difficulty).toBeLessThanOrEqual(0.5)
  })

  it('ends, and with it its connection, at a message that cannot be read', () => {
    const rig = new Rig('extended')
    rig.tell({ type: 'received', messages: [Uint8Array.of(0, 0x80, 0x16, 1, 0, 0, 9)] })
    expect(rig.effects.at(-1)).toEqual({ type: 'close', reason: 'undecodable' })
    expect(rig.tell({ type: 'newBlock', prevHash: vectorJob().work.prevHash })).toEqual([])
  })

  it('bears whatever comes after it was opened', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(0x30), fc.uint8Array({ maxLength: 60 })), { maxLength: 20 }), frames => {
        const rig = new Rig('extended')
        rig.work(vectorJob())
        const messages = frames
          // Set-up and opening are the connection's, which lets each through once.
          .filter(([type]) => type !== 0 && type !== 0x10 && type !== 0x13)
          .map(([type, payload]) => concatBytes(Uint8Array.of(0, 0x80, type, payload.length, 0, 0), payload))
        rig.tell({ type: 'received', messages })
      })
    )
  })
})

describe('work that waits', () => {
  const target = frameOf('SetTarget', { channelId: 1, maximumTarget: targetFromDifficulty(1) })
  const job = (jobId: number, minTimeSec: number | null): Uint8Array =>
    frameOf('NewMiningJob', { channelId: 1, jobId, minTimeSec, version: 0, merkleRoot: new Uint8Array(32) })
  const prevHash = (jobId: number): Uint8Array =>
    frameOf('SetNewPrevHash', { channelId: 1, jobId, prevHash: new Uint8Array(32), minTimeSec: 1, bits: 0 })

  it('is one job in the end, with the last target and previous hash', () => {
    const older = concatBytes(target, job(1, null), prevHash(1))
    const merged = newestFrames(newestFrames(older, job(2, 5)), job(3, 5))
    expect(framesIn(merged).map(bytesToHex)).toEqual([target, job(1, null), prevHash(1), job(3, 5)].map(bytesToHex))
    const renewed = newestFrames(merged, concatBytes(job(4, null), prevHash(4)))
    expect(framesIn(renewed).map(bytesToHex)).toEqual([target, job(4, null), prevHash(4)].map(bytesToHex))
  })

  it('is known by its first frame', () => {
    expect([target, job(1, 1), prevHash(1)].map(isWorkFrames)).toEqual([true, true, true])
    expect(isWorkFrames(frameOf('CloseChannel', { channelId: 1, reasonCode: '' }))).toBe(false)
  })
})
