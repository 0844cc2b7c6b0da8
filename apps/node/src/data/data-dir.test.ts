import { expect, it } from 'vitest'
import { openDataDir } from './data-dir.ts'

it('a place where nothing can be made is refused at once, with the setting to change', () => {
  expect(() => openDataDir('/proc/p2poolv2/data')).toThrow(
    '/proc/p2poolv2/data cannot be used: that path cannot be made'
  )
  expect(() => openDataDir('/proc/p2poolv2/data')).toThrow('--data-dir')
})
