/**
 * What an answer may hold. A full block's template has up to 16,600 transactions of seven fields and some 24,000 numbers of others they
 * depend on; bitcoind has fifty names in it and goes six deep. Reading so much takes some ten milliseconds, however it is put together.
 */
export const ANSWER_BOUNDS = { values: 200_000, names: 256, nameBytes: 256, depth: 32 } as const

/** Hashes are 64 bytes. */
const SHORT_TEXT_BYTES = 72

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_LIST = 0x5b
const BACKSLASH = 0x5c
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/**
 * Whether JSON can be read without holding up the miners' thread: to make a value, and above all a name that was not there before, takes
 * as long as to look at hundreds of bytes, and 32 MiB have room for eleven million. Looks at each byte once; what is no JSON may pass, since
 * reading it ends where it stops being JSON.
 */
export function isBounded(answer: Buffer): boolean {
  const { values: maxValues, names: maxNames, nameBytes, depth: maxDepth } = ANSWER_BOUNDS
  const names = new Set<string>()
  let [values, fields, depth, textFrom, textTo] = [0, 0, 0, 0, 0]
  for (let at = 0; at < answer.length; at++) {
    switch (answer[at]) {
      case QUOTE:
        textFrom = at + 1
        at = textEnd(answer, textFrom)
        textTo = at
        break
      case COLON:
        fields += 1
        if (fields > maxValues || textTo - textFrom > nameBytes) return false
        names.add(answer.toString('latin1', textFrom, textTo))
        if (names.size > maxNames) return false
        break
      case OPEN_LIST:
      case OPEN_OBJECT:
        depth += 1
        values += 1
        if (depth > maxDepth || values > maxValues) return false
        break
      case COMMA:
        values += 1
        if (values > maxValues) return false
        break
      case CLOSE_LIST:
      case CLOSE_OBJECT:
        depth -= 1
        break
      default:
    }
  }
  return true
}

/** Where a text ends that begins at `from`. Transactions are long, and a call that looks for their end is quicker than a loop. */
function textEnd(answer: Buffer, from: number): number {
  const near = Math.min(answer.length, from + SHORT_TEXT_BYTES)
  let at = from
  for (; at < near; at++) {
    if (answer[at] === QUOTE) return at
    if (answer[at] === BACKSLASH) at++
  }
  for (let end = answer.indexOf(QUOTE, at); end >= 0; end = answer.indexOf(QUOTE, end + 1)) {
    let slash = end
    while (slash > at && answer[slash - 1] === BACKSLASH) slash--
    if ((end - slash) % 2 === 0) return end
  }
  return answer.length
}
