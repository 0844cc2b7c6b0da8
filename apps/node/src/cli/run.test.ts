import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DoctorJson } from '@p2poolv2/api/schema'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { dataDirOf } from '../config.ts'
import { writeRunningFile } from '../data/running-file.ts'
import { runCli } from './run.ts'
import { PLAIN } from './style.ts'

let folder: string
let said: string
let remarked: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'p2poolv2-cli-'))
  said = ''
  remarked = ''
  writeFileSync(join(folder, 'text'), 'x\n')
})
afterEach(() => {
  rmSync(folder, { recursive: true })
  process.exitCode = undefined
})

/** @returns the exit code */
async function run(...args: readonly string[]): Promise<number> {
  const code = await runCli(
    args.map(arg => arg.replace('FOLDER', folder)),
    {
      say: lines => {
        said += `${typeof lines === 'string' ? lines : lines.join('\n')}\n`
      },
      remark: line => {
        remarked += `${line}\n`
      },
      sheet: () => ({ style: PLAIN, columns: null, nowSec: 1_800_000_000 })
    }
  )
  return code === 0 ? Number(process.exitCode ?? 0) : code
}

describe('a command line that cannot be done says why, and how it can', () => {
  it.each([
    [['foo'], 2, 'there is no command "foo". There are: start, init'],
    [['foo', '--help'], 2, 'there is no command "foo"'],
    [['statsu'], 2, 'did you mean "status"?'],
    [['--data-dir', 'FOLDER', 'statsu'], 2, 'there is no command "statsu"; did you mean "status"?'],
    [['peers', 'ad'], 2, 'did you mean "add"?'],
    [['status', '--jsn'], 2, "unknown option '--jsn'"],
    [['share'], 2, 'p2poolv2 share --help'],
    [['share', 'a', 'b'], 2, 'too many arguments'],
    [['share', '00ff', '--data-dir', 'FOLDER'], 2, 'give its height, or its whole hash'],
    [['completion', 'tcsh'], 2, 'bash, zsh, fish'],
    [['init'], 2, 'bitcoin itself'],
    [['init', '--chain', 'mainnet'], 2, 'there is no chain "mainnet"'],
    [['explain', 'P2P-9999'], 2, 'All of them: ./p2poolv2 explain'],
    [['explain', 'P2P-O101'], 2, 'did you mean P2P-0101?'],
    [['gen-auth', 'a:b'], 2, 'no colon'],
    [['gen-auth', 'ann', ''], 2, 'leave it out'],
    [['status', '--watch', '--data-dir', 'FOLDER'], 2, '--json'],
    [['peers', 'ban', '10.0.0.1', '--seconds', '0x', '--data-dir', 'FOLDER'], 2, 'give a whole number'],
    [['status', '--data-dir', 'FOLDER'], 3, 'start one with npm start'],
    [['peers', 'add', 'x', '--data-dir', 'FOLDER'], 3, 'no node runs'],
    [['link', '--data-dir', 'FOLDER'], 3, 'no node runs'],
    [['status', '--api-port', '1', '--data-dir', 'FOLDER'], 3, 'no node answers at port 1'],
    [['address', '--data-dir', 'FOLDER'], 1, './p2poolv2 address --new'],
    [['audit', 'xyz', '--data-dir', 'FOLDER'], 1, 'give a bitcoin height'],
    [['audit', '7', '--data-dir', 'FOLDER'], 1, 'no node has run'],
    [['db', 'info', '--data-dir', 'FOLDER'], 1, 'no node has run'],
    [['db', 'info', '--set', 'chain'], 2, 'section.key=value'],
    [['config', 'show', '--set', 'api.prot=1'], 4, 'did you mean "api.port"?'],
    [['replay', 'FOLDER/none'], 1, 'none cannot be used: it is not there'],
    [['replay', 'FOLDER/text'], 1, 'FOLDER/text: the file does not begin as a stratum recording does'],
    [['config', 'check', '--config', 'FOLDER'], 4, 'it is a folder'],
    [['support-bundle', '--out', 'FOLDER/text', '--data-dir', 'FOLDER'], 1, 'left as it is; name another'],
    [['support-bundle', '--out', 'FOLDER/none/x', '--data-dir', 'FOLDER'], 1, 'make it, or name another'],
    [['support-bundle', 'mine.tar.gz'], 2, './p2poolv2 support-bundle --out mine.tar.gz'],
    [['status', '--data-dir', 'FOLDER/text'], 1, 'a part of that path is a file'],
    [['status', '--api-port', 'abc'], 2, 'give the port of the page'],
    [['help', 'statsu'], 2, 'did you mean "status"?']
  ] as const)('%j', async (args, code, message) => {
    expect(await run(...args)).toBe(code)
    expect(said + remarked).toContain(message.replace('FOLDER', folder))
    expect(said + remarked).not.toMatch(/^ +at /m)
  })

  it.runIf(process.platform === 'linux')('and does not try for ever where no folder can be made', async () => {
    for (const args of [
      ['address', '--new'],
      ['init', '--chain', 'main']
    ])
      expect(await run(...args, '--data-dir', '/proc/x')).toBe(1)
    expect(remarked).toContain('/proc/x')
  })
})

describe('init', () => {
  it('writes for the chain that was named, and says what comes next', async () => {
    expect(await run('init', '--chain', 'regtest', '--data-dir', 'FOLDER')).toBe(0)
    expect(said).toContain('for regtest')
    expect(said).toContain('./p2poolv2 doctor')
    expect(await run('config', 'check', '--data-dir', 'FOLDER')).toBe(4)
    expect(said).toContain('cookie_file is "/home/YOU/')
    process.exitCode = undefined
    const cookie = 'bitcoind.cookie_file=/home/ann/.bitcoin/.cookie'
    expect(await run('config', 'check', '--data-dir', 'FOLDER', '--set', cookie)).toBe(0)
    expect(await run('init', '--chain', 'main', '--data-dir', 'FOLDER')).toBe(1)
    expect(remarked).toContain('left as it is')
  })
})

describe('where things are', () => {
  it('is written by init into the file it names for the next command', async () => {
    for (const [flags, file] of [
      [['--config', 'FOLDER/m.toml', '--data-dir', 'FOLDER/data'], join(folder, 'm.toml')],
      [['--data-dir', 'FOLDER/data'], join(folder, 'data', 'p2poolv2.toml')]
    ] as const) {
      said = ''
      expect(await run('init', '--chain', 'devnet', ...flags)).toBe(0)
      expect(said).toContain(`npm start -- --config ${file}`)
      expect(dataDirOf({ file, env: {}, flags: {} })).toBe(join(folder, 'data'))
    }
  })

  it('is read by init from the environment, as every other command reads it', async () => {
    try {
      vi.stubEnv('P2POOL_DATA_DIR', join(folder, 'data'))
      expect(await run('init', '--chain', 'devnet')).toBe(0)
      const file = join(folder, 'data', 'p2poolv2.toml')
      expect(said).toContain(`Wrote ${file} for devnet.`)
      expect(said).toMatch(/Then run: npm start\n/)
      expect(dataDirOf({ file, env: {}, flags: {} })).toBe(join(folder, 'data'))
      vi.stubEnv('P2POOL_CONFIG', join(folder, 'mine.toml'))
      said = ''
      expect(await run('init', '--chain', 'devnet', '--data-dir', 'FOLDER/other')).toBe(0)
      expect(said).toContain(`Wrote ${join(folder, 'mine.toml')} for devnet.`)
      expect(dataDirOf({ file: join(folder, 'mine.toml'), env: {}, flags: {} })).toBe(join(folder, 'other'))
      expect(await run('init', '--chain', 'devnet', '--config', 'FOLDER/flag.toml')).toBe(0)
      expect(said).toContain(`npm start -- --config ${join(folder, 'flag.toml')}`)
      vi.stubEnv('P2POOL_DATADIR', folder)
      expect(await run('init', '--chain', 'devnet')).toBe(1)
      expect(remarked).toContain('P2POOL_DATADIR is not read')
    } finally {
      vi.unstubAllEnvs()
    }
  })

  it('counts from where the user stands, and is said whole', async () => {
    vi.stubEnv('P2POOLV2_CALLED_FROM', folder)
    try {
      expect(await run('init', '--chain', 'devnet', '--config', 'rel.toml', '--data-dir', 'rel')).toBe(0)
      expect(dataDirOf({ file: join(folder, 'rel.toml'), env: {}, flags: {} })).toBe(join(folder, 'rel'))
      expect(await run('config', 'check', '--config', 'rel.toml')).toBe(0)
      expect(said).toContain(`The configuration ${join(folder, 'rel.toml')} can be used`)
      expect(await run('status', '--data-dir', 'other')).toBe(3)
      expect(remarked).toContain(`no node runs on ${join(folder, 'other')}:`)
      vi.stubEnv('P2POOL_DATA_DIR', 'third')
      expect(await run('status')).toBe(3)
      expect(remarked).toContain(`no node runs on ${join(folder, 'third')}:`)
      expect(await run('config', 'check', '--config', 'none.toml')).toBe(4)
      expect(said).toContain(`${join(folder, 'none.toml')} cannot be read`)
    } finally {
      vi.unstubAllEnvs()
    }
  })
})

describe('address', () => {
  it.each([
    ['main', 'p2pool1p'],
    ['testnet4', 'tp2pool1p'],
    ['signet', 'sp2pool1p'],
    ['devnet', 'rp2pool1p']
  ])('of %s needs a key and nothing else', async (chain, prefix) => {
    expect(await run('address', '--new', '--chain', chain, '--data-dir', 'FOLDER')).toBe(0)
    expect(said.trim()).toMatch(new RegExp(`^${prefix}`))
    const first = said
    said = ''
    expect(await run('address', '--chain', chain, '--data-dir', 'FOLDER')).toBe(0)
    expect(said).toBe(first)
    // Nothing begins by being asked.
    expect(readdirSync(folder)).toEqual(['text', 'wallet.key'])
  })

  it('makes no wallet unless told to', async () => {
    await run('address', '--data-dir', 'FOLDER')
    expect(readdirSync(folder)).toEqual(['text'])
  })
})

describe('config check', () => {
  it('names every mistake, in words of the file, without quoting a password', async () => {
    const file = join(folder, 'wrong.toml')
    writeFileSync(file, '[stratum]\nport = "x"\n[[bitcoind]]\nurl = "http://a:1"\nuser = "u"\npassword = 12345\n')
    expect(await run('config', 'check', '--config', file, '--json')).toBe(4)
    const answer = JSON.parse(said) as { readonly ok: boolean; readonly mistakes: string[] }
    expect(answer.ok).toBe(false)
    expect(answer.mistakes).toEqual([
      'stratum.port is "x": give a whole number from 0 to 65535',
      'bitcoind.0.password: give text in quotes'
    ])
  })

  it('knows addresses of another chain', async () => {
    const address = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'
    const args = ['--set', `stratum.fee_address=${address}`, '--set', 'stratum.fee=100', '--data-dir', 'FOLDER']
    expect(await run('config', 'check', ...args)).toBe(4)
    expect(said).toContain('is not an address of this chain')
  })
})

describe('explain', () => {
  it.each(['P2P-0101', 'p2p-101', '101'])('%s says cause, cost and fix', async id => {
    expect(await run('explain', id)).toBe(0)
    for (const word of ['WARN P2P-0101', 'Cause', 'Cost', 'Fix', './p2poolv2 doctor']) expect(said).toContain(word)
  })

  it('lists all without an id', async () => {
    await run('explain', '--json')
    const all = JSON.parse(said) as { readonly id: string }[]
    expect(all.length).toBeGreaterThan(40)
    said = ''
    await run('explain')
    for (const { id } of all) expect(said).toContain(id)
  })
})

describe('gen-auth', () => {
  it('makes a login that the configuration takes', async () => {
    expect(await run('gen-auth', 'ann', '--json')).toBe(0)
    const { password, auth_user, auth_token } = JSON.parse(said) as Readonly<Record<string, string>>
    expect(password).toMatch(/^[\w-]{43}$/)
    const args = [
      '--set',
      `api.auth_user=${auth_user}`,
      '--set',
      `api.auth_token=${auth_token}`,
      '--data-dir',
      'FOLDER'
    ]
    expect(await run('config', 'check', ...args)).toBe(0)
  })

  it('keys the hash of a given password with the salt, as the reference does', async () => {
    await run('gen-auth', 'ann', 'hunter2')
    const [, token] = /auth_token = "(.*)"/.exec(said) ?? []
    const [salt = '', hmac] = (token ?? '').split('$')
    const { createHmac } = await import('node:crypto')
    expect(hmac).toBe(createHmac('sha256', salt).update('hunter2').digest('hex'))
    expect(salt).toMatch(/^[0-9a-f]{32}$/)
  })
})

describe('a mistake in the configuration that is named', () => {
  const asking = ['status', 'workers', 'shares', 'link', 'invite', 'audit 7', 'peers list']
  it.each(asking)('%s asks no other node for it', async command => {
    const file = join(folder, 'bad.toml')
    writeFileSync(file, 'datadir = "x"\n')
    expect(await run(...command.split(' '), '--config', file)).toBe(1)
    expect(remarked).toContain('unknown key "datadir"; did you mean "data_dir"?')
  })

  it('is a check of the doctor that failed', async () => {
    const file = join(folder, 'bad.toml')
    writeFileSync(file, 'datadir = "x"\n')
    expect(await run('doctor', '--config', file, '--json')).toBe(4)
    const { checks } = JSON.parse(said) as DoctorJson
    expect(checks[0]).toMatchObject({ id: 'config', state: 'fail', message: expect.stringContaining('"datadir"') })
    expect(checks[0]?.fix).toContain(`--config ${file}`)
  })
})

describe('the doctor and a node that runs', () => {
  /** A node on the data directory that runs by `file`, until the work ends. */
  async function besideNode(file: string | null, work: () => Promise<void>): Promise<void> {
    const settings = [{ key: 'chain', value: 'devnet' }]
    const check = { id: 'x', group: 'peers', title: 'x', state: 'ok', message: 'of the node', fix: null, cost: null }
    const answers: Readonly<Record<string, unknown>> = {
      '/livez': { status: 'alive' },
      '/v1/config': { file, settings: [...settings, { key: 'data_dir', value: folder }] },
      '/v1/doctor': { time: 1, state: 'ok', checks: [check] }
    }
    const server = createServer((request, response) => response.end(JSON.stringify(answers[request.url ?? ''])))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    writeRunningFile(folder, { url: `http://127.0.0.1:${port}`, token: 'ab12', pid: 1 })
    try {
      await work()
    } finally {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    }
  }

  it('asks it about the file it runs by, and about none', async () => {
    const file = join(folder, 'mine.toml')
    writeFileSync(file, `data_dir = "${folder}"\n`)
    await besideNode(file, async () => {
      for (const flags of [
        ['--config', file],
        ['--data-dir', folder],
        ['--config', file, '--set', 'chain=devnet']
      ]) {
        said = ''
        expect(await run('doctor', ...flags)).toBe(0)
        expect(said).toContain('of the node')
        expect(remarked).toContain(`which runs by ${file}`)
      }
    })
  })

  it.each([
    ['another file', 'other.toml', ['--config', 'FOLDER/mine.toml']],
    ['a file it began without', null, ['--config', 'FOLDER/mine.toml']],
    ['a file written since into its data directory', null, ['--data-dir', 'FOLDER']],
    ['another value', 'p2poolv2.toml', ['--data-dir', 'FOLDER', '--set', 'chain=signet']],
    ['a password', 'p2poolv2.toml', ['--data-dir', 'FOLDER', '--set', 'bitcoind.password=x']]
  ])('does not take its word for %s', async (_what, runsBy, flags) => {
    const text = `data_dir = "${folder}"\n[[bitcoind]]\nurl = "http://127.0.0.1:1"\nuser = "u"\npassword = "p"\n`
    for (const name of ['mine.toml', 'p2poolv2.toml']) writeFileSync(join(folder, name), text)
    await besideNode(runsBy === null ? null : join(folder, runsBy), async () => {
      await run('doctor', ...flags)
      expect(said).not.toContain('of the node')
      const file = flags[0] === '--config' ? join(folder, 'mine.toml') : join(folder, 'p2poolv2.toml')
      expect(remarked).toContain(`${file} was checked without a node`)
    })
  })
})

describe('a node that runs', () => {
  it('has its page opened by a link that only its own user can have', async () => {
    const url = 'http://127.0.0.1:46884'
    writeRunningFile(folder, { url, token: 'ab12', pid: 1 })
    expect(statSync(join(folder, 'running.json')).mode & 0o777).toBe(0o600)
    expect(await run('link', '--data-dir', 'FOLDER')).toBe(0)
    expect(said).toBe(`${url}/#/node/owner=ab12\n`)
    said = ''
    expect(await run('link', '--json', '--data-dir', 'FOLDER')).toBe(0)
    expect(JSON.parse(said)).toEqual({ link: `${url}/#/node/owner=ab12` })
  })

  it('is not looked for at a port by what needs the secret in its directory', async () => {
    expect(await run('link', '--data-dir', 'FOLDER')).toBe(3)
    expect(remarked).toContain('--data-dir')
    expect(remarked).not.toContain('--api-port')
  })

  it('has its paths of the API named as commands', async () => {
    const message = 'no block of the pool at bitcoin height 7 is on record: /v1/blocks has them'
    const server = createServer((request, response) => {
      if (request.url === '/livez') return response.end('{"status":"alive"}')
      return response.writeHead(404).end(JSON.stringify({ error: message }))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    try {
      expect(await run('audit', '7', '--api-port', String(port), '--data-dir', 'FOLDER')).toBe(1)
      expect(remarked).toContain('./p2poolv2 blocks has them')
    } finally {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    }
  })

  it('is quoted byte for byte', async () => {
    const peers =
      '{ "peer":"me","listening":[],"reachability":"unknown","peers":[],"bans":[],"knownAddresses":0, "later":1e0 }'
    const server = createServer((request, response) => {
      response.end(request.url === '/livez' ? '{"status":"alive"}' : peers)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    try {
      expect(await run('peers', '--json', '--api-port', String(port))).toBe(0)
      expect(said).toBe(`${peers}\n`)
      expect(await run('status', '--api-port', String(port))).toBe(1)
      expect(remarked).toContain('of another version')
    } finally {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    }
  })
})
