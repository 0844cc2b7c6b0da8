import { afterEach, beforeEach, expect, it } from 'vitest'
import { CommandRefused } from './peer-routes.ts'
import { LiveNode, TOKEN } from './testing/live-node.ts'
import { NO_PEERS } from './testing/node-view.ts'

let node: LiveNode

beforeEach(async () => {
  const network = {
    ...NO_PEERS,
    unban: (who: string): string => {
      throw new CommandRefused(`nobody called ${who} is banned`)
    }
  }
  node = new LiveNode()
  await node.start({}, { network })
})
afterEach(() => node.stop())

const post = (path: string, body: unknown, token: string | null = TOKEN): Promise<Response> =>
  fetch(node.url(path), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body)
  })

it('shows peers and the invite to whoever reaches the port', async () => {
  expect(await (await fetch(node.url('/v1/peers'))).json()).toMatchObject({ peer: '12D3', reachability: 'unknown' })
  expect(await (await fetch(node.url('/v1/invite'))).json()).toEqual({ invite: 'p2pool1invite' })
})

it.each([
  ['/v1/peers', { address: 'x' }, 'dialling x'],
  ['/v1/bans', { who: '192.0.2.1' }, 'banned 192.0.2.1 for 86400 s'],
  ['/v1/bans', { who: '192.0.2.1', seconds: 60 }, 'banned 192.0.2.1 for 60 s']
])('does what %s is told with the token', async (path, body, done) => {
  expect(await (await post(path, body)).json()).toEqual({ done })
})

it.each([null, '', 'x', TOKEN.slice(1)])('does nothing for the token %j', async token => {
  const answer = await post('/v1/bans', { who: '192.0.2.1' }, token)
  expect(answer.status).toBe(401)
  expect(await answer.json()).toMatchObject({ error: expect.stringContaining('running.json') })
})

it('says what is wrong with a body, and why a command cannot be done', async () => {
  const wrong = await post('/v1/bans', { who: '', seconds: -1 })
  expect(wrong.status).toBe(400)
  expect((await wrong.json()) as { error: string }).toMatchObject({ error: expect.stringContaining('seconds') })
  const refused = await post('/v1/unbans', { who: 'nobody' })
  expect([refused.status, await refused.json()]).toEqual([409, { error: 'nobody called nobody is banned' }])
})
