import type { WorkersJson } from '@p2poolv2/api/schema'
import { hashrateText } from '@p2poolv2/earnings/words'
import { ago, counted, grouped, scaled } from '../amounts.ts'
import { type Sheet, shown } from '../style.ts'
import { textTable } from '../text-table.ts'
import { stateLook } from './status-view.ts'

export function workersView({ household, workers }: WorkersJson, sheet: Sheet): string[] {
  const { style, nowSec } = sheet
  if (workers.length === 0)
    return ['No miner has been here yet. What to write into one: ./p2poolv2 connect, or the page.']
  const table = textTable(
    [
      { title: 'worker', cut: 'end' },
      { title: 'state' },
      { title: '5 min', align: 'right' },
      { title: '1 h', align: 'right' },
      { title: 'difficulty', align: 'right' },
      { title: 'accepted', align: 'right' },
      { title: 'rejected', align: 'right' },
      { title: 'best', align: 'right' },
      { title: 'last share', align: 'right' },
      { title: 'firmware', cut: 'end' },
      { title: 'address', cut: 'middle' }
    ],
    workers.map(worker => [
      worker.name === '' ? '(no name)' : worker.name,
      { text: worker.state, look: stateLook(worker.state, style) },
      hashrateText(worker.hashrate.m5),
      hashrateText(worker.hashrate.h1),
      worker.difficulty === null ? '–' : scaled(worker.difficulty),
      grouped(worker.accepted),
      { text: grouped(worker.rejected), look: worker.rejected > worker.accepted / 50 ? style.warn : text => text },
      scaled(worker.bestDifficulty),
      ago(worker.lastShare, nowSec),
      worker.userAgent ?? '–',
      worker.address
    ]),
    sheet
  )
  const said = workers.flatMap(({ name, warnings }) =>
    warnings.map(text => style.warn(shown(`${name === '' ? '(no name)' : name}: ${text}`)))
  )
  const { accepted, rejected } = household
  const sum = `${counted(household.workers, 'worker')} connected: ${hashrateText(household.hashrate.m5)} (5 min), ${hashrateText(household.hashrate.h1)} (1 h), ${hashrateText(household.hashrate.d1)} (1 day); ${grouped(accepted)} accepted, ${grouped(rejected)} rejected`
  return [...table, ...said, sum]
}
