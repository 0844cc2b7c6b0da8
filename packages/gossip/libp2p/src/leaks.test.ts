import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

/** libp2p's own timers run out after a second or two. */
const WITHIN_MS = 90_000

it('leaves no socket, listener or timer behind when it stops, whatever it was doing', async () => {
  const program = fileURLToPath(new URL('testing/start-and-stop.ts', import.meta.url))
  const args = ['--conditions=p2pool-source', '--import', 'tsx', program]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  let stoppedAtMs = 0
  child.stdout.on('data', chunk => {
    said += chunk
    stoppedAtMs = performance.now()
  })
  const [code] = await once(child, 'exit')
  expect({ said, code }).toEqual({ said: 'stopped\n', code: 0 })
  expect(performance.now() - stoppedAtMs).toBeLessThan(WITHIN_MS)
})
