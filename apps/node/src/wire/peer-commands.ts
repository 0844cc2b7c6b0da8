import { CommandRefused } from '@p2poolv2/api'
import { type ChainParams, protocolTag } from '@p2poolv2/consensus'
import {
  type AddressSource,
  type BanStatus,
  banKeyOf,
  checkInvite,
  encodeInvite,
  InviteError,
  MAX_INVITE_ADDRESSES,
  type PeerAddress,
  type PeerId,
  type PeeringEvent,
  parseDialTarget
} from '@p2poolv2/gossip'
import { ConfigError } from '../config.ts'

/** What an operator says of peers, in events of the peering machine. */
export interface PeerCommands {
  inviteOf(self: {
    readonly peer: PeerId
    readonly addresses: readonly PeerAddress[]
    readonly extra: Uint8Array
  }): string
  /** @throws ConfigError for what is neither an invite to this share chain nor an address */
  wanted(text: string): void
  /** @throws CommandRefused, as the others */
  add(text: string): string
  ban(who: string, seconds: number): string
  unban(who: string, bans: readonly BanStatus[]): string
}

export function peerCommands(deps: {
  readonly params: ChainParams
  /** The peer id of this node. */
  readonly self: PeerId
  readonly post: (event: PeeringEvent) => void
}): PeerCommands {
  const { params, self, post } = deps
  const own = { chain: params.chain, genesisTag: protocolTag(params) }

  const learn = (text: string, source: AddressSource): readonly PeerAddress[] => {
    const target = parseDialTarget(text)
    if (target.type === 'invite') checkInvite(target.invite, own)
    const { peer, addresses } =
      target.type === 'invite' ? target.invite : { peer: target.peer, addresses: [target.address] }
    if (peer === self)
      throw new InviteError('not-an-invite', 'That is this node itself: it needs the invite of another one.')
    post({ type: 'learned', source, peer, addresses })
    return addresses
  }
  const keyOf = (who: string): string => {
    const key = banKeyOf(who)
    if (key === null)
      throw new CommandRefused(`"${who}" is neither a peer id nor an IP address; ./p2poolv2 peers shows both`)
    return key
  }
  return {
    inviteOf: ({ peer, addresses, extra }) =>
      encodeInvite({ ...own, peer, addresses: addresses.slice(0, MAX_INVITE_ADDRESSES), extra }),
    wanted: text => {
      try {
        learn(text, 'config')
      } catch (cause) {
        if (!(cause instanceof InviteError)) throw cause
        throw new ConfigError(`p2p.dial_peers: ${cause.message}`, { cause })
      }
    },
    add: text => {
      try {
        return `dialling ${learn(text, 'command').join(', ')}, and again whenever it is gone`
      } catch (cause) {
        if (!(cause instanceof InviteError)) throw cause
        throw new CommandRefused(cause.message, { cause })
      }
    },
    ban: (who, seconds) => {
      const key = keyOf(who)
      post({ type: 'ban', key, reason: 'by the operator', banMs: seconds * 1_000 })
      return `refused for ${seconds} s: ${key}; ./p2poolv2 peers unban ends that`
    },
    unban: (who, bans) => {
      const key = keyOf(who)
      if (!bans.some(ban => ban.key === key))
        throw new CommandRefused(`${key} is not banned; ./p2poolv2 peers lists who is`)
      post({ type: 'unban', key })
      return `let in again: ${key}`
    }
  }
}
