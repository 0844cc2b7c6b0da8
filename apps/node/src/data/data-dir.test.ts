import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { openDataDir, refuseMovedFolder } from './data-dir.ts'

// On Linux the system says that it cannot be made, elsewhere that this user may not: both name the setting, and end.
it('a place where nothing can be made is refused at once, with the setting to change', () => {
  expect(() => openDataDir('/proc/p2poolv2/data')).toThrow(
    /\/proc\/p2poolv2\/data cannot be used: .+\. Choose another with --data-dir or data_dir$/
  )
})

it('a configuration that was moved with its folder does not begin anew where the folder was', () => {
  const folder = (): string => {
    const made = mkdtempSync(join(tmpdir(), 'p2poolv2-moved-'))
    onTestFinished(() => rmSync(made, { recursive: true }))
    return made
  }
  const [here, before] = [folder(), folder()]
  const file = join(here, 'p2poolv2.toml')
  const start = (): void => refuseMovedFolder(file, before)
  // A file kept apart from what it is for, as in /etc.
  expect(start).not.toThrow()
  writeFileSync(join(here, 'wallet.key'), '')
  expect(start).toThrow(`${file} names ${before} as data_dir, where there is no wallet.key`)
  expect(start).toThrow(`set data_dir = ${JSON.stringify(here)}`)
  expect(() => refuseMovedFolder(file, here)).not.toThrow()
  writeFileSync(join(before, 'wallet.key'), '')
  expect(start).not.toThrow()
})
