export type {
  ChainIndex,
  ChainJudgement,
  Dialect,
  GossipDeps,
  GossipEffect,
  GossipEvent,
  GossipFact,
  GossipOptions,
  GossipStatus,
  PeerId,
  PeerStatus,
  Protocol,
  ShareSource,
  SyncState,
  Topic,
  TopicVerdict
} from './contract.ts'
export { Gossip } from './gossip.ts'
export type { FrameHead } from './wire/frame.ts'
export {
  decodeFrame,
  decodeFrameHead,
  encodeFrame,
  FRAME_HEAD_BYTES,
  MAX_PAYLOAD_BYTES,
  payloadMatches
} from './wire/frame.ts'
export type { DecodedMessage, PeerMessage } from './wire/messages.ts'
export { decodeMessage, encodeMessage } from './wire/messages.ts'
export type { TemplateAnnouncement, TemplateMessage } from './wire/template-messages.ts'
export {
  decodeAnnouncement,
  decodeTemplateMessage,
  encodeAnnouncement,
  encodeTemplateMessage
} from './wire/template-messages.ts'
