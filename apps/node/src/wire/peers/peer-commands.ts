import { CommandRefused } from '@p2poolv2/api'
import { type ChainParams, protocolTag } from '@p2poolv2/consensus'
import {
  type AddressSource,
  banKeyOf,
  checkInvite,
  type DialFailure,
  encodeInvite,
  InviteError,
  MAX_INVITE_ADDRESSES,
  type PeerAddress,
  type PeerId,
  type PeeringEvent,
  type PeeringStatus,
  parseDialTarget
} from '@p2poolv2/gossip'
import { ConfigError } from '../../config.ts'
import type { DialResult, DialResults } from './dial-results.ts'

/** As long as a person waits for an answer; a dial takes half a second or, if nobody is there, up to fifteen. */
const RESULT_WITHIN_MS = 5_000

/** What an operator says of peers, in events of the peering machine. */
export interface PeerCommands {
  inviteOf(self: {
    readonly peer: PeerId
    readonly addresses: readonly PeerAddress[]
    readonly extra: Uint8Array
  }): string
  /** @throws ConfigError for what is neither an invite to this share chain nor an address */
  wanted(text: string): void
  /** Says what came of it within some seconds. @throws CommandRefused, as the others */
  add(text: string): Promise<string>
  remove(who: string): string
  ban(who: string, seconds: number): string
  unban(who: string): string
}

/** What a person gave to dial. */
interface Target {
  readonly peer: PeerId | null
  readonly addresses: readonly PeerAddress[]
}

/** What a failure says of whoever is there, if it says something for certain. */
const CERTAIN: Partial<Record<DialFailure, string>> = {
  refused: 'nobody listens there, or who does takes no more peers',
  network: 'who is there is not of this share chain',
  'wrong-peer': 'another peer than that one is there',
  'not-admitted': 'this node has no place for it now',
  failed: 'who is there does not speak our protocol'
}

export function peerCommands(deps: {
  readonly params: ChainParams
  /** The peer id of this node. */
  readonly self: PeerId
  readonly status: () => PeeringStatus
  readonly dials: DialResults
  readonly post: (event: PeeringEvent) => void
}): PeerCommands {
  const { params, self, status, dials, post } = deps
  const own = { chain: params.chain, genesisTag: protocolTag(params) }

  const targetOf = (text: string): Target => {
    const target = parseDialTarget(text)
    if (target.type === 'invite') checkInvite(target.invite, own)
    const { peer, addresses } =
      target.type === 'invite' ? target.invite : { peer: target.peer, addresses: [target.address] }
    if (peer === self)
      throw new InviteError('not-an-invite', 'That is this node itself: it needs the invite of another one.')
    return { peer, addresses }
  }
  const learn = ({ peer, addresses }: Target, source: AddressSource): void =>
    post({ type: 'learned', source, peer, addresses })
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
        learn(targetOf(text), 'config')
      } catch (cause) {
        if (!(cause instanceof InviteError)) throw cause
        throw new ConfigError(`p2p.dial_peers: ${cause.message}`, { cause })
      }
    },
    add: async text => {
      const target = refusing(() => targetOf(text))
      const ban = banOf(target, status())
      if (ban !== null)
        throw new CommandRefused(
          `refused: ${ban.key} is banned (${ban.reason}); first: ./p2poolv2 peers unban ${ban.key}`
        )
      const result = dials.of(target, RESULT_WITHIN_MS)
      learn(target, 'command')
      const known = status().addresses.filter(({ address }) => target.addresses.includes(address))
      if (!known.some(({ isWanted }) => isWanted))
        throw new CommandRefused('as many nodes are wanted as can be remembered; ./p2poolv2 peers remove makes room')
      const there = known.find(({ nextTryMs }) => nextTryMs === null)
      if (there !== undefined)
        return `connected already: ${there.peer ?? there.address}; dialled again whenever it is gone`
      return inWords(await result, () => {
        for (const address of target.addresses) post({ type: 'unwanted', address })
      })
    },
    remove: who => {
      const wanted = status().addresses.filter(({ isWanted }) => isWanted)
      const isPeer = wanted.some(({ peer }) => peer === who)
      const target: Target = isPeer ? { peer: who, addresses: [] } : refusing(() => targetOf(who))
      const meant = wanted.filter(
        ({ address, peer }) => target.addresses.includes(address) || (isPeer && peer === target.peer)
      )
      if (meant.length === 0) {
        const some = wanted.map(({ address }) => address).slice(0, 10)
        throw new CommandRefused(
          `nobody asked for that one; asked for: ${some.length === 0 ? 'nobody' : some.join(', ')}`
        )
      }
      for (const { address } of meant) post({ type: 'unwanted', address })
      const isConfigured = meant.some(({ source }) => source === 'config')
      return `no longer wanted: ${meant.map(({ address }) => address).join(', ')}; a connection that stands stays${isConfigured ? ', and p2p.dial_peers asks again at the next start' : ''}`
    },
    ban: (who, seconds) => {
      const key = keyOf(who)
      post({ type: 'ban', key, reason: 'by the operator', banMs: seconds * 1_000 })
      return `refused for ${seconds} s: ${key}; ./p2poolv2 peers unban ends that`
    },
    unban: who => {
      const key = keyOf(who)
      if (!status().bans.some(ban => ban.key === key))
        throw new CommandRefused(`${key} is not banned; ./p2poolv2 peers lists who is`)
      post({ type: 'unban', key })
      return `let in again: ${key}`
    }
  }
}

function refusing<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof InviteError)) throw cause
    throw new CommandRefused(cause.message, { cause })
  }
}

/** The ban that keeps all of it from being dialled; null if something of it can be. */
function banOf({ peer, addresses }: Target, { bans }: PeeringStatus): PeeringStatus['bans'][number] | null {
  const ofKey = (text: string) => bans.find(({ key }) => key === banKeyOf(text))
  const ofPeer = peer === null ? undefined : ofKey(peer)
  if (ofPeer !== undefined) return ofPeer
  const ofAddresses = addresses.map(ofKey)
  return ofAddresses.every(ban => ban !== undefined) ? (ofAddresses[0] ?? null) : null
}

/** @throws CommandRefused for this node's own address, which `isSelf` no longer wants */
function inWords(result: DialResult | null, isSelf: () => void): string {
  if (result?.type === 'connected')
    return `connected: ${result.peer} at ${result.address}; dialled again whenever it is gone`
  const reasons = result?.reasons ?? []
  if (reasons.length > 0 && reasons.every(reason => reason === 'self')) {
    isSelf()
    throw new CommandRefused('refused: that is this node itself')
  }
  const certain = [...new Set(reasons.flatMap(reason => CERTAIN[reason] ?? []))]
  return certain.length > 0
    ? `refused: ${certain.join('; ')}; keeps trying`
    : 'no answer yet: keeps trying; ./p2poolv2 peers shows when it is connected'
}
