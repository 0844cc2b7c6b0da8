// What the user reads. Steps go to stderr, so that the standard output of a command is the command's own.

const STILL_BUSY_MS = 15_000

/** Why a command cannot go on: a sentence for the user, and the output of the program that failed. */
export class Failure extends Error {
  details

  /**
   * @param {string} message
   * @param {string} [details]
   */
  constructor(message, details = '') {
    super(message)
    this.details = details
  }
}

export function say(/** @type {string} */ text) {
  process.stderr.write(`p2poolv2: ${text}\n`)
}

/**
 * Says what begins, says again every 15 seconds that it goes on, and hands back what `work` resolves to.
 * @template T
 * @param {string} text
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(text, work) {
  say(text)
  const startMs = performance.now()
  const timer = setInterval(() => say(`${text} (${secondsSince(startMs)} so far)`), STILL_BUSY_MS)
  try {
    return await work()
  } finally {
    clearInterval(timer)
  }
}

/** @param {number} startMs from `performance.now()` */
export function secondsSince(startMs) {
  return `${((performance.now() - startMs) / 1000).toFixed(1)} s`
}
