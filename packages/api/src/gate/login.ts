import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** Who may read and command with a password, as `api.auth_user` and `api.auth_token` say. */
export interface Login {
  readonly user: string
  /** `salt$hmac`: HMAC-SHA256 of the password in lower-case hex, its key the characters of the salt. */
  readonly token: string
}

/** Longer user names and passwords, in characters, are not looked at. */
const MAX_CREDENTIALS_LENGTH = 1_024

/**
 * Whether a user name and password are those of the login. Takes as long for a wrong one as for the right one. A token without
 * exactly one `$` matches nothing.
 */
export function isLogin(
  { user, token }: Login,
  credentials: { readonly user: string; readonly password: string }
): boolean {
  const [salt = '', hmac = '', ...more] = token.split('$')
  const isForm = hmac !== '' && more.length === 0
  const computed = hmacOf(salt, credentials.password)
  const isUser = isSame(credentials.user, user)
  return isSame(computed, hmac) && isUser && isForm
}

/** What belongs behind the `$` of `auth_token`. */
export function hmacOf(salt: string, password: string): string {
  return createHmac('sha256', salt).update(password).digest('hex')
}

/** @param header of a request @returns null for what is no Basic login */
export function basicCredentials(
  header: string | undefined
): { readonly user: string; readonly password: string } | null {
  const [, encoded] = /^basic +([A-Za-z0-9+/=_-]+)$/i.exec(header ?? '') ?? []
  return encoded === undefined ? null : credentialsOf(encoded)
}

/** @param encoded base64 of user:password; the user name ends at the first colon */
export function credentialsOf(encoded: string): { readonly user: string; readonly password: string } | null {
  if (encoded.length > MAX_CREDENTIALS_LENGTH * 2) return null
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? null : { user: text.slice(0, colon), password: text.slice(colon + 1) }
}

/** Compares texts in a time that does not depend on them. */
export function isSame(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
