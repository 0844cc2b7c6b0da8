import { BlockList, isIP } from 'node:net'

/** A range of addresses cannot be read; the message names it. */
export class AddressRangeError extends Error {
  constructor(range: string) {
    super(
      `"${range}" is no range of addresses: give an address such as 192.0.2.7, or a range such as 10.0.0.0/8 or fd00::/8`
    )
    this.name = 'AddressRangeError'
  }
}

/** Ranges of IPv4 and IPv6 addresses, as an operator writes them. */
export class AddressRanges {
  readonly #list = new BlockList()
  readonly #isEmpty: boolean

  /** @throws AddressRangeError */
  constructor(ranges: readonly string[]) {
    this.#isEmpty = ranges.length === 0
    for (const range of ranges) this.#add(range)
  }

  /** @param address as a socket gives it, IPv4 without `::ffff:` */
  includes(address: string): boolean {
    // Looking is not cheap, and whoever dials has us look three times.
    if (this.#isEmpty) return false
    const [plain = ''] = address.split('%')
    return this.#list.check(plain, plain.includes(':') ? 'ipv6' : 'ipv4')
  }

  #add(range: string): void {
    const [address = '', bits, ...more] = range.trim().split('/')
    const version = isIP(address)
    const family = version === 6 ? 'ipv6' : 'ipv4'
    const width = version === 6 ? 128 : 32
    const prefix = bits === undefined ? width : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN
    if (version === 0 || more.length > 0 || !(prefix >= 0 && prefix <= width)) throw new AddressRangeError(range)
    this.#list.addSubnet(address, prefix, family)
  }
}
