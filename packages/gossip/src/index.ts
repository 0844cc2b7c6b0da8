export type { ChainPort, PeerHeaders, PeerShare, RebuiltBlock } from './chain-port.ts'
export type { GossipEffect, GossipEvent, GossipFact, PeerStatus, SyncState } from './contract.ts'
export { Gossip } from './gossip.ts'
export type {
  Dialect,
  PeerEffect,
  PeerEvent,
  PeerId,
  Protocol,
  Topic,
  TopicVerdict
} from './network-port.ts'
export { decodeFrame, encodeFrame } from './wire/frame.ts'
export type { DecodedMessage } from './wire/messages.ts'
export { decodeMessage, encodeMessage } from './wire/messages.ts'
export { messageId } from './wire/protocols.ts'
export { encodeAnnouncement } from './wire/template-messages.ts'
