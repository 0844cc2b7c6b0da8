import { buildCoinbase, coinbaseHalves, type Job } from '@p2poolv2/bitcoin'
import { bytesToHex, seededRng } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { TEMPLATE_A, workOf } from '../testing/vectors.ts'
import { notifyLine, notifyParts } from './notify-line.ts'
import { isWorkText, newestWork } from './work-text.ts'

const rng = seededRng('notify')

function shareJob(): Job {
  const coinbase = buildCoinbase({
    bitcoinHeight: 900_000,
    auxFlags: new Uint8Array(),
    poolSignature: new TextEncoder().encode('P2Poolv2'),
    outputs: Array.from({ length: 40 }, () => ({ valueSats: BigInt(rng.u32()), script: rng.bytes(22) })),
    witnessCommitmentScript: rng.bytes(38),
    padding: 'A'
  })
  const nsecs = (BigInt(rng.u32()) << 32n) | BigInt(rng.u32())
  return {
    id: bytesToHex(rng.bytes(8)),
    work: workOf(TEMPLATE_A, { coinbase }),
    nsecs,
    commitment: rng.bytes(32)
  }
}

/** The line as JSON.stringify writes it. */
function genericLine(job: Job, clean: boolean): string {
  const { coinbase1, coinbase2 } = coinbaseHalves(job)
  const branch = bytesToHex(job.work.merkleBranch).match(/.{64}/g) ?? []
  const prevHash = job.work.prevHash.match(/.{8}/g)?.reverse().join('')
  const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, '0')
  const { version, bits, timeSec } = job.work
  const params = [
    job.id,
    prevHash,
    bytesToHex(coinbase1),
    bytesToHex(coinbase2),
    branch,
    hex(version),
    hex(bits),
    hex(timeSec),
    clean
  ]
  return `${JSON.stringify({ id: null, method: 'mining.notify', params })}\n`
}

describe('a notify line', () => {
  it('is the same, byte for byte, as if encoded as a whole', () => {
    for (let i = 0; i < 20; i++) {
      const job = shareJob()
      const parts = notifyParts(job.work)
      expect(notifyLine(parts, job, 'clean')).toBe(genericLine(job, true))
      const another = { ...job, id: '00000000000000ff', nsecs: 2n ** 64n - 1n, commitment: rng.bytes(32) }
      expect(notifyLine(parts, another, 'keep')).toBe(genericLine(another, false))
    }
  })

  it('of a coinbase without commitment has no hole for one', () => {
    const coinbase = buildCoinbase({
      bitcoinHeight: 1,
      auxFlags: new Uint8Array(),
      poolSignature: new Uint8Array(),
      outputs: [],
      witnessCommitmentScript: null,
      padding: null
    })
    const job = { ...shareJob(), work: workOf(TEMPLATE_A, { coinbase, version: -1 }), commitment: null }
    expect(notifyLine(notifyParts(job.work), job, 'clean')).toBe(genericLine(job, true))
  })

  it('is refused for a job that lacks what its coinbase needs', () => {
    const job = shareJob()
    expect(() => notifyLine(notifyParts(job.work), { ...job, commitment: null }, 'keep')).toThrow(/fields/)
  })
})

describe('the newest of two works', () => {
  const difficulty = (value: number): string => `{"id":null,"method":"mining.set_difficulty","params":[${value}]}\n`
  const notify = (id: number, clean: boolean): string =>
    `{"id":null,"method":"mining.notify","params":["${id}",${clean}]}\n`

  it('is the newer job', () => expect(newestWork(notify(1, false), notify(2, false))).toBe(notify(2, false)))
  it('with the difficulty of the older', () =>
    expect(newestWork(difficulty(5) + notify(1, false), notify(2, false))).toBe(difficulty(5) + notify(2, false)))
  it('unless the newer has one', () =>
    expect(newestWork(difficulty(5) + notify(1, false), difficulty(6) + notify(2, false))).toBe(
      difficulty(6) + notify(2, false)
    ))
  it('and clean if either is', () => {
    expect(newestWork(notify(1, true), notify(2, false))).toBe(notify(2, true))
    expect(newestWork(notify(1, false), notify(2, true))).toBe(notify(2, true))
  })
  it('and replies are no work', () => {
    expect(isWorkText(notify(1, true))).toBe(true)
    expect(isWorkText('{"id":null,"result":true,"error":null}\n')).toBe(false)
  })
})
