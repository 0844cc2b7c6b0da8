import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { withLock } from './lock.mjs'

let directory = ''
let path = ''
let told: string[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'p2poolv2-lock-'))
  path = join(directory, 'lock')
  told = []
})

afterEach(() => rmSync(directory, { recursive: true, force: true }))

const lock = <T>(work: () => Promise<T>): Promise<T> => withLock(work, { path, tell: text => told.push(text) })

function layLock(owner: { pid: number; host: string }): void {
  mkdirSync(path)
  writeFileSync(join(path, 'owner.json'), JSON.stringify(owner))
}

it('many that want the lock at once have it one after the other, and the last one leaves nothing behind', async () => {
  const events: string[] = []
  const work = (name: string) => async () => {
    events.push(`${name} begins`)
    await new Promise(resolve => setImmediate(resolve))
    events.push(`${name} ends`)
    return name
  }
  const names = ['a', 'b', 'c']
  expect(await Promise.all(names.map(name => lock(work(name))))).toEqual(names)
  for (let index = 0; index < events.length; index += 2) {
    expect(events[index + 1]).toBe(events[index]?.replace('begins', 'ends'))
  }
  expect(events).toHaveLength(6)
  expect(existsSync(path)).toBe(false)
})

it('work that fails gives the lock back', async () => {
  await expect(lock(() => Promise.reject(new Error('no disk')))).rejects.toThrow('no disk')
  expect(await lock(async () => 'next')).toBe('next')
})

it('the lock of a process that is gone is taken over', async () => {
  const { pid } = spawnSync(process.execPath, ['--version'])
  layLock({ pid, host: hostname() })
  expect(await lock(async () => 'mine')).toBe('mine')
})

it('a lock nobody has touched for a minute is taken over, whatever host its owner was on', async () => {
  layLock({ pid: process.pid, host: 'another-host' })
  const minuteAgo = new Date(Date.now() - 60_000)
  utimesSync(path, minuteAgo, minuteAgo)
  expect(await lock(async () => 'mine')).toBe('mine')
})

it('the lock of a living process is respected until that process removes it', async () => {
  layLock({ pid: process.pid, host: hostname() })
  let released = false
  const waiting = lock(async () => released)
  setImmediate(() => {
    released = true
    rmSync(path, { recursive: true })
  })
  expect(await waiting).toBe(true)
  expect(told).toEqual([`waiting for another p2poolv2 command (pid ${process.pid}) that installs or builds`])
})
