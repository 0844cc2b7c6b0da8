import { get, type IncomingMessage } from 'node:http'
import { EVENT_SCHEMAS, type EventTopic } from '@p2poolv2/api/schema'
import { A_SHARE, address } from '@p2poolv2/node/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { LiveNode } from '../testing/live-node.ts'

interface Event {
  readonly name: EventTopic
  readonly id: string | null
  readonly data: Record<string, unknown>
}

let node: LiveNode
beforeEach(async () => {
  node = new LiveNode()
  node.rig.template()
  node.rig.connect(1, `${address(1)}.attic`)
  await node.start()
})
afterEach(() => node.stop())

function open(topics: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  const url = node.url(`/v1/events?topics=${topics}`)
  return new Promise((resolve, reject) => get(url, { headers }, resolve).on('error', reject))
}

async function* events(response: IncomingMessage): AsyncGenerator<Event> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const part = text.slice(0, end)
      text = text.slice(end + 2)
      const field = (name: string): string | null => new RegExp(`^${name}: (.*)$`, 'm').exec(part)?.[1] ?? null
      const [name, data] = [field('event'), field('data')]
      if (name !== null && data !== null) yield { name: name as EventTopic, id: field('id'), data: JSON.parse(data) }
    }
  }
}

/** The first event of each of some topics. */
async function firstOf(response: IncomingMessage, topics: readonly EventTopic[]): Promise<Map<EventTopic, Event>> {
  const found = new Map<EventTopic, Event>()
  for await (const event of events(response)) {
    if (!found.has(event.name)) found.set(event.name, event)
    if (topics.every(topic => found.has(topic))) break
  }
  return found
}

it('what has a state is told at once, as its schema says', async () => {
  const found = await firstOf(await open('status,figures,earnings'), ['status', 'figures', 'earnings'])
  for (const [name, { data }] of found)
    expect(EVENT_SCHEMAS[name].safeDecode(data as never), name).toMatchObject({ success: true })
})

it('a share and what is told of it come as they happen', async () => {
  const response = await open('share,timeline')
  node.rig.advance(10_000)
  node.rig.mine(1, A_SHARE)
  const found = await firstOf(response, ['share', 'timeline'])
  expect(found.get('share')?.data).toMatchObject({ height: 1, status: 'confirmed', isOurs: true, address: address(1) })
  const entry = found.get('timeline')
  expect(entry?.data).toMatchObject({ kind: 'share-found' })
  expect(entry?.id).toBe(String(entry?.data['id']))
  expect(EVENT_SCHEMAS.share.safeDecode(found.get('share')?.data as never)).toMatchObject({ success: true })
})

it('who comes back gets the entries it missed, oldest first', async () => {
  for (let count = 0; count < 3; count++) {
    node.rig.advance(10_000)
    node.rig.mine(1, A_SHARE)
  }
  const ids: unknown[] = []
  for await (const { id } of events(await open('timeline', { 'last-event-id': '2' }))) {
    ids.push(id)
    if (id === '4') break
  }
  expect(ids).toEqual(['3', '4'])
})

it('only what was asked for is told, and nonsense is refused', async () => {
  const response = await open('figures')
  const { value } = await events(response).next()
  expect(value.name).toBe('figures')
  expect((await open('nonsense')).statusCode).toBe(400)
})
