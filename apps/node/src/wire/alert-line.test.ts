import type { Alert } from '@p2poolv2/alerts'
import { createLog } from '@p2poolv2/runtime'
import { expect, it } from 'vitest'
import { type AlertWay, logAlert } from './alert-line.ts'

const FOUND: Alert = { rule: 'block-found', state: 'told', title: 'Block found', text: 'It pays you.', atSec: 1 }
const SILENT: Alert = { rule: 'worker-silent', state: 'raised', title: 'Miner silent', text: 'attic', atSec: 1 }

function lineOf(alert: Alert, way: AlertWay): Record<string, unknown> {
  const lines: string[] = []
  logAlert(createLog({ level: 'debug', format: 'json', sink: { write: line => lines.push(line) } }), alert, way)
  return JSON.parse(lines.join('')) as Record<string, unknown>
}

it('a line of an alert says that somebody is told only where somebody is', () => {
  expect(lineOf(SILENT, 'nowhere')['msg']).toContain('sent to nobody')
  expect(lineOf(FOUND, 'sending')).not.toHaveProperty('state')
  expect(lineOf(SILENT, 'held')).toMatchObject({ state: 'raised', msg: expect.stringContaining('quiet hours') })
  expect(lineOf(SILENT, 'sending')).toMatchObject({ text: 'attic', msg: expect.stringContaining('on its way') })
})

it('news that are sent to nobody have a line at level debug alone: what they tell has its own', () => {
  const { level } = lineOf(SILENT, 'nowhere')
  expect([lineOf(FOUND, 'nowhere')['level'] === level, lineOf(FOUND, 'sending')['level'] === level]).toEqual([
    false,
    true
  ])
})
