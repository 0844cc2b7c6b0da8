import { expect, it } from 'vitest'
import { afterEvent } from '../../commands/watch.ts'
import { EventLines } from './event-lines.ts'
import type { Watched } from './frame.ts'

it('takes events apart wherever the stream is cut, and leaves comments out', () => {
  const stream = ': hello\n\nevent: status\ndata: {"a":1}\n\nid: 7\nevent: timeline\ndata: x\ndata: y\n\n'
  for (let cut = 0; cut <= stream.length; cut++) {
    const lines = new EventLines()
    expect([...lines.read(stream.slice(0, cut)), ...lines.read(stream.slice(cut))]).toEqual([
      { name: 'status', data: '{"a":1}' },
      { name: 'timeline', data: 'x\ny' }
    ])
  }
})

it('gives up on an event without end', () => {
  const lines = new EventLines()
  expect(() => {
    for (let count = 0; count < 10; count++) lines.read('x'.repeat(1_000_000))
  }).toThrow('too long')
})

it('takes nothing for an event that does not say what its schema says', () => {
  const watched: Watched = { url: '', problem: 'away', status: null, figures: null, earnings: null, timeline: [] }
  for (const event of [
    { name: 'status', data: 'no json' },
    { name: 'status', data: '{}' },
    { name: 'other', data: '{}' }
  ])
    expect(afterEvent(watched, event)).toBe(watched)
  const entry = { id: 1, time: 1, kind: 'work', level: 'info', text: 'x', subject: null }
  const after = afterEvent(watched, { name: 'timeline', data: JSON.stringify(entry) })
  expect(after.timeline).toEqual([entry])
})
