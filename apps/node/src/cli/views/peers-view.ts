import type { PeersJson } from '@p2poolv2/api/schema'
import { bytes, counted, grouped, span } from '../amounts.ts'
import { type Sheet, shown } from '../style.ts'
import { textTable } from '../text-table.ts'

const REACH = {
  reachable: 'others can dial it',
  'outbound-only': 'others cannot dial it, which is fine as long as it can dial them',
  unknown: 'whether others can dial it is not known yet'
} as const

export function peersView(answer: PeersJson, sheet: Sheet): string[] {
  const { style } = sheet
  const table = textTable(
    [
      { title: 'peer' },
      { title: 'address', cut: 'middle' },
      { title: 'direction' },
      { title: 'height', align: 'right' },
      { title: 'ping', align: 'right' },
      { title: 'in', align: 'right' },
      { title: 'out', align: 'right' },
      { title: 'penalty', align: 'right' },
      { title: 'since', align: 'right' },
      { title: 'program', cut: 'end' }
    ],
    answer.peers.map(peer => {
      const differs = peer.rules !== null && peer.rules.length > 0
      return [
        peer.peer,
        peer.address,
        peer.direction,
        heightText(peer),
        peer.latencyMs === null ? '–' : `${Math.round(peer.latencyMs)} ms`,
        bytes(peer.bytesIn),
        bytes(peer.bytesOut),
        { text: String(peer.penaltyPoints), look: peer.penaltyPoints > 0 ? style.warn : (text: string) => text },
        span(peer.connectedSec),
        {
          text: `${peer.agent ?? '–'}${differs ? ` (other rules: ${peer.rules?.join(', ')})` : ''}`,
          look: differs ? style.bad : (text: string) => text
        }
      ]
    }),
    sheet
  )
  const bans = answer.bans.map(({ who, reason, until }) =>
    style.warn(shown(`banned until ${new Date(until * 1_000).toISOString()}: ${who} (${reason})`))
  )
  const known = `${counted(answer.knownAddresses, 'address', 'addresses')} of other nodes known`
  return [...table, ...bans, `this node: ${answer.peer}; ${REACH[answer.reachability]}; ${known}`]
}

/** What it showed; else what it only told. */
function heightText({ shownHeight, height }: PeersJson['peers'][number]): string {
  if (shownHeight !== null) return grouped(shownHeight)
  return height === null ? '–' : `(told ${grouped(height)})`
}
