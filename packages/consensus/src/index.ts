export { integerDifficulty, requiredBits, windowThreshold } from './asert.ts'
export { parseBitcoinCoinbase } from './coinbase/bitcoin-coinbase.ts'
export type { PaddingDemand, PaddingMark, PaddingSource } from './coinbase/padding-form.ts'
export { PADDING_MARKS, paddingMarkOf, producedPadding, requiredPadding } from './coinbase/padding-form.ts'
export { SHARE_COINBASE_BYTES, shareCoinbase, shareWitnessRoot } from './coinbase/share-coinbase.ts'
export { buildCoinbaseProof, verifyCoinbaseProof } from './commitment/coinbase-proof.ts'
export { commitmentOf, commitmentPrefix } from './commitment/commitment.ts'
export { grindHeader, mineShare } from './commitment/mine-share.ts'
export { encodeShareAddress, parseShareAddress } from './encoding/share-address.ts'
export {
  decodeShare,
  encodeShare,
  encodeShareHeader,
  MAX_BRANCH_NODES,
  MAX_ENCODED_SHARE_BYTES,
  peekShare,
  shareBodyBytes,
  shareHashOf
} from './encoding/share-codec.ts'
export { consensusFingerprint, fingerprintText, protocolTag } from './genesis/fingerprint.ts'
export { genesisShare, hasGenesisBody } from './genesis/genesis.ts'
export type { BodyWait, ChainVerdict, CrowdCode } from './headers/chain-verdict.ts'
export { followHeaders, type HeaderTail, tailAncestor, tailFrom, tailHeights } from './headers/follow-headers.ts'
export type { HeaderBatchItem } from './headers/header-batch.ts'
export {
  decodeHeaderBatch,
  encodeHeaderBatch,
  MAX_BATCH_HEADERS,
  MAX_BATCH_HEADERS_PER_HEIGHT,
  writeHeaderBatch
} from './headers/header-batch.ts'
export type { ArchivedHeight, HeaderItem, HeaderQuestion } from './headers/header-item.ts'
export type { ChainName, ChainParams, GenesisOptions } from './params.ts'
export { ConfigurationNeeded, chainParams, devnetParams } from './params.ts'
export type { PayoutCut, PayoutOutput, PayoutRequest, PayoutWeights } from './payout/payout.ts'
export { payoutOutputs } from './payout/payout.ts'
export { PayoutWindow } from './payout/payout-window.ts'
export type { WindowSource } from './payout/window-source.ts'
export { naivePayoutWeights } from './payout/window-source.ts'
export type { RuleCode } from './rule-code.ts'
export { isRuleCode, RULES, RULES_VERSION } from './rule-code.ts'
export { checkContext } from './rules/check-context.ts'
export { checkHeader } from './rules/check-header.ts'
export { checkTime, medianTimePastOrNull } from './rules/check-placement.ts'
export { checkBody, checkBodyMatches, checkBodySize, checkPrunedBody } from './rules/check-share.ts'
export { hasUncheckedScripts } from './rules/check-transactions.ts'
export { selectUncles } from './rules/select-uncles.ts'
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
