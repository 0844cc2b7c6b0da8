export { ApiServer, type ApiSources } from './api-server.ts'
export { CommandRefused, type PeerSources } from './peer-routes.ts'
