import { isIPv4, isIPv6 } from 'node:net'

/**
 * Whether a request's `Host` names this node: by address, `localhost`, `*.local`, or a name of the configuration. A page from
 * elsewhere whose name was pointed here (DNS rebinding) carries its own name.
 * @param names lower case
 */
export function isOwnHost(host: string | undefined, names: ReadonlySet<string>): boolean {
  if (host === undefined) return true
  const [, name = ''] = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::\d{1,5})?$/i.exec(host) ?? []
  const lower = name.toLowerCase()
  if (lower === 'localhost' || /^[a-z0-9-]+\.local$/.test(lower) || names.has(lower)) return true
  return lower.startsWith('[') ? isIPv6(lower.slice(1, -1)) : isIPv4(lower)
}

/** Whether an address is of this computer or of a private network (RFC 1918, 3927, 4193, 4291). */
export function isLan(address: string | undefined): boolean {
  if (address === undefined) return false
  const bare = address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '')
  if (isIPv4(bare)) return /^(127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.)/.test(bare)
  return isIPv6(bare) && (bare === '::1' || /^(f[cd]|fe[89ab])/.test(bare))
}
