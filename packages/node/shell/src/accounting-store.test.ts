import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { AccountingRow } from '@p2poolv2/node'
import { Level } from 'level'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { AccountingStore } from './accounting-store.ts'

let directory: string
const opened: AccountingStore[] = []
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'accounting-'))
})
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close()
  await rm(directory, { recursive: true })
})

const unexpected = (error: unknown): never => {
  throw error
}

async function open(onFailed: (error: unknown) => void = unexpected) {
  const { store, rows } = await AccountingStore.open(directory, { chain: 'regtest', onFailed })
  opened.push(store)
  return { store, rows }
}

async function close(): Promise<void> {
  for (const store of opened.splice(0)) await store.close()
}

const row = (slice: number, address: string, submits: number): AccountingRow => ({
  slice,
  address: `bcrt1q${address.repeat(20)}`,
  workHashes: BigInt(submits) * 10n ** 25n + 1n,
  submits
})

it('what was given is there when it is opened again, the newest of each row, and what is gone is gone', async () => {
  const { store, rows } = await open()
  expect(rows).toEqual([])
  store.push({ puts: [row(1, 'a', 1), row(1, 'b', 1)], deletes: [] })
  store.push({ puts: [row(1, 'a', 2), row(0xffff_ffff, 'c', 3)], deletes: [row(1, 'b', 1)] })
  await store.drained()
  store.push({ puts: [row(2, 'a', 4)], deletes: [] })
  await close()
  expect((await open()).rows).toEqual([row(1, 'a', 2), row(2, 'a', 4), row(0xffff_ffff, 'c', 3)])
})

it('changes that come while a write is under way are one write, however many', async () => {
  const { store } = await open()
  for (let n = 1; n <= 50_000; n++) store.push({ puts: [row(1, 'a', n)], deletes: [] })
  await store.drained()
  await close()
  expect((await open()).rows).toEqual([row(1, 'a', 50_000)])
})

it('a directory in use, of another chain, or that lost its CURRENT file is refused, and the message says what to do', async () => {
  const { store } = await open()
  store.push({ puts: [row(1, 'a', 1)], deletes: [] })
  await store.drained()
  await expect(open()).rejects.toMatchObject({ code: 'accounting-unavailable' })
  await close()
  const elsewhere = AccountingStore.open(directory, { chain: 'main', onFailed: unexpected })
  await expect(elsewhere).rejects.toThrow('of "1 regtest", and "1 main" is wanted')
  expect((await open()).rows).toHaveLength(1)
  await close()
  await rm(join(directory, 'CURRENT'))
  await expect(open()).rejects.toThrow('CURRENT')
})

it('a path that is no directory is refused', async () => {
  const file = join(directory, 'file')
  await writeFile(file, '')
  const failed = AccountingStore.open(file, { chain: 'regtest', onFailed: unexpected })
  await expect(failed).rejects.toMatchObject({ code: 'accounting-unavailable' })
})

it('a row that cannot be read is not guessed at: the node does not start', async () => {
  await open()
  await close()
  const database = new Level(directory)
  await database.put('row 00000001 bcrt1qexampleexample', '12 and some')
  await database.close()
  await expect(open()).rejects.toThrow('a row that cannot be read')
})

it('a disk that refuses is told once, and nothing is written after that', async () => {
  const failures: unknown[] = []
  const { store } = await open(error => failures.push(error))
  await close()
  store.push({ puts: [row(1, 'a', 1)], deletes: [] })
  await store.drained()
  store.push({ puts: [row(1, 'a', 2)], deletes: [] })
  await store.drained()
  expect(failures).toMatchObject([{ code: 'accounting-unavailable' }])
  expect((await open()).rows).toEqual([])
})

it('every submit that a killed process had told of is there, although its database was behind', async () => {
  const script = fileURLToPath(new URL('testing/account-until-killed.ts', import.meta.url))
  const child = spawn(process.execPath, ['--conditions=p2pool-source', '--import=tsx', script, directory], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const ended = once(child, 'exit')
  let told = 0
  for await (const line of createInterface(child.stdout)) {
    told = Number(line)
    if (told === 10_000) child.kill('SIGKILL')
  }
  expect(await ended).toEqual([null, 'SIGKILL'])
  const { rows } = await open()
  expect(rows).toHaveLength(1)
  expect(rows[0]?.submits).toBeGreaterThanOrEqual(told)
  expect(rows[0]?.workHashes).toBe(BigInt(rows[0]?.submits ?? 0) * 1_000n)
})
