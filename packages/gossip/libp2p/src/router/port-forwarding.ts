import { setTimeout as pause } from 'node:timers/promises'
import { isPrivate, type PeerAddress, parseAddress } from '@p2poolv2/gossip'
import type { Log } from '@p2poolv2/runtime'
import { askRouter, type ForwardingService, forwardingServices } from './device.ts'
import { houseGateways } from './gateways.ts'
import { askGateway, type Gateway } from './nat-pmp.ts'
import { type SearchOptions, searchRouters } from './search.ts'

export interface ForwardingOptions extends Pick<SearchOptions, 'at' | 'waitMs'> {
  /** Where we listen: IPv4 addresses of this computer, and one port. */
  readonly ownAddresses: readonly string[]
  readonly port: number
  /** Those that may speak NAT-PMP; by default what stands between this computer and the world. */
  readonly gateways?: (ownAddresses: readonly string[]) => Promise<Gateway[]>
  readonly log: Pick<Log, 'debug' | 'info'>
}

/** How long a router is asked to forward, and when it is asked again: a router that was restarted has forgotten it. */
const LEASE_SEC = 3_600
const AGAIN_MS = 1_200_000
/** When a router is looked for again where there was none, or it did not want. */
const SEARCH_AGAIN_MS = 300_000
/** Our own port outside, or one of those after it, where another computer has it. */
const MAX_PORTS = 4
const TAKEN = 718
const ONLY_FOR_GOOD = 725
const BACK_WITHIN_MS = 1_000

/** Who forwards a port: a service by UPnP, or a gateway by NAT-PMP. */
type Forwarder = { readonly service: ForwardingService } | { readonly gateway: Gateway }
type Forwarded = Forwarder & { readonly port: number }

/**
 * Has the router forward a port to us: by UPnP (AddPortMapping of WANIPConnection:1), and where nobody does so, by NAT-PMP (RFC 6886), in which the
 * router may give another port than ours. Nothing that a device says is believed but that: whether others reach us by it is found out by peers.
 */
export class PortForwarding {
  readonly #options: ForwardingOptions
  readonly #stop = new AbortController()
  #running: Promise<void> | null = null
  #forwarded: Forwarded | null = null

  constructor(options: ForwardingOptions) {
    this.#options = options
  }

  /** By which others may reach us, as far as the router is concerned; null: it forwards none. */
  get port(): number | null {
    return this.#forwarded?.port ?? null
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Takes back what was asked of the router, if it answers within a second. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
    const forwarded = this.#forwarded
    this.#forwarded = null
    if (forwarded === null) return
    const within = AbortSignal.timeout(BACK_WITHIN_MS)
    if ('gateway' in forwarded) await this.#askGateway(forwarded.gateway, 0, 0, within)
    else await askRouter(forwarded.service, { action: 'DeletePortMapping', values: externalOf(forwarded.port) }, within)
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      const before = this.#forwarded
      const again = before === null ? null : await this.#again(before)
      const forwarded = again ?? (await this.#found())
      // Of what was granted last before the end it is taken back.
      this.#forwarded = forwarded ?? (signal.aborted ? before : null)
      if (forwarded !== null && forwarded.port !== before?.port)
        this.#options.log.info({ port: forwarded.port }, 'the router forwards a port to this node')
      await pause(forwarded === null ? SEARCH_AGAIN_MS : AGAIN_MS, undefined, { signal, ref: false }).catch(
        () => undefined
      )
    }
  }

  async #found(): Promise<Forwarded | null> {
    const { signal } = this.#stop
    const { port } = this.#options
    const ports = Array.from({ length: MAX_PORTS }, (_, n) => port + n).filter(one => one <= 0xffff)
    for (const device of await searchRouters({ ...this.#options, signal })) {
      for (const service of await forwardingServices(device, signal)) {
        const forwarded = await this.#forward(service, ports)
        if (forwarded !== null) return forwarded
      }
    }
    for (const gateway of await (this.#options.gateways ?? houseGateways)(this.#options.ownAddresses)) {
      const forwarded = await this.#forwardBy(gateway, port)
      if (forwarded !== null) return forwarded
    }
    return null
  }

  #again(before: Forwarded): Promise<Forwarded | null> {
    return 'gateway' in before
      ? this.#forwardBy(before.gateway, before.port)
      : this.#forward(before.service, [before.port])
  }

  async #forwardBy(gateway: Gateway, wanted: number): Promise<Forwarded | null> {
    const port = await this.#askGateway(gateway, wanted, LEASE_SEC, this.#stop.signal)
    if (port === null) this.#options.log.debug({ router: gateway.address }, 'a router does not forward a port')
    return port === null ? null : { gateway, port }
  }

  #askGateway(gateway: Gateway, externalPort: number, leaseSec: number, signal: AbortSignal): Promise<number | null> {
    return askGateway(gateway, { internalPort: this.#options.port, externalPort, leaseSec }, signal)
  }

  async #forward(service: ForwardingService, ports: readonly number[]): Promise<Forwarded | null> {
    for (const port of ports) {
      let error = await this.#ask(service, port, LEASE_SEC)
      if (error === ONLY_FOR_GOOD) error = await this.#ask(service, port, 0)
      if (error === null) return { service, port }
      this.#options.log.debug({ router: service.control.host, port, error }, 'a router does not forward a port')
      if (error !== TAKEN) return null
    }
    return null
  }

  #ask(service: ForwardingService, port: number, leaseSec: number): ReturnType<typeof askRouter> {
    const values = [
      ...externalOf(port),
      ['NewInternalPort', this.#options.port],
      ['NewInternalClient', service.device.ownAddress],
      ['NewEnabled', 1],
      ['NewPortMappingDescription', 'p2poolv2'],
      ['NewLeaseDuration', leaseSec]
    ] as const
    return askRouter(service, { action: 'AddPortMapping', values }, this.#stop.signal)
  }
}

/** Of the addresses of a house among those where we listen; routers forward to no others. Null where there is none. */
export function portForwarding(listening: Iterable<PeerAddress>, log: ForwardingOptions['log']): PortForwarding | null {
  const places = [...listening].flatMap(text => {
    const address = parseAddress(text)
    return address?.kind === 'ip4' && isPrivate(address) && address.host[0] !== 127 ? [address] : []
  })
  const [first] = places
  if (first === undefined) return null
  return new PortForwarding({ ownAddresses: places.map(({ host }) => host.join('.')), port: first.port, log })
}

function externalOf(port: number): readonly (readonly [string, string | number])[] {
  return [
    ['NewRemoteHost', ''],
    ['NewExternalPort', port],
    ['NewProtocol', 'TCP']
  ]
}
