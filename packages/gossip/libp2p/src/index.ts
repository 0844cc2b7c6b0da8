export { loadIdentity } from './identity.ts'
export { type Network, startNetwork } from './network.ts'
