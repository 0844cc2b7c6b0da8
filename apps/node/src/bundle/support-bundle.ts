import { arch, cpus, homedir, hostname, platform, release, totalmem, uptime, userInfo } from 'node:os'
import { gzipSync } from 'node:zlib'
import type { ConfigJson } from '@p2poolv2/api/schema'
import { checkedConfig } from '../commands/config.ts'
import { dbInfo } from '../commands/db-info.ts'
import { checksWithoutNode } from '../commands/doctor.ts'
import { type NodeAt, type RunningNodeClient, runningNode } from '../commands/running-node.ts'
import type { ConfigSources } from '../config.ts'
import { VERSION } from '../version.ts'
import { Redaction } from './redact.ts'
import { type ArchivedFile, tarOf } from './tar.ts'

/** What is asked of the running node: each is a file. */
const QUESTIONS: readonly (readonly [path: string, name: string, holds: string])[] = [
  ['/v1/doctor', 'doctor.json', 'what was checked'],
  ['/v1/status', 'status.json', 'the node at a glance'],
  ['/v1/workers', 'workers.json', 'miners'],
  ['/v1/peers', 'peers.json', 'other nodes'],
  ['/v1/blocks?limit=100', 'blocks.json', 'the newest blocks'],
  ['/v1/shares?heights=50', 'shares.json', 'the newest shares'],
  ['/v1/template', 'template.json', 'the bitcoin block that is looked for'],
  ['/v1/timeline?limit=500', 'timeline.json', 'what happened of late'],
  ['/v1/log', 'log.json', 'the last lines of the log'],
  ['/metrics', 'metrics.txt', 'measurements']
]
/** Of one answer; a longer one is cut. */
const MAX_CHARACTERS = 4_000_000
/** Settings that nobody who helps needs: logins, and where their files are. */
const SECRET_SETTING = /(^|\.)(user|password|cookie_file|auth_user|auth_token|tls_key|tls_certificate)$/

export interface SupportBundle {
  readonly archive: Uint8Array
  readonly files: readonly { readonly name: string; readonly holds: string; readonly bytes: number }[]
  /** How many of each kind were replaced by names; null if they were kept. */
  readonly replaced: ReadonlyMap<string, number> | null
}

/**
 * Gathers what somebody who helps needs to know, into one archive. Nothing is sent anywhere.
 * @param identities `keep` leaves bitcoin and IP addresses, peer ids and names as they are
 */
export async function supportBundle(
  at: NodeAt,
  sources: ConfigSources,
  identities: 'keep' | 'replace'
): Promise<SupportBundle> {
  const node = await runningNode(at)
  const plain = [
    { name: 'version.json', holds: 'versions and the kind of computer', text: json(computer(node !== null)) },
    ...(await (node === null ? offline(at, sources) : online(node))),
    { name: 'config.json', holds: 'the configuration without logins', text: json(await configOf(node, sources)) },
    { name: 'db.json', holds: 'sizes of what is kept on disk', text: json(await storeOf(sources, node !== null)) }
  ]
  const redaction = new Redaction(ownNames(), givenNames(plain))
  const held = identities === 'keep' ? plain : plain.map(file => ({ ...file, text: redaction.apply(file.text) }))
  const replaced = identities === 'keep' ? null : redaction.counts
  const files = [{ name: 'README.txt', holds: 'what this is', text: readme(held, replaced) }, ...held]
  const archived: ArchivedFile[] = files.map(({ name, text }) => ({ name: `p2poolv2-support/${name}`, text }))
  return {
    archive: gzipSync(tarOf(archived, Math.floor(Date.now() / 1_000))),
    files: files.map(({ name, holds, text }) => ({ name, holds, bytes: Buffer.byteLength(text) })),
    replaced
  }
}

type Held = ArchivedFile & { readonly holds: string }

async function online(node: RunningNodeClient): Promise<Held[]> {
  const files: Held[] = []
  for (const [path, name, holds] of QUESTIONS) {
    const text = await node.text(path, { withinMs: 60_000 }).catch(error => json({ error: (error as Error).message }))
    files.push({ name, holds, text: text.slice(0, MAX_CHARACTERS) })
  }
  return files
}

async function offline(at: NodeAt, sources: ConfigSources): Promise<Held[]> {
  const checks = await checksWithoutNode(at, sources)
  return [{ name: 'doctor.json', holds: 'what can be checked without a running node', text: json({ checks }) }]
}

async function configOf(node: RunningNodeClient | null, sources: ConfigSources): Promise<unknown> {
  const answer =
    node === null
      ? checkedConfig(sources)
      : (JSON.parse(await node.text('/v1/config').catch(() => '{"settings":[]}')) as ConfigJson)
  const settings = answer.settings.map(({ key, value, isSet }) => ({
    key,
    value: value !== null && SECRET_SETTING.test(key) ? '***' : value,
    isSet
  }))
  return { ...answer, settings }
}

async function storeOf(sources: ConfigSources, isRunning: boolean): Promise<unknown> {
  try {
    return await dbInfo(sources, isRunning)
  } catch (error) {
    return { error: (error as Error).message }
  }
}

function computer(isRunning: boolean) {
  return {
    version: VERSION,
    node: process.version,
    isRunning,
    platform: platform(),
    release: release(),
    arch: arch(),
    processors: cpus().length,
    processor: cpus()[0]?.model ?? null,
    memoryBytes: totalmem(),
    uptimeSec: Math.floor(uptime())
  }
}

/** Where people's names for their machines stand, and names of hosts that somebody set. */
const NAMED = new Set(['name', 'worker', 'user', 'api.host_names'])

/** What miners are called, whoever is refused, and this host: they stand in lines of the log and in measurements as well. */
function givenNames(files: readonly Held[]): string[] {
  const names: string[] = []
  const take = (value: unknown): void => {
    // Messages about a refused name have what stands before its first dot.
    if (typeof value === 'string') names.push(value, value.replace(/[^0-9A-Za-z].*$/s, ''))
    else if (Array.isArray(value)) value.forEach(take)
  }
  const look = (_key: string, value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value
    for (const [key, inner] of Object.entries(value)) if (NAMED.has(key)) take(inner)
    const { key, value: setting } = value as { readonly key?: unknown; readonly value?: unknown }
    if (typeof key === 'string' && NAMED.has(key)) take(setting)
    return value
  }
  for (const { name, text } of files) {
    if (!/^(workers|status|config)\.json$/.test(name)) continue
    try {
      JSON.parse(text, look)
    } catch {
      // An answer that was cut.
    }
  }
  return names
}

/** The home directory names its user, and stands in every path. */
function ownNames(): (readonly [string, string])[] {
  const user = userInfo().username
  return [
    [homedir(), '~'],
    [hostname(), 'this-computer'],
    ...(/^(root|node|p2pool.*)$/.test(user) ? [] : [[user, 'this-user'] as const])
  ]
}

function readme(files: readonly Held[], replaced: ReadonlyMap<string, number> | null): string {
  const kinds = replaced === null ? [] : [...replaced].map(([kind, count]) => `${count} x ${kind}`)
  return [
    `Support bundle of p2poolv2 ${VERSION}. Nothing in it was sent anywhere by the program that made it.`,
    '',
    ...files.map(({ name, holds }) => `${name.padEnd(16)} ${holds}`),
    '',
    replaced === null
      ? 'Addresses and names are as they were.'
      : `Replaced by names such as address-1: ${kinds.length === 0 ? 'nothing was found to replace' : kinds.join(', ')}.`,
    'Left out: wallet key, identity key, passwords, login hashes, cookie files.',
    ''
  ].join('\n')
}

function json(value: unknown): string {
  return `${JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner), 2)}\n`
}
