export { BLOCK_CASES } from './block-cases.ts'
export { buildBlock, REGTEST_DIFFICULTY, type TemplateFields } from './build-block.ts'
export { growBranch } from './grow-branch.ts'
