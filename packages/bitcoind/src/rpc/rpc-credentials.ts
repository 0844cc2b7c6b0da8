import { readFile } from 'node:fs/promises'
import type { BitcoindConfig } from '../config.ts'
import { RpcError, systemReason } from './rpc-error.ts'

/** bitcoind's cookie is `__cookie__:` and 64 hex digits; anything much longer is not one. */
const MAX_COOKIE_LENGTH = 1_000

/**
 * The `authorization` header for a node, or null when none is configured. The cookie file is read every time: bitcoind
 * writes a new one at each start, and 80 bytes from the page cache cost nothing beside the call.
 * @throws RpcError `cookie-missing`, `cookie-unreadable`
 */
export async function authorization(config: BitcoindConfig): Promise<string | null> {
  if (config.cookieFile !== undefined && config.cookieFile !== '') return basic(await readCookie(config.cookieFile))
  if (config.user !== undefined) return basic(`${config.user}:${config.password ?? ''}`)
  const url = new URL(config.url)
  if (url.username === '') return null
  return basic(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`)
}

/** Which setting holds the credentials in use, for messages. */
export function credentialSetting(config: BitcoindConfig): string {
  if (config.cookieFile !== undefined && config.cookieFile !== '') {
    return `[bitcoind] cookie_file (now ${config.cookieFile})`
  }
  if (config.user !== undefined) return '[bitcoind] user and password'
  return '[bitcoind] cookie_file, or user and password'
}

async function readCookie(path: string): Promise<string> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    const reason = systemReason(cause)
    if (reason === 'ENOENT') {
      const what = `the cookie file ${path} is not there: start bitcoind, or correct [bitcoind] cookie_file`
      throw new RpcError(what, { code: 'cookie-missing', cause })
    }
    const what = `the cookie file ${path} could not be read (${reason}): let this user read it (bitcoind's -rpccookieperms=group), or correct [bitcoind] cookie_file`
    throw new RpcError(what, { code: 'cookie-unreadable', cause })
  }
  const cookie = text.trim()
  // bitcoind writes the file under another name and renames it, so a half-written cookie is never seen.
  if (cookie.length > MAX_COOKIE_LENGTH || !/^[^:\s]+:\S+$/.test(cookie)) {
    const what = `the file ${path} does not hold a bitcoind cookie: correct [bitcoind] cookie_file`
    throw new RpcError(what, { code: 'cookie-unreadable' })
  }
  return cookie
}

function basic(userAndPassword: string): string {
  return `Basic ${Buffer.from(userAndPassword, 'utf8').toString('base64')}`
}
