import type { ComponentLogger, Logger, Peer, PeerId, PeerStore } from '@libp2p/interface'

/**
 * libp2p notes with every stream, in its store of peers, that the peer speaks the stream's protocol: the peer's whole record is read, compared
 * and written. That is a tenth of what the body of a share costs in a sync, at both ends; here it happens once a connection.
 */
export function noteProtocolsOnce(store: Pick<PeerStore, 'merge'>): void {
  // A connection has one such object, and with it goes what was noted.
  const noted = new WeakMap<PeerId, { readonly protocols: Set<string>; readonly peer: Peer }>()
  const merge = store.merge.bind(store)
  store.merge = async (id, data, options) => {
    const { protocols, ...others } = data
    if (protocols === undefined || Object.keys(others).length > 0) return merge(id, data, options)
    const known = noted.get(id)
    if (known !== undefined && protocols.every(protocol => known.protocols.has(protocol))) return known.peer
    const peer = await merge(id, data, options)
    noted.set(id, { protocols: new Set([...(known?.protocols ?? []), ...protocols]), peer })
    return peer
  }
}

const SILENT: Logger = Object.assign(() => undefined, {
  error: () => undefined,
  trace: () => undefined,
  enabled: false,
  newScope: () => SILENT
})

/** libp2p makes a logger for every stream, whether anybody reads it or not. */
export const SILENT_LOGGER: ComponentLogger = { forComponent: () => SILENT }
