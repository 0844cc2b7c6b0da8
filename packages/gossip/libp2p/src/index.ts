export { loadIdentity, peerOf } from './identity.ts'
export { type Network, startNetwork } from './network.ts'
export { openPeerStore, type PeerStore } from './peer-store.ts'
export { PeeringShell } from './peering-shell.ts'
