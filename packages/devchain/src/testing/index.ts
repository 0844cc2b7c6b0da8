export { BLOCK_CASES } from './block-cases.ts'
export { buildBlock, REGTEST_DIFFICULTY, type TemplateFields } from './build-block.ts'
export { ExchangeNet, ExchangeNode, type WireOptions } from './exchange-net.ts'
export { type Branch, type GrowOptions, growBranch } from './grow-branch.ts'
