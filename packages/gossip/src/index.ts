export type {
  ChainIndex,
  ChainJudgement,
  CrowdCode,
  Dialect,
  GossipDeps,
  GossipEffect,
  GossipEvent,
  GossipFact,
  GossipOptions,
  GossipStatus,
  HeaderItem,
  HeaderQuestion,
  PeerId,
  PeerStatus,
  Protocol,
  ShareSource,
  SyncState,
  Topic,
  TopicVerdict
} from './contract.ts'
export type { FrameHead } from './frame.ts'
export {
  decodeFrame,
  decodeFrameHead,
  encodeFrame,
  FRAME_HEAD_BYTES,
  MAX_PAYLOAD_BYTES,
  payloadMatches
} from './frame.ts'
export { Gossip } from './gossip.ts'
export type { DecodedMessage, PeerMessage } from './messages.ts'
export { decodeMessage, encodeMessage } from './messages.ts'
export type { TemplateAnnouncement, TemplateMessage } from './template-messages.ts'
export {
  decodeAnnouncement,
  decodeTemplateMessage,
  encodeAnnouncement,
  encodeTemplateMessage
} from './template-messages.ts'
