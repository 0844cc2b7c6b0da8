import fc from 'fast-check'
import { expect, it } from 'vitest'
import { EventStreamParser } from './event-stream.ts'

it('reads the type and the data of each event', () => {
  const parser = new EventStreamParser()
  expect(parser.feed('event: status\ndata: {"a":1}\n\nid: 7\nevent: timeline\ndata: x\n\n')).toEqual([
    { type: 'status', data: '{"a":1}' },
    { type: 'timeline', data: 'x' }
  ])
})

it('joins lines of data, takes a missing type for a message, and skips comments', () => {
  const parser = new EventStreamParser()
  expect(parser.feed(': keep\n\ndata: a\ndata: b\r\n\r\n')).toEqual([{ type: 'message', data: 'a\nb' }])
})

it('gives the same events however the text is cut', () => {
  const text = 'event: a\ndata: 1: 2\n\nevent: b\ndata:3\n\n: nothing\n\nid: 1\ndata: {"x":"\\n"}\n\n'
  const whole = new EventStreamParser().feed(text)
  expect(whole).toHaveLength(3)
  fc.assert(
    fc.property(fc.array(fc.nat(text.length), { maxLength: 8 }), cuts => {
      const parser = new EventStreamParser()
      const at = [0, ...cuts, text.length].sort((a, b) => a - b)
      expect(at.slice(1).flatMap((end, index) => parser.feed(text.slice(at[index], end)))).toEqual(whole)
    })
  )
})

it('refuses an event that does not end', () => {
  const parser = new EventStreamParser()
  const feed = (): unknown => parser.feed('data: '.padEnd(9_000_000, 'x'))
  feed()
  expect(feed).toThrow(RangeError)
})
