import { bytesEqual, bytesToHex } from '@p2poolv2/primitives'
import type { TxOutput } from './transaction.ts'

const OP_RETURN = 0x6a
const SHA256_BLOCK_BYTES = 64
/** Value and script length of the padding output. */
const BEFORE_SCRIPT_BYTES = 8 + 1

/** How the script of a padding output is made: some opcodes, then as many fill bytes as are missing. */
interface PaddingScript {
  /** @param fillBytes 0 to 63 */
  readonly opcodes: (fillBytes: number) => readonly number[]
  readonly fill: number
}

/**
 * Every form of the padding output that is known or thought of (protocol §5.3); a form with another fill is one more row.
 * A row's name and script are for good: the share chain's rules and its store refer to them.
 */
const FORMS = {
  A: { opcodes: fillBytes => [OP_RETURN, fillBytes], fill: 0 },
  B: { opcodes: () => [OP_RETURN], fill: 0 },
  C: { opcodes: () => [], fill: 0 }
} as const satisfies Readonly<Record<string, PaddingScript>>

/** `A`: OP_RETURN and one push of zeros. `B`: OP_RETURN and zeros. `C`: zeros alone. */
export type PaddingForm = keyof typeof FORMS

/** The forms in the order in which a producer that is free to choose prefers them. */
export const PADDING_FORMS: readonly PaddingForm[] = Object.freeze(Object.keys(FORMS) as PaddingForm[])

/** The table in one line: each form's name and, as an example, its script with three fill bytes in hex. */
export const PADDING_TABLE_TEXT: string = PADDING_FORMS.map(form => `${form}:${bytesToHex(scriptOf(form, 3))}`).join(
  ' '
)

/**
 * The output that fills a coinbase up to a whole number of SHA-256 blocks (protocol §5.3): no value, and a script with 0 to
 * 63 fill bytes. It is there even if nothing needs filling.
 * @param lengthBeforeBytes length of the coinbase before this output, counted with the final number of outputs
 */
export function paddingOutput(form: PaddingForm, lengthBeforeBytes: number): TxOutput {
  const unfilledBytes = lengthBeforeBytes + BEFORE_SCRIPT_BYTES + FORMS[form].opcodes(0).length
  const fillBytes = (SHA256_BLOCK_BYTES - (unfilledBytes % SHA256_BLOCK_BYTES)) % SHA256_BLOCK_BYTES
  return { valueSats: 0n, script: scriptOf(form, fillBytes) }
}

/**
 * The forms that would make exactly this output: none if it is no padding, and two, A and B, where both leave `6a00`.
 * @param lengthBeforeBytes as in `paddingOutput`
 */
export function paddingFormsOf({ valueSats, script }: TxOutput, lengthBeforeBytes: number): readonly PaddingForm[] {
  if (valueSats !== 0n || script.length > 2 + SHA256_BLOCK_BYTES) return []
  return PADDING_FORMS.filter(form => bytesEqual(paddingOutput(form, lengthBeforeBytes).script, script))
}

function scriptOf(form: PaddingForm, fillBytes: number): Uint8Array {
  const { opcodes, fill } = FORMS[form]
  const head = opcodes(fillBytes)
  const script = new Uint8Array(head.length + fillBytes).fill(fill)
  script.set(head)
  return script
}
