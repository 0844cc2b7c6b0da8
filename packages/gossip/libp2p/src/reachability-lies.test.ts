import type { ConnectionStatus } from '@p2poolv2/gossip'
import { steadyMs } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { ReachabilityCheck } from './reachability.ts'

const CLAIMED = '/ip4/8.8.8.8/tcp/50000'

function checkWith(
  neighbours: readonly Pick<ConnectionStatus, 'peer' | 'direction' | 'address'>[],
  seen: Readonly<Record<string, string>>
) {
  const told: string[] = []
  const probed: string[] = []
  const check = new ReachabilityCheck({
    now: () => steadyMs(60_000),
    connections: () => neighbours.map(one => ({ ...one, connectedAtMs: steadyMs(0), agent: null, dialect: 'ours' })),
    port: () => 6_884,
    observedBy: peer => seen[peer] ?? null,
    ask: async () => ({ type: 'answer', payload: Uint8Array.of(1) }),
    probe: async address => {
      probed.push(address)
      return false
    },
    probesPrivate: false,
    reached: address => told.push(address),
    changed: () => undefined
  })
  return { check, told, probed }
}

const stranger = { peer: 'stranger', direction: 'inbound', address: '/ip4/1.2.3.4/tcp/1' } as const

describe('what strangers say of where we are', () => {
  it('is told to others only if somebody else says so, or whom we dialled', async () => {
    const alone = checkWith([stranger], { stranger: CLAIMED })
    await alone.check.ask()
    expect(alone.told).toEqual([])
    const second = { ...stranger, peer: 'second' }
    const agreed = checkWith([stranger, second], { stranger: CLAIMED, second: '/ip4/8.8.8.8/tcp/50001' })
    await agreed.check.ask()
    expect(agreed.told).toEqual(['/ip4/8.8.8.8/tcp/6884'])
    const chosen = checkWith([{ ...stranger, direction: 'outbound' }], { stranger: CLAIMED })
    await chosen.check.ask()
    expect(chosen.told).toEqual(['/ip4/8.8.8.8/tcp/6884'])
  })

  it('makes us dial no port of our own computer or house', async () => {
    for (const host of ['127.0.0.1', '172.17.0.1', '192.168.1.1']) {
      const { check, probed } = checkWith([{ ...stranger, address: `/ip4/${host}/tcp/1` }], {})
      expect(await check.serve({ peer: 'stranger', payload: Uint8Array.of(0x8d, 0x20) })).toBe(null)
      expect(probed).toEqual([])
    }
  })
})
