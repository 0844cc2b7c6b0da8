import { isIPv4, isIPv6 } from 'node:net'

/**
 * Whether a request's `Host` names this node: by address, `localhost`, or a name given. Other names of the local network are other
 * computers'. A page from elsewhere whose name was pointed here (DNS rebinding) carries its own name.
 * @param names lower case
 */
export function isOwnHost(host: string | undefined, names: ReadonlySet<string>): boolean {
  if (host === undefined) return true
  const [, name = ''] = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::\d{1,5})?$/i.exec(host) ?? []
  const lower = name.toLowerCase()
  if (lower === 'localhost' || names.has(lower)) return true
  return lower.startsWith('[') ? isIPv6(lower.slice(1, -1)) : isIPv4(lower)
}

/** Whether a `Host` is one by which this computer alone reaches itself. */
export function isLoopbackHost(host: string | undefined): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i.test(host ?? '')
}

/** Whether an address is this computer's own for itself. */
export function isThisComputer(address: string): boolean {
  const bare = address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '')
  return bare === '::1' || (isIPv4(bare) && bare.startsWith('127.'))
}

/** Whether an address is of this computer or of a private network (RFC 1918, 3927, 4193, 4291). */
export function isLan(address: string | undefined): boolean {
  if (address === undefined) return false
  const bare = address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '')
  if (isIPv4(bare)) return /^(127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.)/.test(bare)
  return isIPv6(bare) && (bare === '::1' || /^(f[cd]|fe[89ab])/.test(bare))
}
