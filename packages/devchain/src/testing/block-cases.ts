import { pushData, type Transaction, type TxInput, type TxOutput } from '@p2poolv2/bitcoin'
import { concatBytes } from '@p2poolv2/primitives'
import { type BlockChanges, buildBlock, type TemplateFields } from './build-block.ts'

/** A block and what submitblock answers for it; the right answers are a real bitcoind's. */
export interface BlockCase {
  readonly name: string
  readonly changes: (template: TemplateFields) => BlockChanges
  /** null is good; `-22` is the RPC error "Block decode failed". */
  readonly expected: string | null
}

const input = (change: Partial<TxInput>): BlockChanges => ({
  coinbase: tx => ({ ...tx, inputs: tx.inputs.map(old => ({ ...old, ...change })) })
})

const outputs = (change: (old: readonly TxOutput[]) => readonly TxOutput[]): BlockChanges => ({
  coinbase: tx => ({ ...tx, outputs: change(tx.outputs) })
})

const firstValue = (value: (old: bigint) => bigint): BlockChanges =>
  outputs(([payee, ...rest]) =>
    payee === undefined ? rest : [{ ...payee, valueSats: value(payee.valueSats) }, ...rest]
  )

const withoutCommitment = (tx: Transaction): Transaction => ({ ...tx, outputs: tx.outputs.slice(0, 1) })

const withoutWitness = (tx: Transaction): Transaction => ({
  ...tx,
  inputs: tx.inputs.map(old => ({ ...old, witness: [] }))
})

const padded = (template: TemplateFields, bytes: number): Uint8Array => {
  const start = plainScriptSig(template)
  return concatBytes(start, new Uint8Array(bytes - start.length))
}

function plainScriptSig(template: TemplateFields): Uint8Array {
  let scriptSig = new Uint8Array(0)
  buildBlock(template, {
    coinbase: tx => {
      scriptSig = Uint8Array.from(tx.inputs[0]?.scriptSig ?? [])
      return tx
    }
  })
  return scriptSig
}

const spend: Transaction = {
  version: 2,
  inputs: [
    {
      prevTxidWire: new Uint8Array(32).fill(7),
      prevIndex: 0,
      scriptSig: new Uint8Array(0),
      sequence: 0xffff_ffff,
      witness: []
    }
  ],
  outputs: [{ valueSats: 1n, script: new Uint8Array(25) }],
  lockTime: 0
}

const OP_CHECKSIG = 0xac
const OP_CHECKMULTISIG = 0xae

/** Outputs of twenty signature checks each, and one of as many as `more` says. */
function checks(outputsOfTwenty: number, more: number): TxOutput[] {
  const twenty: TxOutput = { valueSats: 0n, script: Uint8Array.of(OP_CHECKMULTISIG) }
  return [
    ...Array<TxOutput>(outputsOfTwenty).fill(twenty),
    { valueSats: 0n, script: new Uint8Array(more).fill(OP_CHECKSIG) }
  ]
}

/** Both changes of a coinbase, the second on top of the first. */
const changed = (first: BlockChanges, second: BlockChanges): BlockChanges => ({
  coinbase: tx => second.coinbase?.(first.coinbase?.(tx) ?? tx) ?? tx
})

/** Every fault of a block on the tip that a chain of empty blocks can judge, and the good blocks beside each. */
export const BLOCK_CASES: readonly BlockCase[] = [
  { name: 'a plain block', changes: () => ({}), expected: null },
  { name: 'bytes after the block', changes: () => ({ trailing: new Uint8Array(3) }), expected: null },
  { name: 'a hash above the target', changes: () => ({ work: 'misses' }), expected: 'high-hash' },
  {
    name: 'bits easier than any block may be',
    changes: () => ({ header: { bits: 0x2100_ffff } }),
    expected: 'high-hash'
  },
  {
    name: 'bits that are not the chain’s',
    changes: () => ({ header: { bits: 0x207f_fffe } }),
    expected: 'bad-diffbits'
  },
  {
    name: 'a wrong merkle root',
    changes: () => ({ header: { merkleRootWire: new Uint8Array(32).fill(1) } }),
    expected: 'bad-txnmrklroot'
  },
  {
    name: 'an unknown parent',
    changes: () => ({ header: { prevHashWire: new Uint8Array(32).fill(1) } }),
    expected: 'prev-blk-not-found'
  },
  { name: 'version 1', changes: () => ({ header: { version: 1 } }), expected: 'bad-version(0x00000001)' },
  { name: 'rolled version bits', changes: () => ({ header: { version: 0x3fff_e000 } }), expected: null },
  { name: 'the median time', changes: t => ({ header: { timeSec: t.mintime - 1 } }), expected: 'time-too-old' },
  { name: 'the earliest time', changes: t => ({ header: { timeSec: t.mintime } }), expected: null },
  {
    name: 'a time three hours ahead',
    changes: t => ({ header: { timeSec: t.curtime + 10_800 } }),
    expected: 'time-too-new'
  },
  { name: 'one satoshi too much', changes: () => firstValue(value => value + 1n), expected: 'bad-cb-amount' },
  { name: 'one satoshi less than allowed', changes: () => firstValue(value => value - 1n), expected: null },
  { name: 'a negative value', changes: () => firstValue(() => 2n ** 64n - 1n), expected: 'bad-txns-vout-negative' },
  {
    name: 'a value beyond all money',
    changes: () => firstValue(() => 2_100_000_000_000_001n),
    expected: 'bad-txns-vout-toolarge'
  },
  {
    name: 'values that add up beyond all money',
    changes: () =>
      outputs(old =>
        [...old.slice(1), ...old.slice(0, 1), ...old.slice(0, 1)].map(o => ({ ...o, valueSats: 2n * 10n ** 15n }))
      ),
    expected: 'bad-txns-txouttotal-toolarge'
  },
  { name: 'no outputs', changes: () => outputs(() => []), expected: 'bad-txns-vout-empty' },
  {
    name: 'another block’s height',
    changes: t => input({ scriptSig: concatBytes(pushData(Uint8Array.of(0xe7, 0x03)), new Uint8Array(t.height % 4)) }),
    expected: 'bad-cb-height'
  },
  { name: 'a script of 100 bytes', changes: t => input({ scriptSig: padded(t, 100) }), expected: null },
  { name: 'a script of 101 bytes', changes: t => input({ scriptSig: padded(t, 101) }), expected: 'bad-cb-length' },
  { name: 'a script of one byte', changes: () => input({ scriptSig: Uint8Array.of(0x51) }), expected: 'bad-cb-length' },
  {
    name: 'a lock time of the height before, not final',
    changes: t => ({
      coinbase: tx => ({ ...tx, lockTime: t.height - 1, inputs: tx.inputs.map(o => ({ ...o, sequence: 0xffff_fffe })) })
    }),
    expected: null
  },
  {
    name: 'a lock time of the height, not final',
    changes: t => ({
      coinbase: tx => ({ ...tx, lockTime: t.height, inputs: tx.inputs.map(o => ({ ...o, sequence: 0xffff_fffe })) })
    }),
    expected: 'bad-txns-nonfinal'
  },
  {
    name: 'a lock time of the height, final',
    changes: t => ({ coinbase: tx => ({ ...tx, lockTime: t.height }) }),
    expected: null
  },
  {
    name: 'a lock by a time not yet past',
    changes: t => ({
      coinbase: tx => ({ ...tx, lockTime: t.mintime, inputs: tx.inputs.map(o => ({ ...o, sequence: 0xffff_fffe })) })
    }),
    expected: 'bad-txns-nonfinal'
  },
  {
    name: 'a wrong witness commitment',
    changes: () =>
      outputs(old => old.map((o, i) => (i === 1 ? { ...o, script: Uint8Array.from(o.script).fill(3, 6, 38) } : o))),
    expected: 'bad-witness-merkle-match'
  },
  {
    name: 'the last of two commitments right',
    changes: () =>
      outputs(old => [...old.slice(1).map(o => ({ ...o, script: Uint8Array.from(o.script).fill(3, 6) })), ...old]),
    expected: null
  },
  {
    name: 'a commitment with more behind it',
    changes: () =>
      outputs(old =>
        old.map((o, i) => (i === 1 ? { ...o, script: concatBytes(o.script, pushData(new Uint8Array(4))) } : o))
      ),
    expected: null
  },
  {
    name: 'a witness without commitment',
    changes: () => ({ coinbase: withoutCommitment }),
    expected: 'unexpected-witness'
  },
  { name: 'a commitment without witness', changes: () => ({ coinbase: withoutWitness }), expected: null },
  {
    name: 'neither commitment nor witness',
    changes: () => ({ coinbase: tx => withoutCommitment(withoutWitness(tx)) }),
    expected: null
  },
  {
    name: 'two witness items',
    changes: () => input({ witness: [new Uint8Array(32), new Uint8Array(32)] }),
    expected: 'bad-witness-nonce-size'
  },
  {
    name: 'a witness item of 31 bytes',
    changes: () => input({ witness: [new Uint8Array(31)] }),
    expected: 'bad-witness-nonce-size'
  },
  {
    name: '3,000 outputs',
    changes: () =>
      outputs(old => [...old, ...Array<TxOutput>(3_000).fill({ valueSats: 0n, script: new Uint8Array(22) })]),
    expected: null
  },
  { name: '20,000 signature checks', changes: () => outputs(old => [...old, ...checks(1_000, 0)]), expected: null },
  {
    name: 'one signature check more',
    changes: () => outputs(old => [...old, ...checks(1_000, 1)]),
    expected: 'bad-blk-sigops'
  },
  {
    name: 'signature checks in the coinbase’s own script',
    changes: t =>
      changed(
        outputs(old => [...old, ...checks(1_000, 0)]),
        input({ scriptSig: concatBytes(plainScriptSig(t), Uint8Array.of(OP_CHECKSIG)) })
      ),
    expected: 'bad-blk-sigops'
  },
  { name: 'no coinbase', changes: () => ({ coinbase: () => spend }), expected: 'bad-cb-missing' },
  {
    name: 'two coinbases',
    changes: () => ({
      transactions: [
        {
          ...spend,
          inputs: spend.inputs.map(o => ({ ...o, prevTxidWire: new Uint8Array(32), prevIndex: 0xffff_ffff }))
        }
      ]
    }),
    expected: 'bad-cb-multiple'
  },
  {
    name: 'a spend of what does not exist',
    changes: () => ({ coinbase: tx => withoutCommitment(withoutWitness(tx)), transactions: [spend] }),
    expected: 'bad-txns-inputs-missingorspent'
  }
]
