import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NOTHING_STANDS, type Standing } from '@p2poolv2/alerts'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { StandingAlerts } from './standing-alerts.ts'

const STANDING: Standing = { rules: ['worker-silent'], silent: ['bc1q.attic'], dropFromHps: 1e12, growing: ['00ff'] }
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'standing-alerts-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('is there for the next start, and leaves nothing else behind', () => {
  const file = join(folder, 'alerts.json')
  new StandingAlerts(file).keep(STANDING)
  expect(new StandingAlerts(file).read()).toEqual(STANDING)
  expect(readdirSync(folder)).toEqual(['alerts.json'])
})

it('is nothing where there is no file, another one, or a folder that takes none', () => {
  const file = join(folder, 'alerts.json')
  expect(new StandingAlerts(file).read()).toEqual(NOTHING_STANDS)
  for (const text of ['', '{', '[]', '{"rules":["none"],"silent":[],"dropFromHps":null,"growing":[]}']) {
    writeFileSync(file, text)
    expect(new StandingAlerts(file).read()).toEqual(NOTHING_STANDS)
  }
  const nowhere = new StandingAlerts(join(folder, 'none', 'alerts.json'))
  nowhere.keep(STANDING)
  expect(nowhere.read()).toEqual(NOTHING_STANDS)
})
