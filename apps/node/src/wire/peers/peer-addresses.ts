import { isIP, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { ChainParams } from '@p2poolv2/consensus'
import type { PeerAddress } from '@p2poolv2/gossip'
import { ConfigError } from '../../config.ts'
import { devnetSeedOf } from '../../data/devnet-seed.ts'
import type { Config } from '../../settings.ts'

/** Where to listen for other nodes. @throws ConfigError for a host name */
export function listenAddress(at: { readonly hostname: string; readonly port: number }): PeerAddress {
  const host = at.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) === 0)
    throw new ConfigError(`p2p.hostname is "${at.hostname}": give an IP address of this computer, or 0.0.0.0 for all`)
  return addressAt(host, at.port)
}

/**
 * Where somebody with an invite may find this node, the most widely useful first: what the operator says, then this computer's own
 * addresses, the loopback last, for a second node beside this one.
 */
export function inviteAddresses(options: {
  readonly external: PeerAddress | undefined
  readonly listening: readonly PeerAddress[]
}): PeerAddress[] {
  const { external, listening } = options
  const ports = listening.flatMap(address => {
    const [, kind, host = '', transport, port] = address.split('/')
    return transport === 'tcp' && (kind === 'ip4' || kind === 'ip6') ? [{ host, port: Number(port) }] : []
  })
  const found = ports.flatMap(({ host, port }) => (isAny(host) ? hostsOf(host) : [host]).map(ip => addressAt(ip, port)))
  const ordered = [...found.filter(address => !isLoopback(address)), ...found.filter(isLoopback)]
  return [...new Set([...(external === undefined ? [] : [external]), ...ordered])]
}

/** What a newcomer needs to begin the same share chain: nothing where its genesis is built in. */
export function inviteExtra(config: Config, params: ChainParams): Uint8Array {
  return params.chain === 'devnet' ? devnetSeedOf(config, params) : new Uint8Array()
}

function addressAt(ip: string, port: number): PeerAddress {
  return `/${isIPv6(ip) ? 'ip6' : 'ip4'}/${ip}/tcp/${port}`
}

function isAny(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

function isLoopback(address: PeerAddress): boolean {
  return address.startsWith('/ip4/127.') || address.startsWith('/ip6/::1/')
}

/** Of the family of `any`; link-local ones mean nothing elsewhere. */
function hostsOf(any: string): string[] {
  const family = isIPv6(any) ? 'IPv6' : 'IPv4'
  return Object.values(networkInterfaces())
    .flatMap(entries => entries ?? [])
    .filter(
      entry => entry.family === family && !entry.address.startsWith('fe80:') && !entry.address.startsWith('169.254.')
    )
    .map(entry => entry.address)
}
