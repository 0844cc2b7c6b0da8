import type { AuditJson } from '@p2poolv2/api/schema'
import { satsText } from '@p2poolv2/earnings/words'
import { counted, grouped } from '../amounts.ts'
import { type Sheet, shown } from '../style.ts'
import { sentenceWidth, textList, textTable, wrapped } from '../text-table.ts'
import { stateLook } from './status-view.ts'

const ENDS: Readonly<Record<NonNullable<AuditJson['window']>['end'], string>> = {
  full: 'which fills it',
  cap: 'with as many shares as it may have',
  genesis: 'the genesis: the chain begins there'
}

/** The proof: what was audited, the window, the rules, and every output held against the coinbase. */
export function auditView(audit: AuditJson, sheet: Sheet): string[] {
  const { style } = sheet
  const width = sentenceWidth(sheet)
  return [
    ...textList([...subjectEntries(audit), ...windowEntries(audit), ...amountEntries(audit)], sheet),
    '',
    ...outputs(audit, sheet),
    ...wrapped(audit.method, width).map(line => style.dim(line)),
    '',
    stateLook(audit.verdict, style)(shown(audit.message))
  ]
}

function subjectEntries({ subject, coinbase }: AuditJson): [string, string][] {
  const { kind, bitcoinHeight, block, share, result } = subject
  const inHeader = {
    true: ', which the bitcoin header commits to',
    false: ', which the bitcoin header does NOT commit to'
  }
  return [
    [
      'Audit of',
      kind === 'job'
        ? `the present job, for bitcoin block ${grouped(bitcoinHeight)}`
        : `a ${kind} at bitcoin height ${grouped(bitcoinHeight)}`
    ],
    ...(block === null ? [] : [[kind === 'block' ? 'Block' : 'Bitcoin header', block] as [string, string]]),
    ...(share === null ? [] : [['Share', share] as [string, string]]),
    ...(result === null ? [] : [['Answer of bitcoin', shown(result)] as [string, string]]),
    [
      'Coinbase',
      coinbase === null
        ? 'not stored'
        : `${coinbase.txid ?? (coinbase.from === 'job' ? 'of the work given out' : 'outputs noted when the block was found')}${coinbase.inHeader === null ? '' : inHeader[`${coinbase.inHeader}`]}`
    ]
  ]
}

function windowEntries({ window, rules }: AuditJson): [string, string][] {
  const ruleText = `a share weighs ${rules.share} for each unit of difficulty, an uncle ${rules.uncle}, and ${rules.nephew} goes to whoever names it`
  if (window === null) return [['Rules', ruleText]]
  return [
    ['Window from', `${window.newest} at height ${grouped(window.newestHeight)}`],
    ['  down to', `${window.oldest} at height ${grouped(window.oldestHeight)}, ${ENDS[window.end]}`],
    [
      '  holds',
      `${counted(window.shares, 'share')}, ${counted(window.uncles, 'uncle')}, weight ${grouped(window.weight)} of ${grouped(window.fullWeight)}`
    ],
    ['Rules', ruleText]
  ]
}

function amountEntries({ coinbase, donation, fee, minersSats }: AuditJson): [string, string][] {
  if (coinbase === null || minersSats === null) return []
  const cut = (name: string, of: AuditJson['fee']): [string, string][] =>
    of === null ? [] : [[`  ${name}`, `${satsText(of.sats)}, ${of.bps / 100} % to ${of.address}`]]
  return [
    ['Pays in all', satsText(coinbase.sats)],
    ...cut('donation', donation),
    ...cut('fee', fee),
    ['  to miners', satsText(minersSats)]
  ]
}

function outputs({ outputs: lines, window }: AuditJson, sheet: Sheet): string[] {
  if (lines.length === 0) return []
  const { style } = sheet
  const total = Number(window?.weight ?? 1)
  const table = textTable(
    [
      { title: '' },
      { title: 'address', cut: 'middle' },
      { title: 'kind' },
      { title: 'shares', align: 'right' },
      { title: 'uncles', align: 'right' },
      { title: 'weight', align: 'right' },
      { title: 'part', align: 'right' },
      { title: 'due (sats)', align: 'right' },
      { title: 'paid (sats)', align: 'right' }
    ],
    lines.map(line => [
      line.matches ? { text: '=', look: style.good } : { text: '≠', look: style.bad },
      line.address,
      line.kind,
      line.weight === null ? '' : grouped(line.shares),
      line.weight === null ? '' : grouped(line.uncles),
      line.weight === null ? '' : grouped(line.weight),
      line.weight === null ? '' : `${((100 * Number(line.weight)) / total).toFixed(4)} %`,
      line.dueSats === null ? '–' : grouped(line.dueSats),
      { text: line.paidSats === null ? '–' : grouped(line.paidSats), look: line.matches ? text => text : style.bad }
    ]),
    sheet
  )
  return [...table, '']
}
