import { createLog, systemClock } from '@p2poolv2/runtime'
import { useDirectory } from '@p2poolv2/runtime/testing'
import { expect, it } from 'vitest'
import { DEFAULTS } from '../settings.ts'
import { doctorChecks } from './doctor-checks.ts'

const directory = useDirectory('doctor')

it('a look around that ends after the node has stopped finds nothing amiss', async () => {
  let lines = ''
  const write = (line: string): void => {
    lines += line
  }
  const log = createLog({ level: 'warn', format: 'json', sink: { write } })
  const config = { ...DEFAULTS, data_dir: directory.path }
  // Nobody answers there, as when a node that is told to stop has closed its ports.
  const ports = () => ({ stratum: 1, api: 1 })
  const { kept, atStart } = doctorChecks(config, { file: null, ports, peers: null, clock: systemClock(), log })
  await atStart.start?.(new AbortController())
  await atStart.stop?.(new AbortController())
  const checks = await kept()
  expect(checks.filter(({ state }) => state === 'fail' || state === 'warn')).not.toEqual([])
  expect(lines).toBe('')
})
