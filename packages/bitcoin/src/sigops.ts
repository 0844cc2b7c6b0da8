import { readPush } from './script.ts'
import type { Transaction } from './transaction.ts'

/** What a block's signature checks may cost in all (BIP141). */
export const MAX_BLOCK_SIGOPS_COST = 80_000

/** A signature check outside of a witness costs this much (BIP141). */
export const LEGACY_SIGOP_COST = 4

const OP_CHECKSIG = 0xac
const OP_CHECKSIGVERIFY = 0xad
const OP_CHECKMULTISIG = 0xae
const OP_CHECKMULTISIGVERIFY = 0xaf
/** In an output or input script a multi-signature counts as this many, however many keys it names. */
const MULTISIG_SIGOPS = 20
const OP_PUSHDATA4 = 0x4e

/**
 * Signature checks in an output or input script, as consensus counts them without running it: behind OP_RETURN too, and
 * up to the first push that runs over the end. P2PKH has one; P2SH and witness programs have none of their own.
 */
export function legacySigops(script: Uint8Array): number {
  let sigops = 0
  for (let at = 0; at < script.length; ) {
    const opcode = script[at] as number
    if (opcode < OP_PUSHDATA4) {
      const push = readPush(script, at)
      if (push === null) return sigops
      at = push.next
      continue
    }
    if (opcode === OP_PUSHDATA4) {
      if (at + 5 > script.length) return sigops
      at += 5 + new DataView(script.buffer, script.byteOffset + at + 1, 4).getUint32(0, true)
      continue
    }
    if (opcode === OP_CHECKSIG || opcode === OP_CHECKSIGVERIFY) sigops += 1
    if (opcode === OP_CHECKMULTISIG || opcode === OP_CHECKMULTISIGVERIFY) sigops += MULTISIG_SIGOPS
    at += 1
  }
  return sigops
}

/** What a transaction's own scripts cost of a block's MAX_BLOCK_SIGOPS_COST; a coinbase has no other cost. */
export function legacySigopsCost({ inputs, outputs }: Pick<Transaction, 'inputs' | 'outputs'>): number {
  const scripts = [...inputs.map(({ scriptSig }) => scriptSig), ...outputs.map(({ script }) => script)]
  return scripts.reduce((sum, script) => sum + legacySigops(script), 0) * LEGACY_SIGOP_COST
}
