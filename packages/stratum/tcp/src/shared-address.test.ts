import { expect, it } from 'vitest'
import { isSharedAddress } from './shared-address.ts'

it.each([
  '127.0.0.1',
  '127.9.9.9',
  '10.1.2.3',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.178.20',
  '169.254.1.1',
  '100.64.0.1',
  '100.127.255.255',
  '::1',
  'fd12:3456::1',
  'fe80::1%eth0'
])('%s is shared by whoever is behind it', address => {
  expect(isSharedAddress(address)).toBe(true)
})

it.each([
  '8.8.8.8',
  '172.15.0.1',
  '172.32.0.1',
  '100.63.0.1',
  '100.128.0.1',
  '192.169.0.1',
  '2001:db8::1',
  '::2',
  'nonsense'
])('%s is not', address => {
  expect(isSharedAddress(address)).toBe(false)
})
