/** Fetching one takes some seconds and 25 MB, once; a slow line must not fail a test. */
export const FETCH_BITCOIND_MS = 600_000

export interface BitcoindLogin {
  readonly url: string
  readonly user: string
  readonly password: string
}

/** Flags that point our node to a bitcoind. */
export function bitcoindFlags({ url, user, password }: BitcoindLogin): string[] {
  return [
    ...['--set', `bitcoind.url=${url}`],
    ...['--set', `bitcoind.user=${user}`],
    ...['--set', `bitcoind.password=${password}`]
  ]
}
