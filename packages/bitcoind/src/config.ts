/** One bitcoin node, as configured in a `[[bitcoind]]` section. */
export interface BitcoindConfig {
  /** `http://host:port`; credentials in it count when neither a cookie file nor a user is given. */
  readonly url: string
  /** Path of bitcoind's `.cookie`; wins over `user` and `password`. */
  readonly cookieFile?: string | undefined
  readonly user?: string | undefined
  readonly password?: string | undefined
  /** The address of bitcoind's `zmqpubhashblock`, for example `tcp://127.0.0.1:28332`. */
  readonly zmqHashblock?: string | undefined
  /** Is told how the node's answers come, for metrics. */
  readonly observer?: BitcoindObserver | undefined
}

export interface BitcoindObserver {
  /** A call has ended, after so many seconds. @param failed the code of an `RpcError`, or null */
  called(method: string, sec: number, failed: string | null): void
  /** So many notices by zmq did not reach us. */
  missedNotices(count: number): void
}

export type BitcoindState = 'starting' | 'ready' | 'syncing' | 'unreachable' | 'misconfigured'

/** What is known of one node; an entry of the feed's statuses. */
export interface BitcoindStatus {
  /** Without credentials. */
  readonly url: string
  readonly state: BitcoindState
  /** Height of its tip, null until it was heard. */
  readonly bitcoinHeight: number | null
  /** For the operator, naming the setting to change; null when there is nothing to say. */
  readonly message: string | null
}

/** A node's address as shown in logs, statuses and on the page: no credentials, no trailing slash. */
export function displayUrl(url: string): string {
  if (!URL.canParse(url)) return '(not a URL)'
  const parsed = new URL(url)
  return `${parsed.protocol}//${parsed.host}${parsed.pathname === '/' ? '' : parsed.pathname}`
}
