export { BLOCK_CASES, type BlockCase } from './block-cases.ts'
export { type BlockChanges, buildBlock, REGTEST_DIFFICULTY, type TemplateFields } from './build-block.ts'
