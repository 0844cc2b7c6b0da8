/** Whom a miner names: who is paid, and which of his machines it is. */
export interface UserName {
  /** What may be an address: letters and digits only, '' when the name begins with neither. */
  readonly user: string
  /** Printable ASCII of plain characters, '' when there is none. */
  readonly worker: string
}

/** What a user name is cut to before anything is read of it: longer than every address and every label in use. */
const MAX_NAME_CHARS = 256
/** A label beyond this is cut: it ends up in logs and lists. */
export const MAX_WORKER_CHARS = 64

/**
 * Splits a user name at the first sign that no address has: a dot mostly, but pools have taught miners `_`, `-`, `+`, `/` and
 * blanks as well. A wallet's `bitcoin:` before the address is left out. What follows is a label and never a reason to refuse
 * anybody: characters that could be markup, a path or another alphabet become `_`. Source: stratum §2.3.
 */
export function userNameOf(name: string): UserName {
  const plain = name
    .slice(0, MAX_NAME_CHARS)
    .trim()
    .replace(/^bitcoin:/i, '')
  const [user = ''] = /^[0-9A-Za-z]*/.exec(plain) ?? []
  const label = plain.slice(user.length + 1, user.length + 1 + MAX_WORKER_CHARS).trim()
  return { user, worker: label.replace(/[^0-9A-Za-z ._:@#()[\]+-]/g, '_') }
}
