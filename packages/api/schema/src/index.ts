export {
  addPeerSchema,
  banSchema,
  type DoneJson,
  doneSchema,
  inviteSchema,
  type PeersJson,
  peersSchema,
  unbanSchema
} from './peers.ts'
export { type ErrorJson, type Status, type StatusJson, statusSchema } from './status.ts'
