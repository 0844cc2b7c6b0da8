import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BlockHash, blockHash } from '@p2poolv2/primitives'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { FoundBlockFolder, MAX_KEPT_BLOCKS } from './found-blocks.ts'

let parent: string
let folder: FoundBlockFolder
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'p2poolv2-blocks-'))
  folder = new FoundBlockFolder(join(parent, 'blocks'))
})
afterEach(() => rmSync(parent, { recursive: true }))

const hash = (byte: string): BlockHash => blockHash(byte.repeat(32))
const block = (byte: string, bitcoinHeight: number) => ({
  blockHash: hash(byte),
  bitcoinHeight,
  blockHex: byte.repeat(100)
})

it('remembers nothing before the first block', async () => {
  expect(await folder.unanswered([])).toEqual([])
})

it('gives back what nobody has answered, the highest first', async () => {
  for (const kept of [block('aa', 5), block('bb', 9), block('cc', 7), block('dd', 8)]) {
    await folder.persist(kept)
    await folder.settled(kept)
  }
  const records = [
    { blockHash: hash('aa'), result: 'submitted' },
    { blockHash: hash('bb'), result: 'accepted' },
    { blockHash: hash('cc'), result: 'submitted: no answer on record' }
  ]
  expect(await folder.unanswered(records)).toEqual([block('dd', 8), block('cc', 7), block('aa', 5)])
})

it('gives back what one bitcoin node has answered to and another has not', async () => {
  for (const kept of [block('aa', 5), block('bb', 9)]) await folder.persist(kept)
  await folder.settled(block('bb', 9))
  const records = [
    { blockHash: hash('aa'), result: 'accepted' },
    { blockHash: hash('bb'), result: 'accepted' }
  ]
  expect(await new FoundBlockFolder(join(parent, 'blocks')).unanswered(records)).toEqual([block('aa', 5)])
})

it('does not give back one that gave way to another on its parent', async () => {
  for (const kept of [block('aa', 5), block('bb', 5)]) await folder.persist(kept)
  await folder.remove(block('bb', 5))
  await folder.remove(block('cc', 5))
  expect(await folder.unanswered([])).toEqual([block('aa', 5)])
  expect(readdirSync(join(parent, 'blocks')).filter(name => name.includes(hash('bb')))).toEqual([])
})

it('takes away the mark of a block whose removal was cut short, and passes over the block', async () => {
  await folder.persist(block('aa', 5))
  rmSync(join(parent, 'blocks', `5-${hash('aa')}.hex`))
  expect(await folder.unanswered([])).toEqual([])
  expect(readdirSync(join(parent, 'blocks'))).toEqual([])
})

it('passes over a file that was cut short and files of others', async () => {
  await folder.persist(block('aa', 5))
  writeFileSync(join(parent, 'blocks', `6-${hash('bb')}.hex`), 'bb'.repeat(100))
  writeFileSync(join(parent, 'blocks', 'notes.txt'), 'hello\n')
  expect(await folder.unanswered([])).toEqual([block('aa', 5)])
})

it('does not write a block anew that it has, but one that was cut short', async () => {
  const kept = block('aa', 5)
  await folder.persist(kept)
  const file = join(parent, 'blocks', `5-${hash('aa')}.hex`)
  utimesSync(file, 1, 1)
  await folder.persist(kept)
  expect(statSync(file).mtimeMs).toBe(1000)
  writeFileSync(file, 'aaaa')
  await folder.persist(kept)
  expect(await folder.unanswered([])).toEqual([kept])
})

it('keeps the highest blocks, and no more than its cap', async () => {
  mkdirSync(join(parent, 'blocks'))
  writeFileSync(join(parent, 'blocks', 'notes.txt'), 'hello\n')
  for (let height = 1; height <= MAX_KEPT_BLOCKS + 30; height++) {
    writeFileSync(join(parent, 'blocks', `${height}-${hash('aa')}.hex`), 'aa\n')
  }
  writeFileSync(join(parent, 'blocks', `3-${hash('aa')}.open`), '')
  await folder.persist(block('bb', 500))
  const names = new Set(readdirSync(join(parent, 'blocks')))
  expect(names.size).toBe(MAX_KEPT_BLOCKS + 2)
  for (const name of [`500-${hash('bb')}.hex`, `500-${hash('bb')}.open`, `1030-${hash('aa')}.hex`, 'notes.txt'])
    expect(names).toContain(name)
  expect(names).not.toContain(`31-${hash('aa')}.hex`)
})
