import { buildCoinbase, type Job, type MiningWork, witnessProgramScript } from '@p2poolv2/bitcoin'
import {
  asciiToBytes,
  blockHash,
  bytesToHex,
  concatBytes,
  type Moment,
  secFromMs,
  seededRng,
  steadyMs,
  targetFromBits,
  unixMs
} from '@p2poolv2/primitives'

/** The session is a minute old. */
export const NOW: Moment = { wallMs: unixMs(1_700_000_000_000), steadyMs: steadyMs(60_000) }
export const USER = 'bcrt1qbench.rig'

/** Twelve nodes: a block of 2,049 to 4,096 transactions. */
const BRANCH_NODES = 12
/** Targets no bench meets, so that every submit is an ordinary share. */
const BITCOIN_BITS = 0x17030000
const SHARE_BITS = 0x1b4188f5
const PAYOUT_BYTES = 31

/** Work whose coinbase is as long as a whole number of payouts allows, at most `coinbaseBytes`. */
export function workWith(coinbaseBytes: number): MiningWork {
  const rng = seededRng('bench work')
  const coinbaseOf = (payees: number): MiningWork['coinbase'] =>
    buildCoinbase({
      bitcoinHeight: 900_000,
      auxFlags: new Uint8Array(0),
      poolSignature: asciiToBytes('P2Poolv2'),
      outputs: Array.from({ length: payees }, (_, payee) => ({
        valueSats: 1_000n,
        script: witnessProgramScript(0, concatBytes(new Uint8Array(18), Uint8Array.of(payee >> 8, payee & 0xff)))
      })),
      witnessCommitmentScript: concatBytes(Uint8Array.of(0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed), new Uint8Array(32)),
      padding: 'A'
    })
  let payees = Math.max(1, Math.floor(coinbaseBytes / PAYOUT_BYTES))
  while (payees > 1 && coinbaseOf(payees).bytes.length > coinbaseBytes) payees -= 1
  const timeSec = secFromMs(NOW.wallMs)
  const prevHashWire = rng.bytes(32)
  return {
    id: 1,
    bitcoinHeight: 900_000,
    version: 0x20000000,
    prevHash: blockHash(bytesToHex(prevHashWire.slice().reverse())),
    prevHashWire,
    bits: BITCOIN_BITS,
    timeSec,
    minTimeSec: timeSec - 3_600,
    merkleBranch: rng.bytes(32 * BRANCH_NODES),
    bitcoinTarget: targetFromBits(BITCOIN_BITS),
    shareTarget: targetFromBits(SHARE_BITS),
    coinbase: coinbaseOf(payees)
  }
}

export function jobOf(work: MiningWork): Job {
  return { id: '0123456789abcdef', work, nsecs: 1n, commitment: new Uint8Array(32).fill(7) }
}

/** Whether submits are found under one merkle root, as a machine with too low a difficulty finds them, or each under its own. */
export type Roots = 'one' | 'each'

/** Lines of `mining.submit` as a miner writes them, each with a nonce of its own. */
export function submitLines(
  count: number,
  { job, firstNonce, roots }: { job: Job; firstNonce: number; roots: Roots }
): Uint8Array[] {
  const time = job.work.timeSec.toString(16)
  return Array.from({ length: count }, (_, i) => {
    const nonce = (firstNonce + i).toString(16).padStart(8, '0')
    const extranonce2 = roots === 'one' ? '0000000000000001' : nonce.padStart(16, '0')
    const params = [USER, job.id, extranonce2, time, nonce, '00002000']
    return asciiToBytes(`${JSON.stringify({ id: firstNonce + i, method: 'mining.submit', params })}\n`)
  })
}
