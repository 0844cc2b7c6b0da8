import { readFile } from 'node:fs/promises'
import { endianness, networkInterfaces } from 'node:os'
import { isPrivate } from '@p2poolv2/gossip'
import type { Gateway } from './nat-pmp.ts'

/** RFC 6886 §3. */
const PORT = 5_351
const MAX_GATEWAYS = 4

/**
 * Where this computer sends what is for the world, as far as it is in the house. Linux says it; elsewhere it is taken to be the first address of each
 * network, as it is in nearly every house, and a wrong guess costs four packets that nobody answers.
 */
export async function houseGateways(ownAddresses: readonly string[]): Promise<Gateway[]> {
  const table = await readFile('/proc/net/route', 'latin1').catch(() => null)
  const addresses = table === null ? firstOfNetworks(ownAddresses) : defaultRoutes(table)
  const inHouse = addresses.filter(host => isPrivate({ kind: 'ip4', host: Uint8Array.from(host) }))
  return [...new Set(inHouse.map(host => host.join('.')))]
    .slice(0, MAX_GATEWAYS)
    .map(address => ({ address, port: PORT }))
}

/** @param table the kernel's, of a header and rows "interface destination gateway ...", addresses as numbers of this computer's byte order in hex */
export function defaultRoutes(table: string, order = endianness()): number[][] {
  return table.split('\n').flatMap(row => {
    const [, destination, gateway = ''] = row.split(/\s+/)
    if (destination !== '00000000' || !/^[\dA-F]{8}$/i.test(gateway) || Number(`0x${gateway}`) === 0) return []
    const bytes = [...Buffer.from(gateway, 'hex')]
    return [order === 'LE' ? bytes.reverse() : bytes]
  })
}

function firstOfNetworks(ownAddresses: readonly string[]): number[][] {
  const own = Object.values(networkInterfaces()).flatMap(all => all ?? [])
  return own
    .filter(({ address, family }) => family === 'IPv4' && ownAddresses.includes(address))
    .map(({ address, netmask }) => firstOfNetwork(address, netmask))
}

export function firstOfNetwork(address: string, netmask: string): number[] {
  const mask = netmask.split('.').map(Number)
  const network = address.split('.').map((part, at) => Number(part) & (mask[at] ?? 0))
  return network.map((part, at) => (at === 3 ? part + 1 : part))
}
