export type {
  ChainIndex,
  Dialect,
  GossipEffect,
  GossipEvent,
  GossipFact,
  PeerId,
  Protocol,
  SyncState,
  Topic,
  TopicVerdict
} from './contract.ts'
export { Gossip } from './gossip.ts'
export { decodeFrame, encodeFrame } from './wire/frame.ts'
export type { DecodedMessage } from './wire/messages.ts'
export { decodeMessage, encodeMessage } from './wire/messages.ts'
export { encodeAnnouncement } from './wire/template-messages.ts'
