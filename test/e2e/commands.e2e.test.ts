import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type {
  AuditJson,
  BlocksJson,
  DoctorJson,
  EarningsJson,
  PeersJson,
  SharesJson,
  StatusJson,
  WindowJson,
  WorkersJson
} from '@p2poolv2/api/schema'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { regtestAddress } from './stage/addresses.ts'
import { type CommandOutcome, commandLine, runCommand } from './stage/command.ts'
import { LineMiner } from './stage/line-miner.ts'
import { NodeProgram } from './stage/node-program.ts'

/** Starting a node and every command on a machine that is busy with other tests. */
const PATIENCE_MS = 400_000
const MINER = regtestAddress(0x31)

let dataDir: string
let node: NodeProgram
let miner: LineMiner

/** A node whose only miner has found a block and then nothing more: what is asked twice is answered alike. */
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'p2poolv2-commands-'))
  node = await new NodeProgram({ dataDir, args: ['--miners', '0'] }).ready()
  miner = await LineMiner.start(node.stratumPort, `${MINER}.attic`)
  const { bitcoinDifficulty } = JSON.parse(await node.text('/v1/window')) as WindowJson
  const target = (0xffffn << 208n) / BigInt(Math.ceil(bitcoinDifficulty * 2 ** 40))
  await miner.mine({ atMost: (target << 40n) >> 1n })
  await node.statusWhen('a found block', PATIENCE_MS, ({ blocks, sharechain }) => {
    return blocks[0]?.result === 'accepted' && sharechain.confirmedHeight === 1
  })
}, PATIENCE_MS)

afterAll(async () => {
  miner.close()
  await node.stop('SIGKILL')
  await rm(dataDir, { recursive: true, force: true })
})

const command = (...args: readonly string[]): Promise<CommandOutcome> => runCommand(...args, '--data-dir', dataDir)

async function answers<T>(
  path: string,
  ...args: readonly string[]
): Promise<{ fromApi: T; fromCommand: T; human: string }> {
  const fromApi = JSON.parse(await node.text(path)) as T
  const json = await command(...args, '--json')
  expect(json).toMatchObject({ code: 0, stderr: '' })
  const human = await command(...args)
  expect(human).toMatchObject({ code: 0, stderr: '' })
  expect(human.stdout).not.toContain('\u001b')
  return { fromApi, fromCommand: JSON.parse(json.stdout) as T, human: human.stdout }
}

const grouped = (count: number): string => count.toLocaleString('en-US')

describe('the commands tell what the API tells', () => {
  it(
    'status',
    async () => {
      const { fromApi, fromCommand, human } = await answers<StatusJson>('/v1/status', 'status')
      const { miners: _, totals: __, ...steady } = fromApi
      expect(fromCommand).toMatchObject(steady)
      expect(human).toContain(`at height ${fromApi.sharechain.confirmedHeight}`)
      expect(human).toContain(`${grouped(fromApi.totals.accepted)} accepted`)
    },
    PATIENCE_MS
  )

  it(
    'workers',
    async () => {
      const { fromApi, fromCommand, human } = await answers<WorkersJson>('/v1/workers', 'workers')
      const numbers = ({ workers }: WorkersJson) =>
        workers.map(({ id, accepted, rejected, bestDifficulty, difficulty }) => [
          id,
          accepted,
          rejected,
          bestDifficulty,
          difficulty
        ])
      expect(numbers(fromCommand)).toEqual(numbers(fromApi))
      expect(human).toMatch(new RegExp(`attic.*${MINER}`))
    },
    PATIENCE_MS
  )

  it(
    'peers',
    async () => {
      const { fromApi, fromCommand, human } = await answers<PeersJson>('/v1/peers', 'peers')
      expect(fromCommand).toEqual(fromApi)
      expect(human).toContain(fromApi.peer)
    },
    PATIENCE_MS
  )

  it(
    'shares and share',
    async () => {
      const { fromApi, fromCommand, human } = await answers<SharesJson>('/v1/shares?heights=20', 'shares')
      expect(fromCommand).toEqual(fromApi)
      for (const { hash, address } of fromApi.shares) expect(human).toMatch(new RegExp(`${hash}.*${address}`))
      const hash = fromApi.shares[0]?.hash ?? ''
      const one = await answers<readonly { readonly blockhash: string }[]>(`/share?hash=${hash}`, 'share', hash)
      expect(one.fromCommand).toEqual(one.fromApi)
      expect(one.human).toContain(hash)
    },
    PATIENCE_MS
  )

  it(
    'window, to the satoshi',
    async () => {
      const { fromApi, fromCommand, human } = await answers<WindowJson>('/v1/window', 'window')
      expect(fromCommand.miners).toEqual(fromApi.miners)
      expect(fromCommand.weight).toBe(fromApi.weight)
      for (const { address, sats } of fromApi.miners) expect(human).toMatch(new RegExp(`${address}.*${grouped(sats)}`))
      expect(human).toContain('nobody has it')
    },
    PATIENCE_MS
  )

  it(
    'earnings, to the satoshi',
    async () => {
      const { fromApi, fromCommand, human } = await answers<EarningsJson>('/v1/earnings', 'earnings')
      expect(fromCommand.earnings?.now).toEqual(fromApi.earnings?.now)
      expect(human).toContain(`${grouped(fromApi.earnings?.now.sats ?? -1)} sats`)
      const what = await command('earnings', '--hashrate', '1e6', '--json')
      expect((JSON.parse(what.stdout) as EarningsJson).whatIf?.hashrate).toBe(1e6)
    },
    PATIENCE_MS
  )

  it(
    'blocks, to the satoshi',
    async () => {
      const { fromApi, fromCommand, human } = await answers<BlocksJson>('/v1/blocks?limit=20', 'blocks')
      expect(fromCommand).toEqual(fromApi)
      for (const { hash, sats } of fromApi.blocks) expect(human).toMatch(new RegExp(`${grouped(sats)}.*${hash}`))
    },
    PATIENCE_MS
  )

  it(
    'audit of a block, a share and the job',
    async () => {
      const { blocks } = JSON.parse(await node.text('/v1/blocks')) as BlocksJson
      for (const id of [String(blocks[0]?.height), String(blocks[0]?.hash), String(blocks[0]?.share), 'job']) {
        const { fromApi, fromCommand, human } = await answers<AuditJson>(`/v1/audit/${id}`, 'audit', id)
        expect(fromCommand).toEqual(fromApi)
        expect(fromApi.verdict).toBe('matches')
        for (const { address, dueSats } of fromApi.outputs)
          expect(human).toMatch(new RegExp(`= +${address}.*${grouped(dueSats ?? -1)}`))
        expect(human).toContain('To the satoshi')
      }
    },
    PATIENCE_MS
  )

  it(
    'doctor',
    async () => {
      const fromApi = JSON.parse(await node.text('/v1/doctor')) as DoctorJson
      const { code, stdout } = await command('doctor', '--json')
      const fromCommand = JSON.parse(stdout) as DoctorJson
      expect(fromCommand.checks.map(({ id }) => id)).toEqual(fromApi.checks.map(({ id }) => id))
      expect(fromApi.checks.length).toBeGreaterThanOrEqual(25)
      expect(new Set(fromApi.checks.map(({ id }) => id)).size).toBe(fromApi.checks.length)
      expect(code).toBe(fromApi.state === 'fail' ? 4 : 0)
      const human = await command('doctor')
      for (const { title } of fromApi.checks) expect(human.stdout).toContain(title)
    },
    PATIENCE_MS
  )
})

describe('what needs no node goes beside it', () => {
  it(
    'says that the store is in use, and what is in the folders',
    async () => {
      const { code, stdout } = await command('db', 'info')
      expect(code).toBe(0)
      expect(stdout).toContain('it alone can have the share store open')
      expect(stdout).toContain('devnet/store')
    },
    PATIENCE_MS
  )

  it(
    'shows the address that the node says it has',
    async () => {
      const { stdout } = await command('address')
      const said = node.log.find(({ msg }) => msg.startsWith('share-chain address of this node'))
      expect(said?.msg).toContain(stdout.trim())
    },
    PATIENCE_MS
  )

  it(
    'gathers a bundle that says nothing of who it is',
    async () => {
      const out = join(dataDir, 'bundle.tar.gz')
      const { code, stdout } = await command('support-bundle', '--out', out)
      expect(code).toBe(0)
      expect(stdout).toContain('Nothing was sent')
      const folder = join(dataDir, 'bundle')
      execFileSync('mkdir', [folder])
      execFileSync('tar', ['xzf', out, '-C', folder])
      const names = await readdir(join(folder, 'p2poolv2-support'))
      expect(names.sort()).toEqual(
        [...stdout.matchAll(/^(\S+\.(?:json|txt)) /gm)].map(([, name]) => String(name)).sort()
      )
      const texts = await Promise.all(names.map(name => readFile(join(folder, 'p2poolv2-support', name), 'utf8')))
      const all = texts.join('\n')
      const { peer } = JSON.parse(await node.text('/v1/peers')) as PeersJson
      const { token } = JSON.parse(await readFile(join(dataDir, 'running.json'), 'utf8')) as { readonly token: string }
      const key = (await readFile(join(dataDir, 'wallet.key'), 'utf8')).trim()
      for (const secret of [MINER, peer, token, key, await node.invite()]) expect(all).not.toContain(secret)
      expect(all).toContain('P2Poolv2 starts')
      expect(all).toContain('address-1')
    },
    PATIENCE_MS
  )
})

const HAS_TERMINAL = existsSync('/usr/bin/script')
const ENTER = '\u001b[?1049h'
const LEAVE = '\u001b[?1049l'

describe.runIf(HAS_TERMINAL)('status --watch on a terminal', () => {
  /** @param end does something that has to end it */
  async function watched(end: (terminal: ReturnType<typeof spawn>, screen: () => string) => void): Promise<string> {
    const words = commandLine('status', '--watch', '--data-dir', dataDir)
    const terminal = spawn('script', ['-qec', `stty rows 40 cols 100; exec ${words}`, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, TERM: 'xterm' }
    })
    let screen = ''
    let isAsked = false
    terminal.stdout?.setEncoding('utf8').on('data', (text: string) => {
      screen += text
      if (isAsked || !screen.includes('Share chain')) return
      isAsked = true
      end(terminal, () => screen)
    })
    await once(terminal, 'close')
    return screen
  }

  it(
    'shows the node until q, and gives the screen back',
    async () => {
      const screen = await watched(terminal => terminal.stdin?.write('q'))
      expect(screen).toContain(ENTER)
      expect(screen).toContain('attic')
      expect(screen.indexOf(LEAVE)).toBeGreaterThan(screen.indexOf('Share chain'))
    },
    PATIENCE_MS
  )

  it(
    'gives the screen back when the terminal says Ctrl-C',
    async () => {
      const screen = await watched(terminal => terminal.stdin?.write('\u0003'))
      expect(screen).toContain(LEAVE)
    },
    PATIENCE_MS
  )
})

it(
  'reads the store once the node has stopped, and finds the same',
  async () => {
    const { blocks } = JSON.parse(await node.text('/v1/blocks')) as BlocksJson
    const height = String(blocks[0]?.height)
    const running = JSON.parse(await node.text(`/v1/audit/${height}`)) as AuditJson
    expect(await node.stop()).toEqual({ code: 0, signal: null })
    expect((await command('status')).code).toBe(3)
    const stopped = await command('audit', height, '--json')
    expect(JSON.parse(stopped.stdout)).toEqual(running)
    expect((await command('audit', 'job')).stderr).toContain('no node runs here')
    const info = await command('db', 'info', '--json')
    const { shares } = JSON.parse(info.stdout) as {
      readonly shares: { readonly confirmedHeight: number; readonly blocks: number }
    }
    expect(shares).toMatchObject({ confirmedHeight: 1, blocks: 1 })
    const doctor = await command('doctor', '--json')
    expect((JSON.parse(doctor.stdout) as DoctorJson).checks.length).toBeGreaterThan(10)
    expect(doctor.stderr).toBe('')
  },
  PATIENCE_MS
)
