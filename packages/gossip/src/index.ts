export type { ChainPort, PeerHeaders, PeerShare, RebuiltBlock } from './chain-port.ts'
export type { GossipEffect, GossipEvent, GossipFact, PeerStatus, SyncState } from './contract.ts'
export { Gossip } from './gossip.ts'
export type {
  Dialect,
  PeerEffect,
  PeerEvent,
  PeerId,
  Protocol,
  RequestFailure,
  Topic,
  TopicVerdict
} from './network-port.ts'
export type {
  Admission,
  ConnectionStatus,
  DialFailure,
  PeerAddress,
  PeeringEvent
} from './peering/contract.ts'
export {
  decodeFrame,
  decodeFrameHead,
  encodeFrame,
  payloadMatches
} from './wire/frame.ts'
export type { DecodedMessage } from './wire/messages.ts'
export { decodeMessage, encodeMessage } from './wire/messages.ts'
export {
  FRAME_HEAD_BYTES,
  MAX_PAYLOAD_BYTES,
  MAX_TOPIC_BYTES,
  messageId,
  type NetworkNames,
  networkNames
} from './wire/protocols.ts'
export { encodeAnnouncement } from './wire/template-messages.ts'
