// `npm run pack` and `npm run pack:check`: the program as one file that `npm i -g` takes, and the proof that it does.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { ensureBuilt } from '../run/build.mjs'
import { ROOT } from '../run/child.mjs'
import { ensureInstalled } from '../run/install.mjs'
import { Failure, say, step } from '../run/terminal.mjs'
import { layOut } from './stage.mjs'

/** Where the package is laid out and packed; not under version control. */
const OUT = join(ROOT, 'node_modules', '.p2poolv2-pack')
/** What npm and the program itself run; no compiler, no make, no Python. */
const TOOLS = [
  'sh',
  'env',
  'node',
  'npm',
  'uname',
  'dirname',
  'basename',
  'cat',
  'ls',
  'id',
  'readlink',
  'sed',
  'rm',
  'mkdir'
]
const START_WITHIN_MS = 180_000
const STOP_WITHIN_MS = 30_000

/**
 * Builds, lays out and packs.
 * @returns {Promise<{ file: string, version: string }>}
 */
async function packed() {
  await ensureInstalled()
  await ensureBuilt()
  const stage = join(OUT, 'package')
  const { version } = layOut(ROOT, stage)
  const { ok, output } = await step('packing', () => run('npm', ['pack', '--pack-destination', OUT], { cwd: stage }))
  if (!ok) throw new Failure('npm pack failed:', output)
  return { file: join(OUT, `p2poolv2-${version}.tgz`), version }
}

export async function pack() {
  const { file } = await packed()
  process.stdout.write(`${file}\n`)
  say(`${(statSync(file).size / 1_000_000).toFixed(1)} MB; install it with: npm install -g ${file}`)
  return { code: 0, signal: null }
}

/** Installs the package for a stranger who has Node.js and npm and nothing else, and runs it. */
export async function packCheck() {
  const { file, version } = await packed()
  const home = mkdtempSync(join(tmpdir(), 'p2poolv2-stranger-'))
  try {
    const env = strangersEnvironment(home)
    const prefix = join(home, 'prefix')
    const install = ['install', '--global', '--prefix', prefix, '--no-audit', '--no-fund', file]
    const installed = await step('installing it where there is no compiler', () =>
      run('npm', install, { cwd: home, env })
    )
    if (!installed.ok) throw new Failure('npm install failed:', installed.output)
    const program = join(prefix, 'bin', 'p2poolv2')
    const said = await run(program, ['--version'], { cwd: home, env })
    if (said.output.trim() !== version) throw new Failure(`it is not version ${version}, but says:`, said.output)
    await step('starting it', () => startsAndStops(program, { home, env }))
    process.stdout.write(`p2poolv2 ${version} installs without a compiler, starts, serves its page and stops\n`)
    return { code: 0, signal: null }
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

/** A home of its own, and a PATH with nothing on it that compiles. */
function strangersEnvironment(/** @type {string} */ home) {
  const tools = join(home, 'tools')
  mkdirSync(tools)
  for (const tool of TOOLS) {
    const found = (process.env['PATH'] ?? '')
      .split(delimiter)
      .map(folder => join(folder, tool))
      .find(existsSync)
    if (found !== undefined) symlinkSync(found, join(tools, tool))
  }
  const registry = Object.entries(process.env).filter(([name]) =>
    /^npm_config_(registry|cafile|https?_proxy|proxy)$/i.test(name)
  )
  return { PATH: tools, HOME: home, CC: '/nonexistent', CXX: '/nonexistent', ...Object.fromEntries(registry) }
}

async function startsAndStops(
  /** @type {string} */ program,
  /** @type {{ home: string, env: NodeJS.ProcessEnv }} */ { home, env }
) {
  const ports = [
    '--api-port',
    '0',
    '--stratum-port',
    '0',
    '--stratum-host',
    '127.0.0.1',
    '--p2p-port',
    '0',
    '--p2p-host',
    '127.0.0.1'
  ]
  const quiet = ['--set', 'p2p.mdns=false', '--set', 'p2p.map_port=false', '--set', 'logging.format=json']
  const child = spawn(program, ['start', '--data-dir', join(home, 'data'), ...ports, ...quiet], { cwd: home, env })
  const ended = once(child, 'exit')
  /** @type {string[]} */
  const lines = []
  const tooLong = setTimeout(() => child.kill('SIGKILL'), START_WITHIN_MS)
  try {
    let page = null
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line)
      page = /page: (http:\/\/[\d.]+:\d+)/.exec(line)?.[1] ?? null
      if (page !== null) break
    }
    if (page === null) throw new Failure('it did not start:', lines.join('\n'))
    for (const path of ['/', '/livez', '/v1/status', '/metrics']) {
      const answer = await fetch(`${page}${path}`)
      if (!answer.ok) throw new Failure(`${path} answers ${answer.status}`, await answer.text())
    }
    child.stdout.resume()
    child.kill('SIGTERM')
    const killed = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS)
    const [code, signal] = await ended
    clearTimeout(killed)
    if (code !== 0) throw new Failure(`it ended with ${signal ?? code} after SIGTERM`, lines.join('\n'))
  } finally {
    clearTimeout(tooLong)
    child.kill('SIGKILL')
  }
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv }} options
 * @returns {Promise<{ ok: boolean, output: string }>}
 */
async function run(command, args, options) {
  const child = spawn(command, args, options)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', chunk => {
      output += chunk
    })
  }
  const [code] = await once(child, 'close')
  return { ok: code === 0, output }
}
