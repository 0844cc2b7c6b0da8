import { createHmac } from 'node:crypto'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import type { Rng } from '@p2poolv2/primitives'
import { bytesToHex } from '@p2poolv2/primitives'
import { WrongUsage } from '../cli/outcome.ts'

/** Of a password made here: as strong as a key. */
const PASSWORD_BYTES = 32
const SALT_BYTES = 16

/** A login and what the configuration says of it. */
export interface GeneratedAuth {
  readonly user: string
  readonly password: string
  readonly salt: string
  readonly hmac: string
  readonly auth_user: string
  /** `salt$hmac` */
  readonly auth_token: string
}

/**
 * A login for the page and the API. The configuration holds only a keyed hash of the password.
 * @param password null makes one
 * @throws WrongUsage for what the login cannot carry
 */
export function generatedAuth(user: string, password: string | null, rng: Rng): GeneratedAuth {
  if (user === '' || user.includes(':')) throw new WrongUsage('the user name must not be empty and must have no colon')
  if (password === '') throw new WrongUsage('the password must not be empty; leave it out to have one made')
  const chosen = password ?? Buffer.from(rng.bytes(PASSWORD_BYTES)).toString('base64url')
  const salt = bytesToHex(rng.bytes(SALT_BYTES))
  const hmac = createHmac('sha256', salt).update(chosen).digest('hex')
  return { user, password: chosen, salt, hmac, auth_user: user, auth_token: `${salt}$${hmac}` }
}

export function authView({ user, password, salt, hmac, auth_user, auth_token }: GeneratedAuth): string[] {
  return [
    `Username: ${user}`,
    `Password: ${password}`,
    `Salt:     ${salt}`,
    `HMAC:     ${hmac}`,
    '',
    '# for the configuration file; the password itself stands nowhere',
    '[api]',
    `auth_user = ${JSON.stringify(auth_user)}`,
    `auth_token = ${JSON.stringify(auth_token)}`
  ]
}

/** One line of the standard input, without showing what is typed. */
export async function askedPassword(): Promise<string> {
  const { stdin, stderr } = process
  if (stdin.isTTY === true) stderr.write('Password: ')
  const mute = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: stdin, output: mute, terminal: stdin.isTTY === true })
  try {
    for await (const line of lines) return line
    throw new WrongUsage('no password came on the standard input')
  } finally {
    lines.close()
    if (stdin.isTTY === true) stderr.write('\n')
  }
}
