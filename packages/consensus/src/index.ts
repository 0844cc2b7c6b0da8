export { integerDifficulty, requiredBits } from './asert.ts'
export { parseBitcoinCoinbase } from './bitcoin-coinbase.ts'
export type { ChainVerdict, CrowdCode } from './chain-verdict.ts'
export { checkContext } from './check-context.ts'
export { checkHeader } from './check-header.ts'
export { checkTime, medianTimePastOrNull } from './check-placement.ts'
export { checkBody, checkBodyMatches, checkBodySize, checkPrunedBody } from './check-share.ts'
export { hasUncheckedScripts } from './check-transactions.ts'
export { buildCoinbaseProof, verifyCoinbaseProof } from './coinbase-proof.ts'
export { commitmentOf, commitmentPrefix } from './commitment.ts'
export { consensusFingerprint, protocolTag } from './fingerprint.ts'
export { followHeaders, type HeaderTail, tailAncestor, tailFrom, tailHeights } from './follow-headers.ts'
export { genesisShare, hasGenesisBody } from './genesis.ts'
export type { HeaderBatchItem } from './header-batch.ts'
export {
  decodeHeaderBatch,
  encodeHeaderBatch,
  MAX_BATCH_HEADERS,
  MAX_BATCH_HEADERS_PER_HEIGHT
} from './header-batch.ts'
export type { HeaderItem, HeaderQuestion } from './header-item.ts'
export { grindHeader, mineShare } from './mine-share.ts'
export type { PaddingDemand, PaddingMark, PaddingSource } from './padding-form.ts'
export { PADDING_MARKS, paddingMarkOf, producedPadding, requiredPadding } from './padding-form.ts'
export type { ChainName, ChainParams } from './params.ts'
export { chainParams, devnetParams } from './params.ts'
export type { PayoutCut, PayoutOutput, PayoutWeights } from './payout.ts'
export { payoutOutputs } from './payout.ts'
export { PayoutWindow } from './payout-window.ts'
export type { RuleCode } from './rule-code.ts'
export { isRuleCode, RULES, RULES_VERSION } from './rule-code.ts'
export { selectUncles } from './select-uncles.ts'
export type {
  ChainView,
  Checked,
  ConsensusAddress,
  RuleFacts,
  Share,
  ShareFacts,
  ShareHeader,
  ShareValidity,
  WitnessProgram
} from './share.ts'
export { consensusAddress, consensusAddressFromScript } from './share.ts'
export { encodeShareAddress, parseShareAddress } from './share-address.ts'
export {
  decodeShare,
  encodeShare,
  encodeShareHeader,
  MAX_BRANCH_NODES,
  MAX_ENCODED_SHARE_BYTES,
  peekShare,
  shareBodyBytes,
  shareHashOf
} from './share-codec.ts'
export { SHARE_COINBASE_BYTES, shareCoinbase, shareWitnessRoot } from './share-coinbase.ts'
export type { WindowSource } from './window-source.ts'
export { naivePayoutWeights } from './window-source.ts'
