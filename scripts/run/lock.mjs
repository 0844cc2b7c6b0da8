// One process at a time installs or builds. The lock is a directory: making one is atomic on every file system.
import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ROOT } from './child.mjs'
import { say } from './terminal.mjs'

const POLL_MS = 200
const HEARTBEAT_MS = 2_000
// The owner touches the lock every 2 s; this long without means that it is gone, on whatever host or container it was.
const STALE_MS = 30_000
// Breaking a stale lock takes milliseconds, so a breaker this old was killed.
const STALE_BREAKER_MS = 10_000

/** @type {Set<string>} */
const held = new Set()

/** Gives back what this process holds when it exits, whatever the reason. */
export function releaseOnExit() {
  process.on('exit', () => {
    for (const path of held) rmSync(path, { recursive: true, force: true })
  })
}

/**
 * Runs `work` while no other process holds the lock; waits for it as long as the holder is alive.
 * @template T
 * @param {() => Promise<T>} work
 * @param {{ path?: string, tell?: (text: string) => void }} [options] the lock directory, and who hears of a wait
 * @returns {Promise<T>}
 */
export async function withLock(work, { path = join(ROOT, '.tools', 'lock'), tell = say } = {}) {
  mkdirSync(dirname(path), { recursive: true })
  let told = false
  while (!take(path)) {
    const owner = readOwner(path)
    if (isStale(path, owner)) {
      breakStale(path)
    } else if (!told) {
      tell(`waiting for another p2poolv2 command${owner === null ? '' : ` (pid ${owner.pid})`} that installs or builds`)
      told = true
    }
    await sleep(POLL_MS)
  }
  const heartbeat = setInterval(() => touch(path), HEARTBEAT_MS)
  try {
    return await work()
  } finally {
    clearInterval(heartbeat)
    held.delete(path)
    rmSync(path, { recursive: true, force: true })
  }
}

function take(/** @type {string} */ path) {
  if (!makeDirectory(path)) return false
  held.add(path)
  writeFileSync(join(path, 'owner.json'), JSON.stringify({ pid: process.pid, host: hostname() }))
  return true
}

/** @returns {{ pid: number, host: string } | null} null while the owner has not written its name yet */
function readOwner(/** @type {string} */ path) {
  try {
    return JSON.parse(readFileSync(join(path, 'owner.json'), 'utf8'))
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError) return null
    throw error
  }
}

function isStale(/** @type {string} */ path, /** @type {ReturnType<typeof readOwner>} */ owner) {
  const ageMs = ageOf(path)
  if (ageMs === null) return false
  if (ageMs > STALE_MS) return true
  return owner !== null && owner.host === hostname() && !isAlive(owner.pid)
}

/** Of two that see a stale lock, one must not remove the lock the other has taken since: breaking has its own lock. */
function breakStale(/** @type {string} */ path) {
  const breaker = `${path}.breaker`
  if (!makeDirectory(breaker)) {
    if ((ageOf(breaker) ?? 0) > STALE_BREAKER_MS) rmSync(breaker, { recursive: true, force: true })
    return
  }
  try {
    if (isStale(path, readOwner(path))) rmSync(path, { recursive: true, force: true })
  } finally {
    rmSync(breaker, { recursive: true, force: true })
  }
}

function makeDirectory(/** @type {string} */ path) {
  try {
    mkdirSync(path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

/** @returns {number | null} milliseconds since the last touch, null if there is no such directory */
function ageOf(/** @type {string} */ path) {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat === undefined ? null : Date.now() - stat.mtimeMs
}

function touch(/** @type {string} */ path) {
  try {
    utimesSync(path, new Date(), new Date())
  } catch (error) {
    // Somebody removed the lock by hand: there is nothing left to keep alive.
    if (!isMissing(error)) throw error
  }
}

function isAlive(/** @type {number} */ pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it runs, as another user.
    return codeOf(error) === 'EPERM'
  }
}

function isMissing(/** @type {unknown} */ error) {
  return codeOf(error) === 'ENOENT'
}

function codeOf(/** @type {unknown} */ error) {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
