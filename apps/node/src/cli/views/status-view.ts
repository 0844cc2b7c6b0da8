import type { StatusJson } from '@p2poolv2/api/schema'
import { hashrateText } from '@p2poolv2/earnings/words'
import { syncText } from '../../status-line.ts'
import { counted, grouped, percent, scaled } from '../amounts.ts'
import { type Sheet, type Style, shown } from '../style.ts'
import { textList } from '../text-table.ts'

/** The node at a glance, and below it what needs a hand. */
export function statusView(status: StatusJson, sheet: Sheet): string[] {
  const { style } = sheet
  const { totals, sharechain, bitcoind, network, miners } = status
  const all = totals.accepted + totals.rejected
  const entries: (readonly [string, string])[] = [
    ['Node', `${status.version} on ${status.chain}${status.mode === 'sharechain' ? '' : `, mode ${status.mode}`}`],
    [
      'Bitcoin',
      `${stateText(bitcoind.state, style)} ${bitcoind.height === null ? '' : `at height ${grouped(bitcoind.height)}, `}${shown(bitcoind.url)}`
    ],
    ...(status.mode === 'sharechain' ? chainEntries(status, style) : []),
    [
      'Miners',
      `${miners.length === 0 ? style.warn('none connected') : counted(miners.length, 'connection')}, ${hashrateText(totals.hashrates.m5)} (5 min), ${hashrateText(totals.hashrates.h1)} (1 h)`
    ],
    [
      'Work',
      `${grouped(totals.accepted)} accepted, ${grouped(totals.rejected)} rejected${all === 0 ? '' : ` (${percent(totals.rejected / all)})`}, best ${scaled(totals.bestDifficulty)}`
    ],
    ['Blocks', blocksText(status, style)]
  ]
  const rejects = totals.rejects.map(({ reason, count }) => `${shown(reason)} ${grouped(count)}`).join(', ')
  return [
    ...textList(rejects === '' ? entries : [...entries, ['Rejects', rejects]], sheet),
    ...warnings(status, style).flatMap(line => ['', line]),
    ...(sharechain.scriptsUnchecked > 0
      ? [style.dim(`${counted(sharechain.scriptsUnchecked, 'share')} with scripts this node cannot check`)]
      : []),
    ...(network.message === '' ? [] : ['', style.dim(network.message)])
  ]
}

function chainEntries({ sharechain, network, window, windowShares }: StatusJson, style: Style): [string, string][] {
  const { confirmedHeight, candidateHeight, uncles } = sharechain
  const ahead = candidateHeight > confirmedHeight ? ` of ${grouped(candidateHeight)}` : ''
  return [
    [
      'Share chain',
      `${stateText(network.state, style)} at height ${grouped(confirmedHeight)}${ahead}, ${counted(uncles, 'uncle')}`
    ],
    ...(network.sync === null ? [] : [['Fetched', progressText(network.sync)] as [string, string]]),
    ['Peers', network.peers === 0 ? style.warn('none') : grouped(network.peers)],
    ['Window', `${counted(windowShares, 'share')}, ${counted(window.length, 'address', 'addresses')}`]
  ]
}

function progressText({ heightsPerSecond, ...rest }: NonNullable<StatusJson['network']['sync']>): string {
  return syncText({ ...rest, heightsPerSec: heightsPerSecond })
}

function blocksText({ totals, blocks }: StatusJson, style: Style): string {
  const [newest] = blocks
  const found = `${grouped(totals.blocksFound)} found here`
  if (newest === undefined) return found
  return `${found}; newest of the pool ${grouped(newest.height)}, ${blockResult(newest.result, style)}`
}

/** An answer of bitcoind, coloured by what it means. */
export function blockResult(result: string, style: Style): string {
  const word = result.split(':', 1)[0] ?? ''
  const look = ['accepted', 'duplicate', 'seen'].includes(word)
    ? style.good
    : word === 'submitted' || word === 'superseded' || word === 'unconfirmed'
      ? style.dim
      : style.bad
  // 'duplicate' is good news, and does not sound like it: the bitcoin node has the block.
  return look(word === 'duplicate' ? 'known already' : shown(result))
}

const GOOD = new Set(['ready', 'current', 'online', 'mature', 'confirmed', 'reachable', 'ok', 'matches'])
const BAD = new Set(['unreachable', 'misconfigured', 'offline', 'orphaned', 'invalid', 'fail', 'differs'])

/** A state, green where all is well and red where something is lost. */
export function stateText(state: string, style: Style): string {
  return stateLook(state, style)(state)
}

export function stateLook(state: string, style: Style): (text: string) => string {
  return GOOD.has(state) ? style.good : BAD.has(state) ? style.bad : style.warn
}

function warnings({ bitcoind, refusedMiners, miners }: StatusJson, style: Style): string[] {
  return [
    ...(bitcoind.message === null ? [] : [style.warn(shown(bitcoind.message))]),
    ...refusedMiners.map(({ host, user, message, tries }) =>
      style.bad(shown(`refused: ${host} as "${user}" (${counted(tries, 'try', 'tries')}): ${message}`))
    ),
    ...miners.flatMap(({ worker, warnings: said }) =>
      said.map(text => style.warn(shown(`${worker === '' ? 'a miner without a name' : worker}: ${text}`)))
    )
  ]
}
