import type { WorkersJson } from '@p2poolv2/api/schema'
import { hashrateText } from '@p2poolv2/earnings/words'
import { ago, counted, grouped, scaled } from '../amounts.ts'
import { type Sheet, shown } from '../style.ts'
import { type Cell, textTable } from '../text-table.ts'
import { stateLook } from './status-view.ts'

/** A miner that is gone for longer is not looked for among those at work. */
const GONE_LONG_SEC = 86_400

type Worker = WorkersJson['workers'][number]

/** The miners, without those that have been gone for more than a day. */
export function workersView(answer: WorkersJson, sheet: Sheet): string[] {
  const { nowSec } = sheet
  const isNear = ({ state, lastSeen }: Worker): boolean =>
    state !== 'offline' || nowSec - (lastSeen ?? 0) < GONE_LONG_SEC
  const [newest, ...older] = answer.workers.filter(worker => !isNear(worker))
  const left =
    newest === undefined
      ? []
      : [
          `${counted(older.length + 1, 'worker')} gone for more than a day, the last seen ${ago(newest.lastSeen, nowSec)}: --all lists them`
        ]
  return listed({ ...answer, workers: answer.workers.filter(isNear) }, left, sheet)
}

/** Every miner that is remembered. */
export function allWorkersView(answer: WorkersJson, sheet: Sheet): string[] {
  return listed(answer, [], sheet)
}

function listed({ household, workers }: WorkersJson, left: readonly string[], sheet: Sheet): string[] {
  const { style } = sheet
  if (workers.length === 0)
    return [
      left.length === 0
        ? 'No miner has been here yet. What to write into one: ./p2poolv2 connect, or the page.'
        : 'No miner is connected, and none was within a day.',
      ...left
    ]
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
    workers.map(worker => rowOf(worker, sheet)),
    sheet
  )
  const said = workers.flatMap(({ name, warnings }) =>
    warnings.map(text => style.warn(shown(`${name === '' ? '(no name)' : name}: ${text}`)))
  )
  const { accepted, rejected } = household
  const sum = `${counted(household.workers, 'worker')} connected: ${hashrateText(household.hashrate.m5)} (5 min), ${hashrateText(household.hashrate.h1)} (1 h), ${hashrateText(household.hashrate.d1)} (1 day); ${grouped(accepted)} accepted, ${grouped(rejected)} rejected`
  return [...table, ...said, sum, ...left]
}

/** Of one that is gone there is no rate, and what it did may be forgotten: a dash, and no nought among figures of those at work. */
function rowOf(worker: Worker, { style, nowSec }: Sheet): Cell[] {
  const { hashrate, accepted, rejected, lastShare, lastSeen } = worker
  const isGone = worker.state === 'offline'
  const isForgotten = isGone && lastShare === null
  return [
    worker.name === '' ? '(no name)' : worker.name,
    isGone ? { text: 'gone', look: style.dim } : { text: worker.state, look: stateLook(worker.state, style) },
    isGone && hashrate.m5 === 0 ? '–' : hashrateText(hashrate.m5),
    isGone && hashrate.h1 === 0 ? '–' : hashrateText(hashrate.h1),
    worker.difficulty === null ? '–' : scaled(worker.difficulty),
    isForgotten ? '–' : grouped(accepted),
    isForgotten
      ? '–'
      : { text: grouped(rejected), look: rejected > accepted / 50 ? style.warn : (text: string) => text },
    worker.bestDifficulty === 0 ? '–' : scaled(worker.bestDifficulty),
    lastShare === null && lastSeen !== null ? `seen ${ago(lastSeen, nowSec)}` : ago(lastShare, nowSec),
    worker.userAgent ?? '–',
    worker.address
  ]
}
