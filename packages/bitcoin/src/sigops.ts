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
const OP_PUSHDATA1 = 0x4c
const OP_PUSHDATA2 = 0x4d
const OP_PUSHDATA4 = 0x4e

/**
 * Signature checks in an output or input script, as consensus counts them without running it: behind OP_RETURN too, and
 * up to the first push that runs over the end. P2PKH has one; P2SH and witness programs have none of their own.
 */
export function legacySigops(script: Uint8Array): number {
  let sigops = 0
  for (let at = 0; at < script.length; ) {
    const opcode = script[at] as number
    at += 1
    if (opcode < OP_PUSHDATA1) at += opcode
    else if (opcode <= OP_PUSHDATA4) {
      const lengthBytes = opcode === OP_PUSHDATA1 ? 1 : opcode === OP_PUSHDATA2 ? 2 : 4
      if (at + lengthBytes > script.length) return sigops
      at += lengthBytes + littleEndian(script, at, lengthBytes)
    } else if (opcode === OP_CHECKSIG || opcode === OP_CHECKSIGVERIFY) sigops += 1
    else if (opcode === OP_CHECKMULTISIG || opcode === OP_CHECKMULTISIGVERIFY) sigops += MULTISIG_SIGOPS
  }
  return sigops
}

function littleEndian(bytes: Uint8Array, at: number, length: number): number {
  let value = 0
  for (let i = length - 1; i >= 0; i--) value = value * 256 + (bytes[at + i] as number)
  return value
}

/** What a transaction's own scripts cost of a block's MAX_BLOCK_SIGOPS_COST; a coinbase has no other cost. */
export function legacySigopsCost({ inputs, outputs }: Pick<Transaction, 'inputs' | 'outputs'>): number {
  let sigops = 0
  for (const { scriptSig } of inputs) sigops += legacySigops(scriptSig)
  for (const { script } of outputs) sigops += legacySigops(script)
  return sigops * LEGACY_SIGOP_COST
}
