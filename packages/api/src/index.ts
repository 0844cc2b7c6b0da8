export { ApiServer, type ApiServerOptions, type ApiSources, MAX_EVENT_STREAMS } from './api-server.ts'
