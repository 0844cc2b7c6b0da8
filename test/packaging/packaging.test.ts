import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Telemetry } from '@p2poolv2/node/shell'
import { createLog, Metrics, systemClock } from '@p2poolv2/runtime'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { CONFIG_KEYS } from '../../apps/node/src/settings.ts'
import { environmentName } from '../../scripts/docs/config-page.ts'
import { programVersion } from '../../scripts/pack/stage.mjs'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PACKAGING = join(ROOT, 'packaging')
const VERSION = programVersion(ROOT)
const text = (...path: string[]): string => readFileSync(join(PACKAGING, ...path), 'utf8')

interface Service {
  readonly image?: string
  readonly user?: string
  readonly restart?: string
  readonly stop_grace_period?: string
  readonly init?: boolean
  readonly profiles?: readonly string[]
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly environment?: Readonly<Record<string, string | number>>
  readonly healthcheck?: { readonly test: readonly string[] }
}
const compose = (...path: string[]) =>
  parse(text(...path), { merge: true }) as { readonly services: Readonly<Record<string, Service>> }

/** Names of the environment that the program knows; the container's own are not its business. */
const KNOWN = new Set(CONFIG_KEYS.map(environmentName))
const ourNames = (names: readonly string[]): string[] => names.filter(name => name.startsWith('P2POOL_'))

describe('the image', () => {
  /** Instructions with their lines joined, comments left out. */
  const instructions = text('docker', 'Dockerfile')
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter(line => line.trim() !== '')
  const of = (name: string): string[] => instructions.filter(line => line.startsWith(`${name} `))
  const last = instructions.slice(instructions.lastIndexOf(of('FROM').at(-1) ?? ''))

  it('is built on a pinned base, in two stages, and runs as nobody special', () => {
    expect(of('ARG')).toEqual([expect.stringMatching(/^ARG NODE_IMAGE=node:\d+\.\d+\.\d+-bookworm-slim$/)])
    for (const from of of('FROM')) expect(from).toMatch(/^FROM \$\{NODE_IMAGE\}/)
    expect(of('FROM')).toHaveLength(2)
    expect(last).toContain('USER 1000:1000')
    // What belongs to root is done before.
    expect(last.findIndex(line => line.startsWith('RUN '))).toBeLessThan(last.indexOf('USER 1000:1000'))
  })

  it('follows what hadolint asks for: no sudo, no latest, no ADD, absolute WORKDIR, no cd, npm without extras, JSON forms', () => {
    const whole = instructions.join('\n')
    expect(whole).not.toMatch(/\bsudo\b|:latest\b|^ADD |^MAINTAINER /m)
    for (const line of of('WORKDIR')) expect(line).toMatch(/^WORKDIR \//)
    for (const line of of('RUN')) expect(line).not.toMatch(/\bcd \/|apt-get|curl .*\| ?(ba)?sh/)
    for (const form of ['ENTRYPOINT', 'CMD']) {
      expect(of(form)).toHaveLength(1)
      expect(() => JSON.parse((of(form)[0] ?? '').slice(form.length + 1))).not.toThrow()
    }
    for (const port of of('EXPOSE').join(' ').split(' ').slice(1)) expect(Number(port)).toBeLessThan(65_536)
  })

  it('hears SIGTERM as process 1, keeps its data in a volume, and is healthy by a question that needs no login', () => {
    expect(last).toContain('STOPSIGNAL SIGTERM')
    expect(last).toContain('VOLUME /data')
    // Node.js itself, without a shell that would keep the signal.
    expect(of('ENTRYPOINT')[0]).toMatch(/^ENTRYPOINT \["node", /)
    expect(of('HEALTHCHECK')[0]).toMatch(/\/livez/)
    // A setting, so that commands in the container find the node as well.
    expect(of('ENV').join(' ')).toContain('P2POOL_DATA_DIR=/data ')
  })

  it('leaves out of its build what the checkout has beside the sources', () => {
    const ignored = text('docker', 'Dockerfile.dockerignore').split('\n')
    for (const path of ['.git', '**/node_modules', '**/dist', '**/.p2poolv2']) expect(ignored).toContain(path)
  })
})

describe('the compose file', () => {
  const { services } = compose('docker', 'compose.yml')

  it('has a node, a demo and metrics, each behind a profile', () => {
    expect(Object.fromEntries(Object.entries(services).map(([name, { profiles }]) => [name, profiles]))).toEqual({
      node: ['node'],
      demo: ['demo'],
      prometheus: ['metrics'],
      grafana: ['metrics']
    })
  })

  it('names its images by version, its own by that of the program, and opens the page to this computer alone', () => {
    for (const { image } of Object.values(services)) expect(image).toMatch(/:v?\d+\.\d+\.\d+$/)
    for (const name of ['node', 'demo']) {
      expect(services[name]?.image).toBe(`p2poolv2-ts:${VERSION}`)
      expect(services[name]?.ports).toContain('127.0.0.1:46884:46884/tcp')
      expect(Number.parseInt(services[name]?.stop_grace_period ?? '', 10)).toBeGreaterThanOrEqual(10)
    }
  })

  it('sets keys that the program has', () => {
    const names = [...text('docker', 'node.env').matchAll(/^(?:# )?(P2POOL_\w+)=/gm)].map(([, name]) => name ?? '')
    expect(names.length).toBeGreaterThan(4)
    for (const name of names) expect(KNOWN).toContain(name)
  })

  it('mounts what is there', () => {
    for (const { volumes = [] } of Object.values(services)) {
      for (const volume of volumes.filter(volume => volume.startsWith('.')))
        expect(existsSync(join(PACKAGING, 'docker', volume.split(':')[0] ?? '')), volume).toBe(true)
    }
  })
})

describe('the metrics', () => {
  it('are scraped and drawn by names that the node has', async () => {
    const log = createLog({ level: 'silent', format: 'json' })
    const metrics = new Metrics()
    new Telemetry({ log, metrics, clock: systemClock(), areCoinsReal: true })
    const known = new Set(
      [...(await metrics.exposition()).matchAll(/^# TYPE (\S+) (\S+)/gm)].map(([, name]) => name ?? '')
    )
    const { panels } = JSON.parse(text('metrics', 'grafana', 'dashboards', 'node.json')) as {
      readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[]
    }
    for (const { title, targets } of panels) {
      for (const { expr } of targets) {
        const names = [...expr.matchAll(/\b([a-z][a-z0-9]*_[a-z0-9_]+)\b(?!\s*\()/g)].map(([, name = '']) =>
          name.replace(/_bucket$/, '')
        )
        for (const name of names.filter(name => !FUNCTIONS.has(name)))
          expect(known, `${title}: ${expr}`).toContain(name)
      }
    }
    const { scrape_configs } = parse(text('metrics', 'prometheus.yml')) as {
      readonly scrape_configs: readonly { readonly job_name: string; readonly metrics_path: string }[]
    }
    expect(scrape_configs).toMatchObject([{ job_name: 'p2pool', metrics_path: '/metrics' }])
  })
})

const FUNCTIONS = new Set(['histogram_quantile'])

describe('the systemd unit', () => {
  const unit = text('systemd', 'p2poolv2@.service')
  const settings = new Map([...unit.matchAll(/^(\w+)=(.*)$/gm)].map(([, key = '', value = '']) => [key, value]))

  it('lets V8 compile, and forbids the rest', () => {
    expect(settings.has('MemoryDenyWriteExecute')).toBe(false)
    for (const [key, value] of [
      ['NoNewPrivileges', 'yes'],
      ['ProtectSystem', 'strict'],
      ['PrivateTmp', 'yes'],
      ['PrivateDevices', 'yes'],
      ['RestrictNamespaces', 'yes'],
      ['CapabilityBoundingSet', '']
    ] as const)
      expect(settings.get(key), key).toBe(value)
    // Node.js asks for the addresses of this computer by netlink.
    expect(settings.get('RestrictAddressFamilies')).toContain('AF_NETLINK')
  })

  it('keeps its data where systemd makes room for it, and waits longer for the end than the node takes', () => {
    expect(settings.get('ExecStart')).toContain('--data-dir /var/lib/p2poolv2/%i')
    expect(settings.get('StateDirectory')).toBe('p2poolv2/%i')
    expect(Number(settings.get('TimeoutStopSec'))).toBeGreaterThan(10)
    expect(settings.get('Restart')).toBe('on-failure')
  })
})

describe('the app for Umbrel', () => {
  const ID = 'p2poolv2-ts'
  const manifest = parse(text('umbrel', ID, 'umbrel-app.yml')) as Readonly<Record<string, unknown>>
  const { services } = compose('umbrel', ID, 'docker-compose.yml')
  const node = services['node']

  it('has every field that the store’s linter asks for', () => {
    const fields = [
      'manifestVersion',
      'id',
      'category',
      'name',
      'version',
      'tagline',
      'description',
      'developer',
      'website'
    ]
    const more = [
      'repo',
      'support',
      'port',
      'dependencies',
      'path',
      'gallery',
      'releaseNotes',
      'submitter',
      'submission'
    ]
    for (const field of [...fields, ...more, 'defaultUsername', 'defaultPassword'])
      expect(manifest, field).toHaveProperty(field)
    expect(manifest).toMatchObject({
      id: ID,
      version: VERSION,
      dependencies: ['bitcoin'],
      gallery: [],
      releaseNotes: ''
    })
    expect(String(manifest['tagline'])).not.toMatch(/\.$/)
  })

  it('runs an image pinned by version and digest, not as root, and ends in its own time', () => {
    expect(node?.image).toMatch(new RegExp(`:${VERSION.replaceAll('.', '\\.')}@sha256:[0-9a-f]{64}$`))
    expect(node).toMatchObject({ user: '1000:1000', restart: 'on-failure', init: true })
    expect(Number.parseInt(node?.stop_grace_period ?? '', 10)).toBeGreaterThanOrEqual(10)
    expect(node?.healthcheck?.test.join(' ')).toContain('/livez')
  })

  it('has its page behind Umbrel’s login, its data in the app’s folder, and miners at a port of their own', () => {
    expect(services['app_proxy']?.environment).toMatchObject({ APP_HOST: `${ID}_node_1`, APP_PORT: manifest['port'] })
    expect(node?.ports).not.toContainEqual(expect.stringMatching(/46884/))
    expect(node?.ports).toContain('3334:3333/tcp')
    for (const volume of node?.volumes ?? []) expect(volume).toMatch(/^\$\{APP_DATA_DIR\}\/data/)
    expect(existsSync(join(PACKAGING, 'umbrel', ID, 'data', '.gitkeep'))).toBe(true)
  })

  it('sets keys that the program has, from variables that Umbrel gives', () => {
    const environment = node?.environment ?? {}
    for (const name of ourNames(Object.keys(environment))) expect(KNOWN).toContain(name)
    const given = new Set(['DEVICE_DOMAIN_NAME', 'APP_BITCOIN_NODE_IP', 'APP_BITCOIN_RPC_PORT', 'APP_BITCOIN_RPC_USER'])
    for (const name of ['APP_BITCOIN_RPC_PASS', 'APP_BITCOIN_ZMQ_HASHBLOCK_PORT', 'APP_DATA_DIR']) given.add(name)
    const used = [...JSON.stringify(services).matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name ?? '')
    for (const name of used) expect(given).toContain(name)
  })

  it('shows the widget that the node serves', () => {
    expect(manifest['widgets']).toMatchObject([{ type: 'four-stats', endpoint: 'node:46884/widgets/pool' }])
  })
})

describe('the service for StartOS', () => {
  const source = (...path: string[]): string => text('startos', 'startos', ...path)

  it('has the parts that the packer looks for', () => {
    for (const file of [
      'index.ts',
      'manifest/index.ts',
      'main.ts',
      'interfaces.ts',
      'dependencies.ts',
      'init.ts',
      'versions.ts'
    ])
      expect(existsSync(join(PACKAGING, 'startos', 'startos', file)), file).toBe(true)
    for (const name of ['manifest', 'main', 'init', 'uninit', 'actions', 'createBackup'])
      expect(source('index.ts')).toMatch(new RegExp(`\\b${name}\\b`))
    expect(text('startos', 'instructions.md')).toContain('.onion')
  })

  it('is the program’s version, on a bitcoin node that is synced, by its cookie', () => {
    expect(source('versions.ts')).toContain(`version: '${VERSION}:0'`)
    expect(source('dependencies.ts')).toContain("healthChecks: ['sync-progress']")
    expect(source('main.ts')).toContain('P2POOL_BITCOIND__COOKIE_FILE')
    for (const [name] of source('main.ts').matchAll(/P2POOL_\w+/g)) expect(KNOWN).toContain(name)
  })

  it('opens the page, miners plain and with TLS, and other nodes', () => {
    const interfaces = source('interfaces.ts')
    for (const id of ['ui', 'stratum', 'peer']) expect(interfaces).toContain(`id: '${id}'`)
    expect(interfaces).toContain('preferredExternalPort: 4333')
  })
})
