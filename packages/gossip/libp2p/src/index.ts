export { loadIdentity } from './identity.ts'
export { type Network, startNetwork } from './network.ts'
export { openPeerStore, type PeerStore } from './peer-store.ts'
