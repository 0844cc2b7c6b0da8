import { execFile, execFileSync } from 'node:child_process'
import { promisify } from 'node:util'
import type { Stage } from '../../e2e/stage/stage.ts'
import { type BadLine, LINE_DEVICE, worstLine } from './bad-line.ts'
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

/** What this system allows: namespaces with a line between them, or none and why. */
export type Allowed = { readonly line: BadLine } | { readonly because: string }

/** Found out by trying. */
export function allowedNamespaces(): Allowed {
  const name = `p2pool-try-${process.pid}`
  try {
    execFileSync('ip', ['netns', 'add', name], { stdio: 'pipe' })
    try {
      const words = ['-n', name, 'link', 'add', 'name', LINE_DEVICE, 'type', 'veth', 'peer', 'name', 'other']
      execFileSync('ip', words, { stdio: 'pipe' })
      return { line: worstLine(name) }
    } finally {
      execFileSync('ip', ['netns', 'del', name], { stdio: 'pipe' })
    }
  } catch (error) {
    return { because: String((error as { readonly stderr?: unknown }).stderr ?? error).trim() }
  }
}

/**
 * Two network namespaces and one line between them, as bad as this system can make one. A cut takes the line away under the connections: what is sent is lost, and nobody is
 * told, as when a provider fails.
 */
export async function openNamespaces(stage: Stage, { command }: BadLine): Promise<TwoHalves> {
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
  const other = ['peer', 'name', LINE_DEVICE, 'netns', NAME.right]
  await ip('-n', NAME.left, 'link', 'add', 'name', LINE_DEVICE, 'type', 'veth', ...other)
  for (const half of HALVES) {
    await ip('-n', NAME[half], 'addr', 'add', `${LINE[half]}/30`, 'dev', LINE_DEVICE)
    if (command !== null) await ip('netns', 'exec', NAME[half], ...command)
    await ip('-n', NAME[half], 'link', 'set', LINE_DEVICE, 'up')
    await routeToOther(half)
  }
  return {
    place: half => ({
      apiHost: pageOf(half, 2),
      within: ['ip', 'netns', 'exec', NAME[half]],
      args: ['--p2p-host', PEERS[half]]
    }),
    cut: async () => {
      await ip('-n', NAME.left, 'link', 'set', LINE_DEVICE, 'down')
    },
    heal: async () => {
      await ip('-n', NAME.left, 'link', 'set', LINE_DEVICE, 'up')
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
  const words = ['via', LINE[other], 'dev', LINE_DEVICE, 'src', PEERS[half]]
  await ip('-n', NAME[half], 'route', 'replace', `${PEERS[other]}/32`, ...words)
}
