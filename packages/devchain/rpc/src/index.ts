export { BlockFile, type RestoreReport } from './block-file.ts'
export { DevChainServer, type DevChainServerOptions } from './dev-chain-server.ts'
export { SUBVERSION } from './methods.ts'
