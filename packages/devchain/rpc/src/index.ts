export { DevChainServer, type DevChainServerOptions } from './dev-chain-server.ts'
export { type BlockListener, LiveChain, type LiveChainOptions } from './live-chain.ts'
