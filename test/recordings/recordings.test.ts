import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { replayFiles } from '../../apps/node/src/commands/replay.ts'

const FOLDER = import.meta.dirname
const ENDING = '.stratum.jsonl'

/** Every file that lies here, whoever put it here. */
const RECORDINGS = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith(ENDING))
  .sort()

/** What is to differ, as `./p2poolv2 replay --differences` prints it: a recording of a fault that was mended has such a file. */
function expectedDifferences(name: string): readonly string[] {
  const file = join(FOLDER, name.replace(ENDING, '.differences.txt'))
  return existsSync(file) ? differencesIn(readFileSync(file, 'utf8')) : []
}

function differencesIn(text: string): readonly string[] {
  return text.split('\n').filter(line => line.includes(' DIFFERS '))
}

describe('recorded miners are answered as they were', () => {
  it.each(RECORDINGS)('%s', name => {
    expect(differencesIn(replayFiles([join(FOLDER, name)], 'differences').text)).toEqual(expectedDifferences(name))
  })

  it('of which there are some', () => {
    expect(RECORDINGS.length).toBeGreaterThan(0)
  })
})
