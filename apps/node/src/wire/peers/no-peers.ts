import { CommandRefused, type PeerSources } from '@p2poolv2/api'

function refuse(): never {
  throw new CommandRefused('this node stands alone: with mode = "sharechain" it has peers')
}

/** What a node in a mode without peers says of them. */
export const NO_PEERS: PeerSources = {
  peers: () => ({ peer: '', listening: [], reachability: 'unknown', peers: [], bans: [], knownAddresses: 0 }),
  invite: () => '',
  add: refuse,
  remove: refuse,
  ban: refuse,
  unban: refuse
}
