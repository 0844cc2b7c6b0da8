/** What is mutated together, by the tests that stand beside it, and by those further away, or slower, that look at what these leave. */
export interface Subject {
  readonly name: string
  readonly files: readonly string[]
  /** Words of paths. */
  readonly tests: readonly string[]
  readonly furtherTests: readonly string[]
  /** A file remembers over tests what it has worked out, and then a test may get an answer from before the change. */
  readonly hasCaches: boolean
}

const CONSENSUS = 'packages/consensus/src'

export const SUBJECTS: readonly Subject[] = [
  {
    name: 'consensus',
    files: [
      'asert.ts',
      'share.ts',
      'coinbase/bitcoin-coinbase.ts',
      'coinbase/padding-form.ts',
      'coinbase/share-coinbase.ts',
      'commitment/coinbase-proof.ts',
      'commitment/commitment.ts',
      'encoding/share-address.ts',
      'encoding/share-codec.ts',
      'headers/follow-headers.ts',
      'headers/header-batch.ts',
      'rules/check-context.ts',
      'rules/check-header.ts',
      'rules/check-placement.ts',
      'rules/check-share.ts',
      'rules/check-transactions.ts',
      'rules/select-uncles.ts'
    ].map(file => `${CONSENSUS}/${file}`),
    tests: [CONSENSUS],
    furtherTests: [],
    hasCaches: true
  },
  {
    name: 'window',
    files: [
      'payout-window.ts',
      'payout.ts',
      'weight-table.ts',
      'wide-sums.ts',
      'window-entries.ts',
      'window-source.ts'
    ].map(file => `${CONSENSUS}/payout/${file}`),
    tests: [`${CONSENSUS}/payout`],
    furtherTests: [`${CONSENSUS}/rules`, 'packages/sharechain/src/share-chain.test.ts'],
    hasCaches: true
  },
  {
    name: 'organise',
    files: [
      'candidate-chain.ts',
      'confirmed-chain.ts',
      'evictor.ts',
      'heads.ts',
      'mining-base.ts',
      'organise.ts',
      'pruner.ts',
      'stall-watch.ts',
      'top.ts',
      'uncle-source.ts',
      'zones.ts'
    ].map(file => `packages/sharechain/src/chains/${file}`),
    tests: ['packages/sharechain/src/chains'],
    // Those about the whole chain take a hundred times as long.
    furtherTests: ['packages/sharechain/src/', 'packages/node/src/chain/chain-keeper.test.ts'],
    hasCaches: false
  },
  {
    name: 'blocks',
    files: [
      'packages/bitcoind/src/blocks/block-submitter.ts',
      'packages/bitcoind/src/blocks/block-watch.ts',
      'packages/bitcoind/src/blocks/sibling-gate.ts',
      'packages/bitcoind/src/blocks/submit-words.ts',
      'packages/node/src/chain/block-keeper.ts',
      'packages/node/src/chain/block-log.ts',
      'packages/node/src/chain/found-siblings.ts',
      'packages/node/src/chain/seen-blocks.ts'
    ],
    tests: ['packages/bitcoind/src/blocks', 'packages/node/src/chain', 'packages/node/src/node-core.test.ts'],
    furtherTests: ['packages/node/src/miners/leaving-miners', 'apps/node/src/data/found-blocks'],
    hasCaches: false
  },
  {
    name: 'admission',
    files: ['check-batch.ts', 'door.ts', 'future-pool.ts', 'kept-share.ts', 'orphan-pool.ts', 'validator.ts'].map(
      file => `packages/sharechain/src/admission/${file}`
    ),
    tests: ['packages/sharechain/src/'],
    furtherTests: ['packages/node/src/chain/chain-keeper.test.ts'],
    hasCaches: false
  },
  {
    name: 'submits',
    files: [
      'judge-submit.ts',
      'mining-channel.ts',
      'seen-hashes.ts',
      'submit-desk.ts',
      'submit.ts',
      'verify-submit.ts'
    ].map(file => `packages/stratum/src/mining/${file}`),
    tests: ['packages/stratum/src/mining', 'packages/stratum/src/v1'],
    furtherTests: ['packages/stratum/src/v2', 'packages/stratum/src/recording'],
    hasCaches: false
  },
  {
    name: 'earnings',
    files: [
      'audit/payout-audit.ts',
      'audit/window-audit.ts',
      'chance/gamma.ts',
      'chance/measured-rate.ts',
      'chance/waiting.ts',
      'earnings.ts',
      'ledger/payout-ledger.ts',
      'outlook/income.ts',
      'outlook/luck.ts',
      'outlook/payout-wait.ts',
      'outlook/pool.ts',
      'window/payout-now.ts',
      'window/spend-cost.ts',
      'window/window-view.ts',
      'window/work-since.ts',
      'words/amounts.ts'
    ].map(file => `packages/earnings/src/${file}`),
    tests: ['packages/earnings/src/'],
    furtherTests: ['packages/api/src/answers/audit-answer'],
    hasCaches: false
  }
]
