import { expect, it } from 'vitest'
import { openDataDir } from './data-dir.ts'

// On Linux the system says that it cannot be made, elsewhere that this user may not: both name the setting, and end.
it('a place where nothing can be made is refused at once, with the setting to change', () => {
  expect(() => openDataDir('/proc/p2poolv2/data')).toThrow(
    /\/proc\/p2poolv2\/data cannot be used: .+\. Choose another with --data-dir or data_dir$/
  )
})
