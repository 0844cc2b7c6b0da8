/**
 * What one computer can be counted by: an IPv4 address as it is, and of IPv6 the first 64 bits, since a host has all of the rest. An
 * IPv4 address in IPv6's form (`::ffff:192.0.2.1`) is that address. Other texts are given back.
 * @param address as a socket gives it, without port; IPv6 may stand in brackets
 */
export function hostNetwork(address: string): string {
  const bare = address.replace(/^\[|\]$|%.*$/g, '').toLowerCase()
  if (!bare.includes(':')) return bare
  if (/^::ffff:\d+\.\d+\.\d+\.\d+$/.test(bare)) return bare.slice(7)
  const [head = '', tail] = bare.split('::', 2)
  const groups = head === '' ? [] : head.split(':')
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length)
  const all = [...groups, ...new Array<string>(Math.max(0, missing)).fill('0'), ...(tail ?? '').split(':')]
  return `${all.slice(0, 4).join(':')}::/64`
}
