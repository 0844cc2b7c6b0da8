export { BlockSubmitter, type FoundBlock } from './block-submitter.ts'
export { ChainReader } from './chain-reader.ts'
export type { BitcoindConfig } from './config.ts'
export { TemplateFeed } from './template-feed.ts'
