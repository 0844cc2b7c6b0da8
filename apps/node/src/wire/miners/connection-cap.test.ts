import { expect, it } from 'vitest'
import { connectionCap, descriptorLimit } from './connection-cap.ts'

it('takes as many miners as configured where the system allows that', () => {
  expect(connectionCap(1_000, 20_000)).toBe(1_000)
  expect(connectionCap(1_000, null)).toBe(1_000)
})

it.each([
  [1_000, 1_024, 512],
  [1_000, 256, 128],
  [100_000, 65_536, 65_024],
  [1_000, 1, 1]
])(
  'of %i miners under a limit of %i descriptors takes %i, so that a found block can leave',
  (configured, limit, cap) => {
    expect(connectionCap(configured, limit)).toBe(cap)
  }
)

it.runIf(process.platform !== 'win32')('knows the limit of this process', () => {
  expect(descriptorLimit()).toBeGreaterThan(0)
})
