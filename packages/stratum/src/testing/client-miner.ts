import { createHash } from 'node:crypto'

/** A share as a miner finds it, from nothing but what it was told: shares no code with what it tests. */
export interface ShareSearch {
  /** Parameters of `mining.notify`. */
  readonly notify: readonly unknown[]
  readonly extranonce1: string
  readonly extranonce2?: string
  readonly timeSec?: number
  readonly versionBits?: number
  /** Hash at most this, as a number. */
  readonly target: bigint
  readonly firstNonce?: number
}

/** What follows the worker name in the submit: job id, extranonce2, time, nonce and, if rolled, version bits. */
export function findShare(search: ShareSearch): string[] {
  const [jobId, prevHash, coinbase1, coinbase2, branch, version, bits, time] = search.notify as [
    string,
    string,
    string,
    string,
    string[],
    string,
    string,
    string
  ]
  const { extranonce1, extranonce2 = '0000000000000000', versionBits } = search
  const timeHex = search.timeSec === undefined ? time : hexU32(search.timeSec)
  let root = sha256d(Buffer.from(coinbase1 + extranonce1 + extranonce2 + coinbase2, 'hex'))
  for (const node of branch) root = sha256d(Buffer.concat([root, Buffer.from(node, 'hex')]))
  const header = Buffer.alloc(80)
  header.writeUInt32LE((Number.parseInt(version, 16) | (versionBits ?? 0)) >>> 0, 0)
  Buffer.from(prevHash, 'hex').swap32().copy(header, 4)
  root.copy(header, 36)
  header.writeUInt32LE(Number.parseInt(timeHex, 16), 68)
  header.writeUInt32LE(Number.parseInt(bits, 16), 72)
  for (let nonce = search.firstNonce ?? 0; nonce <= 0xffffffff; nonce++) {
    header.writeUInt32LE(nonce, 76)
    const hash = sha256d(header)
    if (BigInt(`0x${hash.reverse().toString('hex')}`) <= search.target) {
      const submit = [jobId, extranonce2, timeHex, hexU32(nonce)]
      return versionBits === undefined ? submit : [...submit, hexU32(versionBits)]
    }
  }
  throw new Error('no share in four billion nonces')
}

function sha256d(data: Buffer): Buffer {
  const once = createHash('sha256').update(data).digest()
  return createHash('sha256').update(once).digest()
}

function hexU32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0')
}
