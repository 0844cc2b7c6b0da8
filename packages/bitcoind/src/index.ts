export { BlockSubmitter, type FoundBlock } from './block-submitter.ts'
export type { BitcoindConfig } from './config.ts'
export { TemplateFeed } from './template-feed.ts'
export { ZmqHashblock } from './zmq-hashblock.ts'
