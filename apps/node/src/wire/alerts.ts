import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import {
  ALERT_RULES,
  type Alert,
  AlertWatch,
  type BlockSight,
  parseQuietRange,
  QuietHours,
  RULE_MEANINGS,
  type Sight
} from '@p2poolv2/alerts'
import { AlertSender, type Destination } from '@p2poolv2/alerts/http'
import type { AlertSources } from '@p2poolv2/api'
import { hashrateText, satsText } from '@p2poolv2/earnings'
import type { NodeQueries } from '@p2poolv2/node'
import { type Moment, secFromMs, type UnixMs } from '@p2poolv2/primitives'
import type { Clock, Log, Part } from '@p2poolv2/runtime'
import { StandingAlerts } from '../data/standing-alerts.ts'
import type { Config } from '../settings.ts'
import { VERSION } from '../version.ts'
import { logAlert } from './alert-line.ts'
import { STOP_RANK } from './stop-order.ts'

const LOOK_MS = 15_000
/** The share chain grows by a height every few seconds: so far behind is behind. */
const BEHIND_HEIGHTS = 10
/** Results of blocks that pay nobody, by their first word. */
const LOST = /^(orphaned|lost-race|rejected)/
/** Ours beside another one of ours on the same parent: neither found nor lost. */
const BESIDE = /^superseded/

/** Looks at the node every few seconds and tells its owner what he has to hear. */
export interface Alerts {
  readonly part: Part
  readonly sources: AlertSources
}

export function ownerAlerts(
  config: Config,
  deps: { readonly queries: NodeQueries; readonly clock: Clock; readonly log: Log }
): Alerts {
  const { queries, clock, log } = deps
  const { alerts, chain, data_dir } = config
  const standing = new StandingAlerts(join(data_dir, chain, 'alerts.json'))
  const watch = new AlertWatch(
    {
      rules: alerts.rules,
      silentSec: alerts.silent_minutes * 60,
      dropPart: alerts.drop_percent / 100,
      words: { hashrate: hashrateText, sats: satsText }
    },
    standing.read()
  )
  const quiet = new QuietHours({
    range: alerts.quiet_hours === undefined ? null : parseQuietRange(alerts.quiet_hours),
    minuteOfDay
  })
  const sender = new AlertSender(destinationsOf(config), { clock, log, sender: { chain, version: VERSION } })

  const look = async (): Promise<void> => {
    const diskFreeBytes = await freeBytes(data_dir)
    const now = clock.now()
    const found = watch.look(sightOf(queries, diskFreeBytes, now), now)
    standing.keep(watch.standing)
    const way = sender.state.length === 0 ? 'nowhere' : quiet.isQuiet(now) ? 'held' : 'sending'
    for (const alert of found) logAlert(log, alert, way)
    for (const alert of quiet.pass(found, now)) sender.send(alert)
  }
  let timer: NodeJS.Timeout | undefined
  let looking: Promise<void> = Promise.resolve()
  return {
    part: {
      name: 'alerts',
      start: () => {
        timer = setInterval(() => {
          looking = looking.then(look)
        }, LOOK_MS)
      },
      stopRank: STOP_RANK.alerts,
      stop: async () => {
        clearInterval(timer)
        await looking
        await sender.stop()
      }
    },
    sources: {
      state: () => ({
        destinations: sender.state.map(({ lastSentSec, ...state }) => ({ ...state, lastSent: lastSentSec })),
        rules: ALERT_RULES.map(rule => ({
          rule,
          meaning: RULE_MEANINGS[rule],
          isOn: alerts.rules.includes(rule),
          isOpen: watch.open.includes(rule)
        })),
        quietHours: alerts.quiet_hours ?? null,
        isQuiet: quiet.isQuiet(clock.now())
      }),
      test: async () => {
        const tried = await sender.test(testAlert(chain, clock.now()))
        return {
          results: tried.map(({ type, host, result }) => ({
            type,
            host,
            ok: result.ok,
            message: result.ok ? null : result.message
          }))
        }
      }
    }
  }
}

function destinationsOf({ alerts: { webhook, ntfy, ntfy_token } }: Config): Destination[] {
  return [
    ...(webhook === undefined ? [] : [{ type: 'webhook', url: webhook } as const]),
    ...(ntfy === undefined ? [] : [{ type: 'ntfy', url: ntfy, token: ntfy_token ?? null } as const])
  ]
}

function testAlert(chain: string, { wallMs }: Moment): Alert {
  const text = `This is a test of the alerts of your P2Poolv2 node on ${chain}. Nothing is wrong.`
  return { rule: 'test', state: 'told', title: 'Test of alerts', text, atSec: secFromMs(wallMs) }
}

function sightOf(queries: NodeQueries, diskFreeBytes: number | null, now: Moment): Sight {
  const { bitcoind, blocks, sharechain, network } = queries.status(now)
  const workers = queries.workers(now)
  const ours = new Set(workers.map(({ payoutAddress }) => payoutAddress))
  const { m15, d1 } = queries.totals(now).hashrates
  const isFar = network.state === 'syncing' && sharechain.candidateHeight - sharechain.confirmedHeight > BEHIND_HEIGHTS
  const sharesBehind = `Shares are being fetched: ${sharechain.confirmedHeight} of ${sharechain.candidateHeight}.`
  const isAway = bitcoind.state === 'unreachable' || bitcoind.state === 'misconfigured'
  return {
    workers: workers.map(({ payoutAddress, worker, lastAcceptedAtMs }) => ({
      id: `${payoutAddress}.${worker}`,
      name: worker === '' ? payoutAddress : worker,
      lastAcceptedSec: lastAcceptedAtMs === null ? null : secFromMs(lastAcceptedAtMs)
    })),
    hashrate: { m15, d1 },
    behind:
      bitcoind.state === 'syncing'
        ? (bitcoind.message ?? 'The bitcoin node is catching up.')
        : isFar
          ? sharesBehind
          : null,
    bitcoindAway: isAway ? (bitcoind.message ?? `${bitcoind.url} cannot be used.`) : null,
    bitcoinHeight: bitcoind.bitcoinHeight,
    blocks: blocks
      .filter(({ result }) => !BESIDE.test(result))
      .map(
        ({ blockHash, bitcoinHeight, result, outputs }): BlockSight => ({
          hash: blockHash,
          bitcoinHeight,
          state: LOST.test(result) ? 'lost' : 'good',
          oursSats: outputs.reduce((sum, { address, valueSats }) => (ours.has(address) ? sum + valueSats : sum), 0n)
        })
      ),
    diskFreeBytes
  }
}

/** What this user may still write; null where the system cannot say. */
async function freeBytes(folder: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  } catch {
    return null
  }
}

/** By the time zone of this computer. */
function minuteOfDay(wallMs: UnixMs): number {
  const date = new Date(wallMs)
  return date.getHours() * 60 + date.getMinutes()
}
