export { DevChainServer, type DevChainServerOptions } from './dev-chain-server.ts'
