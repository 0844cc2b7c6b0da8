export { ApiServer, type ApiSources } from './api-server.ts'
