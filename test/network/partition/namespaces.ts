import { execFile, execFileSync } from 'node:child_process'
import { promisify } from 'node:util'
import type { Stage } from '../../e2e/stage/stage.ts'
import type { Half, TwoHalves } from './two-halves.ts'

const run = promisify(execFile)
const ip = (...words: readonly string[]): Promise<unknown> => run('ip', [...words])

/** Of this process, so that two runs do not meet. */
const NUMBER = process.pid % 250
const NAME: Readonly<Record<Half, string>> = { left: `p2pool-l-${process.pid}`, right: `p2pool-r-${process.pid}` }
/** Where other nodes find those of a half: on its loopback, which a cut leaves alone. */
const PEERS: Readonly<Record<Half, string>> = { left: '10.214.1.1', right: '10.214.2.1' }
/** The ends of the line between the halves. */
const LINE: Readonly<Record<Half, string>> = { left: '10.215.0.1', right: '10.215.0.2' }
/** Where this process reaches the pages of a half, on a line of its own. */
const pageOf = (half: Half, end: 1 | 2): string => `10.213.${NUMBER}.${(half === 'left' ? 0 : 4) + end}`
const HALVES: readonly Half[] = ['left', 'right']

/** Why there can be no namespaces here; null when there can. */
export function noNamespacesBecause(): string | null {
  const name = `p2pool-try-${process.pid}`
  try {
    execFileSync('ip', ['netns', 'add', name], { stdio: 'pipe' })
    try {
      execFileSync('ip', ['-n', name, 'link', 'add', 'name', 'one', 'type', 'veth', 'peer', 'name', 'two'], {
        stdio: 'pipe'
      })
    } finally {
      execFileSync('ip', ['netns', 'del', name], { stdio: 'pipe' })
    }
    return null
  } catch (error) {
    return String((error as { readonly stderr?: unknown }).stderr ?? error).trim()
  }
}

/**
 * Two network namespaces and one line between them. A cut takes the line away under the connections: what is sent is lost, and nobody is
 * told, as when a provider fails.
 */
export async function openNamespaces(stage: Stage): Promise<TwoHalves> {
  const remove = (): void => {
    for (const half of HALVES) {
      try {
        execFileSync('ip', ['netns', 'del', NAME[half]], { stdio: 'pipe' })
      } catch {
        // It was not made, or is gone.
      }
    }
  }
  stage.onEnd(async () => {
    remove()
    process.off('exit', remove)
  })
  process.on('exit', remove)
  for (const half of HALVES) await makeHalf(half)
  await ip('-n', NAME.left, 'link', 'add', 'name', 'line', 'type', 'veth', 'peer', 'name', 'line', 'netns', NAME.right)
  for (const half of HALVES) {
    await ip('-n', NAME[half], 'addr', 'add', `${LINE[half]}/30`, 'dev', 'line')
    await ip('-n', NAME[half], 'link', 'set', 'line', 'up')
    await routeToOther(half)
  }
  return {
    place: half => ({
      apiHost: pageOf(half, 2),
      within: ['ip', 'netns', 'exec', NAME[half]],
      args: ['--p2p-host', PEERS[half]]
    }),
    cut: async () => {
      await ip('-n', NAME.left, 'link', 'set', 'line', 'down')
    },
    heal: async () => {
      await ip('-n', NAME.left, 'link', 'set', 'line', 'up')
      // It went with the line.
      await routeToOther('left')
    }
  }
}

async function makeHalf(half: Half): Promise<void> {
  const name = NAME[half]
  const page = `p2p${half === 'left' ? 'l' : 'r'}${process.pid}`
  await ip('netns', 'add', name)
  await ip('-n', name, 'link', 'set', 'lo', 'up')
  await ip('-n', name, 'addr', 'add', `${PEERS[half]}/32`, 'dev', 'lo')
  await ip('link', 'add', 'name', page, 'type', 'veth', 'peer', 'name', 'page', 'netns', name)
  await ip('addr', 'add', `${pageOf(half, 1)}/30`, 'dev', page)
  await ip('link', 'set', page, 'up')
  await ip('-n', name, 'addr', 'add', `${pageOf(half, 2)}/30`, 'dev', 'page')
  await ip('-n', name, 'link', 'set', 'page', 'up')
}

async function routeToOther(half: Half): Promise<void> {
  const other: Half = half === 'left' ? 'right' : 'left'
  const words = ['via', LINE[other], 'dev', 'line', 'src', PEERS[half]]
  await ip('-n', NAME[half], 'route', 'replace', `${PEERS[other]}/32`, ...words)
}
