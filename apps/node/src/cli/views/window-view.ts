import type { WindowJson } from '@p2poolv2/api/schema'
import { hashrateText } from '@p2poolv2/earnings/words'
import { counted, grouped, percent, scaled, span } from '../amounts.ts'
import type { Sheet } from '../style.ts'
import { textList, textTable } from '../text-table.ts'

export function windowView(window: WindowJson, sheet: Sheet): string[] {
  const { style } = sheet
  const { shares, uncles, fill, spanSec, uncleRate, poolHashrate, miners, addresses } = window
  const head = textList(
    [
      [
        'Window',
        `${counted(shares, 'share')}${uncles === null ? '' : `, ${counted(uncles, 'uncle')}`}${spanSec === null ? '' : `, the oldest of ${span(spanSec)} ago`}`
      ],
      ['Filled', `${percent(fill)}, at most ${counted(window.maxShares, 'share')}`],
      [
        'Difficulty',
        `of a share ${window.shareDifficulty === null ? '–' : scaled(window.shareDifficulty)}, of a block ${scaled(window.bitcoinDifficulty)}`
      ],
      ['Uncle rate', uncleRate === null ? '–' : percent(uncleRate)],
      ['Pool', poolHashrate === null ? '–' : hashrateText(poolHashrate.hashrate)]
    ],
    sheet
  )
  const rows = miners.map((miner, i) => [
    String(i + 1),
    {
      text: miner.isGenesis ? `${miner.address} (genesis key: nobody has it)` : miner.address,
      look: miner.isGenesis ? style.warn : miner.isOurs ? style.bold : (text: string) => text
    },
    miner.isOurs ? 'ours' : '',
    `${miner.percent.toFixed(3)} %`,
    grouped(miner.sats)
  ])
  const table = textTable(
    [
      { title: '#', align: 'right' },
      { title: 'address', cut: 'middle' },
      { title: '' },
      { title: 'part', align: 'right' },
      { title: 'if a block came now (sats)', align: 'right' }
    ],
    rows,
    sheet
  )
  const more = addresses > miners.length ? [`and ${grouped(addresses - miners.length)} more`] : []
  return [...head, '', ...table, ...more]
}
