/** The two ends of a hash, with what is left out between. */
export function shortHash(hash: string): string {
  return hash.length > 18 ? `${hash.slice(0, 8)}…${hash.slice(-8)}` : hash
}

/** Addresses differ at their end; their beginning says what kind they are. */
export function shortAddress(address: string): string {
  return address.length > 24 ? `${address.slice(0, 10)}…${address.slice(-8)}` : address
}

/** A peer's id: all begin alike. */
export function shortPeer(peer: string): string {
  return peer.length > 12 ? `…${peer.slice(-10)}` : peer
}
