import type { ConnectJson } from '@p2poolv2/api/schema'
import { grouped } from '../amounts.ts'
import type { Sheet } from '../style.ts'
import { textList, textTable } from '../text-table.ts'

export function connectView({ stratum, user, password, page }: ConnectJson, sheet: Sheet): string[] {
  const hasDifficulty = stratum.some(({ startDifficulty }) => startDifficulty !== null)
  const titles = [{ title: 'pool address' }, { title: 'speaks' }, ...(hasDifficulty ? [{ title: 'difficulty' }] : [])]
  const rows = stratum.map(({ url, protocol, tls, startDifficulty }) => [
    url,
    `${protocol === 'v2' ? 'Stratum V2' : 'Stratum V1'}${tls ? ', TLS' : ''}`,
    ...(hasDifficulty ? [startDifficulty === null ? '' : `starts at ${grouped(startDifficulty)}`] : [])
  ])
  const login = [
    ['User', user],
    ['Password', `${password} (Stratum V2 has none)`],
    ['Page', page.join('  ')]
  ] as const
  return [...textTable(titles, rows, sheet), '', ...textList(login, sheet)]
}
