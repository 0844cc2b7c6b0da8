export type { BitcoinNetwork } from './address.ts'
export { addressFromScript, parseAddress } from './address.ts'
export type { CoinbaseSkeleton } from './coinbase.ts'
export {
  BITCOIN_HEIGHT_LIMIT,
  buildCoinbase,
  COINBASE_SEQUENCE,
  COINBASE_TAIL_BYTES,
  COINBASE_VERSION,
  DEFAULT_POOL_SIGNATURE,
  EXTRANONCE_BYTES,
  MAX_DIRECT_PUSH_BYTES,
  MAX_POOL_SIGNATURE_BYTES,
  NSECS_BYTES,
  NULL_PREVOUT_INDEX
} from './coinbase.ts'
export { type BitcoinTip, emptyTemplate, isHeaderOf } from './empty-template.ts'
export type { BitcoinHeader } from './header.ts'
export {
  BITCOIN_HEADER_BYTES,
  bitcoinHeaderHashWire,
  decodeBitcoinHeader,
  encodeBitcoinHeader,
  writeBitcoinHeader
} from './header.ts'
export type { Job, MiningWork, Solution } from './job.ts'
export { assembleBlock, coinbaseHalves, coinbaseInto, coinbaseOf, headerInto } from './job.ts'
export { foldBranch, foldBranchInto, merkleBranchOf, merkleRoot } from './merkle.ts'
export type { PaddingForm } from './padding.ts'
export { PADDING_FORMS, PADDING_TABLE_TEXT, paddingFormsOf } from './padding.ts'
export {
  isWitnessCommitmentScript,
  pushData,
  readPush,
  scriptNumberPush,
  WITNESS_COMMITMENT_PREFIX,
  witnessProgramScript
} from './script.ts'
export { legacySigopsCost, MAX_BLOCK_SIGOPS_COST } from './sigops.ts'
export { bip86OutputKey, isSecretKey, xOnlyPublicKey } from './taproot.ts'
export type { BlockTemplate, TemplateTransaction } from './template.ts'
export {
  MAX_BLOCK_WEIGHT,
  MAX_MONEY_SATS,
  parseTemplate,
  VERSION_ROLLING_MASK,
  witnessCommitmentScriptOf
} from './template.ts'
export type { ScarceRoom } from './template-fit.ts'
export { coinbaseRoom, fitTemplate } from './template-fit.ts'
export type { Transaction, TxInput, TxOutput } from './transaction.ts'
export {
  decodeTransaction,
  encodeTransaction,
  encodeTransactionStripped,
  transactionBytes,
  txidWire,
  wtxidWire
} from './transaction.ts'
