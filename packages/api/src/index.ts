export { ApiServer, type ApiSources } from './api-server.ts'
export { Journal } from './events/journal.ts'
export { CommandRefused, type PeerSources } from './peer-routes.ts'
