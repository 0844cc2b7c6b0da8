export type { AsertExponent, AsertInput } from './asert.ts'
export { asertBits, asertExponent, integerDifficulty, requiredBits, windowThreshold } from './asert.ts'
export { type BitcoinCoinbase, parseBitcoinCoinbase } from './bitcoin-coinbase.ts'
export type { ChainVerdict, CrowdCode } from './chain-verdict.ts'
export type { ContextInput, PayoutWindowReader } from './check-context.ts'
export { checkContext } from './check-context.ts'
export { checkHeader } from './check-header.ts'
export {
  checkParentAndBits,
  checkPlacement,
  checkUncleBodies,
  checkUncles,
  medianTimePast,
  medianTimePastOrNull
} from './check-placement.ts'
export { checkBody, checkBodyLimits, checkBodyMatches, checkBodySize, checkPrunedBody } from './check-share.ts'
export type { ProvenTxid } from './coinbase-proof.ts'
export {
  buildCoinbaseProof,
  coinbaseTxidFromProof,
  merkleRootFromProof,
  verifyCoinbaseProof
} from './coinbase-proof.ts'
export type { CommitmentFields, CommitmentMiner } from './commitment.ts'
export { commitmentOf, commitmentOfHeader, commitmentPrefix, commitmentPreimage } from './commitment.ts'
export { consensusFingerprint, fingerprintText, protocolTag } from './fingerprint.ts'
export { genesisShare, hasGenesisBody } from './genesis.ts'
export type { HeaderBatchItem } from './header-batch.ts'
export { decodeHeaderBatch, encodeHeaderBatch, MAX_BATCH_HEADERS } from './header-batch.ts'
export type { HeaderItem, HeaderQuestion } from './header-item.ts'
export { grindHeader, mineShare, type ShareDraft } from './mine-share.ts'
export type { ChainName, ChainParams, DevnetOptions, GenesisOptions } from './params.ts'
export { ConfigurationNeeded, chainParams, devnetParams, SHARE_COINBASE_VALUE_SATS } from './params.ts'
export type { AddressWeight, PayoutCut, PayoutOutput, PayoutRequest, PayoutWeights } from './payout.ts'
export { payoutOutputs } from './payout.ts'
export { PayoutWindow } from './payout-window.ts'
export type { Rule, RuleCode, RuleVerdict } from './rule-code.ts'
export { RULES } from './rule-code.ts'
export type { UncleSource } from './select-uncles.ts'
export { selectUncles } from './select-uncles.ts'
export type {
  AddressClass,
  ChainView,
  Checked,
  CoinbaseProof,
  ConsensusAddress,
  RuleFacts,
  Share,
  ShareFacts,
  ShareHeader,
  ShareValidity,
  WitnessProgram
} from './share.ts'
export { consensusAddress, consensusAddressFromScript, PASSED, refused } from './share.ts'
export type { ParsedShareAddress, ShareAddressReason } from './share-address.ts'
export { encodeShareAddress, parseShareAddress } from './share-address.ts'
export type { ShareLimits, SharePeek } from './share-codec.ts'
export {
  decodeShare,
  decodeShareHeader,
  encodeShare,
  encodeShareHeader,
  MAX_BRANCH_NODES,
  MAX_ENCODED_SHARE_BYTES,
  peekShare,
  shareBodyBytes,
  shareHashOf
} from './share-codec.ts'
export { shareCoinbase, shareWitnessRoot } from './share-coinbase.ts'
export type { WindowAnchor, WindowSource } from './window-source.ts'
export { naivePayoutWeights } from './window-source.ts'
