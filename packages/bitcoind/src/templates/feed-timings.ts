/** How often and how long; every value has a default, tests shorten them. */
export interface FeedTimings {
  /** Between two questions for the tip's hash. */
  readonly tipPollMs: number
  /**
   * After the word of a new tip, work without transactions goes out unless its template has come by then. A small mempool's
   * comes sooner, and then one job will do; a full one's takes bitcoind and the parser 50 ms to 2 s.
   */
  readonly emptyFirstAfterMs: number
  /** A template is asked for at least this often, for its new transactions and its newer time. */
  readonly refreshMs: number
  /** Between two looks at a node that is not the one in use. */
  readonly standbyPollMs: number
  /** Waiting times after a failure double from the first to the second. */
  readonly retryMinMs: number
  readonly retryMaxMs: number
  /** Longest answer time: of small calls, of a template, of a long poll (asked again then). */
  readonly callTimeoutMs: number
  readonly templateTimeoutMs: number
  readonly longPollTimeoutMs: number
}

export const FEED_TIMINGS: FeedTimings = {
  tipPollMs: 1_000,
  emptyFirstAfterMs: 5,
  refreshMs: 30_000,
  standbyPollMs: 5_000,
  retryMinMs: 100,
  retryMaxMs: 5_000,
  // While a small computer connects a full block, bitcoind answers nothing for several seconds.
  callTimeoutMs: 10_000,
  templateTimeoutMs: 30_000,
  longPollTimeoutMs: 300_000
}
