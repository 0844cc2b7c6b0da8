import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { RowJournal } from './row-journal.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'journal-'))
})
afterEach(() => rm(directory, { recursive: true }))

/** As after a kill: what another process would find. */
function found(writtenSequence: number): unknown[] {
  const { journal, entries } = RowJournal.open(directory, writtenSequence)
  journal.close()
  return entries.map(({ sequence, changes }) => [sequence, changes])
}

const fileOf = (letter: 'a' | 'b'): string => join(directory, `journal-${letter}`)

it('what was appended is there, in order, from the entry that the database has', () => {
  const { journal } = RowJournal.open(directory, 0)
  journal.append([['a', '1']])
  journal.append(
    new Map([
      ['a', null],
      ['b', '2 \n "x"']
    ])
  )
  journal.close()
  expect(found(0)).toEqual([
    [1, [['a', '1']]],
    [
      2,
      [
        ['a', null],
        ['b', '2 \n "x"']
      ]
    ]
  ])
  expect(found(1)).toEqual([
    [
      2,
      [
        ['a', null],
        ['b', '2 \n "x"']
      ]
    ]
  ])
  expect(found(2)).toEqual([])
  expect(RowJournal.open(directory, 0).journal.sequence).toBe(2)
})

it.each(['[', '{"a":"1"}', '[["a"]]', '[["a",1]]', '[null]'])(
  'ends at %s, which no journal wrote, whatever its checksum says',
  json => {
    const { journal } = RowJournal.open(directory, 0)
    journal.append([['a', '1']])
    journal.close()
    const rest = `2 ${json}`
    appendFileSync(fileOf('a'), `${crc32(rest).toString(16).padStart(8, '0')} ${rest}\n`)
    expect(found(0)).toEqual([[1, [['a', '1']]]])
  }
)

it('wherever a power cut ends or spoils it, what is before that is there and nothing else', () => {
  const { journal } = RowJournal.open(directory, 0)
  for (let n = 1; n <= 5; n++) journal.append([['row', String(n)]])
  journal.close()
  const whole = readFileSync(fileOf('a'))
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.boolean(), (at, isCut) => {
      const damaged = Buffer.from(whole)
      damaged[at] = (damaged[at] as number) ^ 0x55
      writeFileSync(fileOf('a'), isCut ? whole.subarray(0, at) : damaged)
      // A line that only lacks its end is all there.
      const before =
        whole
          .subarray(0, isCut ? at + 1 : at)
          .toString()
          .split('\n').length - 1
      expect(found(0)).toEqual(Array.from({ length: before }, (_, n) => [n + 1, [['row', String(n + 1)]]]))
    })
  )
})

it('files take turns, and none grows for ever', () => {
  const { journal } = RowJournal.open(directory, 0)
  const value = 'x'.repeat(100_000)
  for (let n = 1; n <= 60; n++) {
    journal.append([['row', value]])
    if (n % 3 !== 0) continue
    journal.writing()
    journal.append([['row', `after ${n}`]])
    // The database has what was there before it was given it, and the rest not yet.
    const sequence = journal.sequence
    expect(found(sequence - 1)).toEqual([[sequence, [['row', `after ${n}`]]]])
    journal.written()
    expect(found(sequence - 1)).toEqual([[sequence, [['row', `after ${n}`]]]])
  }
  expect(statSync(fileOf('a')).size + statSync(fileOf('b')).size).toBeLessThan(3_000_000)
  journal.empty()
  expect(found(0)).toEqual([])
  truncateSync(fileOf('b'))
  appendFileSync(fileOf('b'), 'what no node wrote\n')
  expect(found(0)).toEqual([])
  journal.close()
})
