export { type ChainPort, chainPort, type PeerHeaders, type PeerShare, type RebuiltBlock } from './chain-port.ts'
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
export { banKeyOf } from './peering/bans.ts'
export type {
  AddressSource,
  Admission,
  BanStatus,
  ConnectionStatus,
  DialFailure,
  Direction,
  PeerAddress,
  PeeringEffect,
  PeeringEvent,
  PeerRecord
} from './peering/contract.ts'
export type { Invite } from './peering/invite.ts'
export {
  checkInvite,
  encodeInvite,
  InviteError,
  MAX_INVITE_ADDRESSES,
  parseDialTarget
} from './peering/invite.ts'
export {
  isSameHost,
  type NetAddress,
  parseAddress,
  peerIdBytes,
  printAddress,
  printHost
} from './peering/net-address.ts'
export { isPrivate, reachOf } from './peering/network-group.ts'
export { Peering } from './peering/peering.ts'
export { loadPeering, parseRecord } from './peering/records.ts'
export type { SyncProgress } from './progress.ts'
export { decodeFrame, decodeFrameHead, encodeFrame, payloadMatches } from './wire/frame.ts'
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
