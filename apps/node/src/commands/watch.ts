import { setTimeout as pause } from 'node:timers/promises'
import { EVENT_SCHEMAS } from '@p2poolv2/api/schema'
import { WrongUsage } from '../cli/outcome.ts'
import { styleFor } from '../cli/style.ts'
import { EventLines, type ServerEvent } from '../cli/watch/event-lines.ts'
import { type Watched, watchFrame } from '../cli/watch/frame.ts'
import { FullScreen } from '../cli/watch/full-screen.ts'
import { type NodeAt, runningNode, theRunningNode } from './running-node.ts'

const PATH = '/v1/events?topics=status,figures,earnings,timeline'
const AGAIN_MS = 1_000
const MAX_ENTRIES = 100

/** What is known after an event; the same where it says nothing that is known here. */
export function afterEvent(watched: Watched, { name, data }: ServerEvent): Watched {
  if (!(name in EVENT_SCHEMAS)) return watched
  const topic = name as keyof typeof EVENT_SCHEMAS
  let value: unknown
  try {
    value = JSON.parse(data)
  } catch {
    return watched
  }
  if (!EVENT_SCHEMAS[topic].safeParse(value).success) return watched
  if (topic === 'timeline')
    return { ...watched, timeline: [value as Watched['timeline'][number], ...watched.timeline].slice(0, MAX_ENTRIES) }
  return topic === 'share' ? watched : { ...watched, problem: null, [topic]: value }
}

/** Shows the node on a full screen, live, until q, Ctrl-C or a signal. @throws WrongUsage where there is no terminal */
export async function watch(at: NodeAt): Promise<void> {
  const { stdout, stdin, env } = process
  if (stdout.isTTY !== true) throw new WrongUsage('--watch needs a terminal; for a program: ./p2poolv2 status --json')
  let watched: Watched = {
    url: (await theRunningNode(at)).url,
    problem: null,
    status: null,
    figures: null,
    earnings: null,
    timeline: []
  }
  const ending = new AbortController()
  const end = (): void => ending.abort()
  const screen = new FullScreen(stdout, stdin, key => {
    if (key === 'q' || key === '\u0003' || key === '\u0004') end()
  })
  const style = styleFor(true, env)
  const draw = (): void => {
    const sheet = { style, nowSec: Math.floor(Date.now() / 1_000), ...screen.size }
    screen.draw(watchFrame(watched, sheet))
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, end)
  stdout.on('resize', draw)
  const clock = setInterval(draw, 1_000)
  try {
    draw()
    while (!ending.signal.aborted) {
      const problem = await heard(at, ending.signal, event => {
        watched = afterEvent(watched, event)
        draw()
      })
      if (ending.signal.aborted) break
      // It is told from the beginning when it is heard again.
      watched = { ...watched, problem, timeline: [] }
      draw()
      await pause(AGAIN_MS, undefined, { signal: ending.signal }).catch(() => undefined)
    }
  } finally {
    clearInterval(clock)
    stdout.off('resize', draw)
    screen.close()
  }
}

/** Hears events until the node ends them. @returns why there are no more; the next try may reach the node started anew */
async function heard(at: NodeAt, signal: AbortSignal, onEvent: (event: ServerEvent) => void): Promise<string> {
  try {
    const node = await runningNode(at)
    if (node === null) return 'the node does not run any more: waiting for it'
    const lines = new EventLines()
    const decoder = new TextDecoder()
    for await (const chunk of await node.events(PATH, signal)) {
      for (const event of lines.read(decoder.decode(chunk, { stream: true }))) onEvent(event)
    }
    return 'the node ended the connection: asking again'
  } catch (error) {
    return `the node cannot be heard: ${(error as Error).message}`
  }
}
