/** One server-sent event. */
export interface ServerEvent {
  readonly name: string
  readonly data: string
}

/** Of an event that does not end; more is no stream of ours. */
const MAX_WAITING_CHARACTERS = 4_000_000

/** Takes a stream of server-sent events apart (HTML Living Standard, server-sent events); comments and unknown fields are left out. */
export class EventLines {
  #rest = ''

  /** @returns the events that are whole now @throws Error where one is too long */
  read(text: string): ServerEvent[] {
    const blocks = (this.#rest + text).replaceAll('\r\n', '\n').split('\n\n')
    this.#rest = blocks.pop() ?? ''
    if (this.#rest.length > MAX_WAITING_CHARACTERS) throw new Error('an event is too long')
    return blocks.flatMap(block => {
      const lines = block.split('\n')
      const data = lines.filter(line => line.startsWith('data:')).map(line => line.slice(5).trimStart())
      const name =
        lines
          .find(line => line.startsWith('event:'))
          ?.slice(6)
          .trim() ?? 'message'
      return data.length === 0 ? [] : [{ name, data: data.join('\n') }]
    })
  }
}
