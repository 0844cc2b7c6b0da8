import { describe, expect, it } from 'vitest'
import { networkText } from './network-words.ts'

const NETWORK = { state: 'syncing', message: '', peers: 2, sync: null } as const
const SYNC = {
  phase: 'checking',
  doneHeights: 1_200,
  totalHeights: 5_000,
  heightsPerSecond: 389.6,
  secondsLeft: 10
} as const

describe('networkText', () => {
  it('says with how many others the chain is held', () => {
    expect(networkText({ ...NETWORK, state: 'current', peers: 1 })).toBe('Current, 1 peer')
    expect(networkText({ ...NETWORK, state: 'alone', peers: 0 })).toBe('No peer')
    expect(networkText(NETWORK)).toBe('Catching up, 2 peers')
  })

  it('says how far it is, how fast, and how long it takes', () => {
    expect(networkText({ ...NETWORK, sync: SYNC })).toBe('Taking shares: 1,200 of 5,000, 390 a second, 10 seconds left')
  })

  it('promises nothing in the first moments', () => {
    const sync = { ...SYNC, phase: 'fetching', heightsPerSecond: null, secondsLeft: null } as const
    expect(networkText({ ...NETWORK, sync })).toBe('Taking headers: 1,200 of 5,000')
  })
})
