/** One event of a stream. */
export interface StreamEvent {
  readonly type: string
  readonly data: string
}

/** A longer event than this is none of our node's. */
const MAX_BUFFERED = 16_777_216

/**
 * Server-sent events out of pieces of text (HTML, server-sent events). The browser's own `EventSource` sends no login, does not
 * say why it was refused, and gives up for good on an error.
 */
export class EventStreamParser {
  #rest = ''

  /** @throws RangeError for an event that does not end */
  feed(piece: string): StreamEvent[] {
    const blocks = (this.#rest + piece).replaceAll('\r\n', '\n').split('\n\n')
    this.#rest = blocks.pop() ?? ''
    if (this.#rest.length > MAX_BUFFERED) throw new RangeError('an event without an end')
    return blocks.flatMap(eventOf)
  }
}

function eventOf(block: string): StreamEvent[] {
  let type = 'message'
  const data: string[] = []
  for (const line of block.split('\n')) {
    const [, field, value = ''] = /^([a-z]+)(?:: ?(.*))?$/s.exec(line) ?? []
    if (field === 'event') type = value
    if (field === 'data') data.push(value)
  }
  return data.length === 0 ? [] : [{ type, data: data.join('\n') }]
}
