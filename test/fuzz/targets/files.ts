import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { crc32 } from 'node:zlib'
import { hexToBytes } from '@p2poolv2/primitives'
import { EventLines } from '../../../apps/node/src/cli/watch/event-lines.ts'
import { ConfigError, loadConfig, loadSettings } from '../../../apps/node/src/config.ts'
import { configTemplate } from '../../../apps/node/src/config-template.ts'
import { readGenesis } from '../../../apps/node/src/data/devnet-genesis.ts'
import { readRunningFile } from '../../../apps/node/src/data/running-file.ts'
import { openKeyFile, WalletError } from '../../../apps/node/src/data/wallet.ts'
import { parseQuietRange } from '../../../packages/alerts/src/quiet-hours.ts'
import { RowJournal } from '../../../packages/node/shell/src/row-journal.ts'
import { readHolder } from '../../../packages/sharechain/level/src/holder.ts'
import { readOwner } from '../../../packages/sharechain/level/src/owner.ts'
import { readProgress } from '../../../packages/sharechain/level/src/progress.ts'
import { asBytes } from '../engine/change.ts'
import { hold, type Target } from '../engine/target.ts'
import { latin1, utf8 } from './same.ts'

/** A folder in which each input is a file, made when it is needed. */
class Folder {
  #path: string | null = null

  get path(): string {
    this.#path ??= mkdtempSync(join(tmpdir(), 'p2poolv2-fuzz-'))
    return this.#path
  }

  file(name: string, bytes: Uint8Array): string {
    const file = join(this.path, name)
    writeFileSync(file, bytes, { mode: 0o600 })
    return file
  }

  end(): void {
    if (this.#path !== null) rmSync(this.#path, { recursive: true, force: true })
    this.#path = null
  }
}

const folder = new Folder()
const end = async (): Promise<void> => folder.end()
const isConfigError = (error: unknown): boolean => error instanceof ConfigError

/** A message of many mistakes is long, and what it quotes may be as long again. */
const CONFIG_MEMORY = 8 * 1024 * 1024

const config: Target<ReturnType<typeof loadConfig>> = {
  name: 'config-file',
  door: 'owner',
  maxBytes: 6_000,
  memoryBytes: CONFIG_MEMORY,
  seeds: () => [
    ...(['devnet', 'main'] as const).map(chain =>
      asBytes(
        configTemplate(chain)
          .split('\n')
          .map(line => line.replace(/^# (\S+ = )/, '$1'))
          .filter(line => !line.startsWith('#'))
          .join('\n')
      )
    ),
    asBytes(
      'chain = "main"\n[stratum]\nport = 3333\nstart_difficulty = 5\n[[bitcoind]]\nurl = "http://a:b@c"\nuser = "u"\npassword = "p"\n'
    ),
    asBytes('[p2p]\nonly_proxy = true\nsocks5 = "127.0.0.1:9050"\nexternal_address = "/ip4/192.0.2.1/tcp/6884"\n')
  ],
  isRefusal: isConfigError,
  decode: bytes => loadConfig({ file: folder.file('p2poolv2.toml', bytes), env: {}, flags: {} }),
  laws({ config: read }) {
    hold(Number.isInteger(read.stratum.port) && read.stratum.port <= 0xffff, 'has a port that is none')
    hold(read.data_dir !== '', 'has no data directory')
  },
  end
}

/** Lines `section.key=value`: as `--set` gives them, and in capitals as the environment does. */
const settings: Target<ReturnType<typeof loadSettings>> = {
  name: 'config-settings',
  door: 'owner',
  maxBytes: 2_048,
  memoryBytes: CONFIG_MEMORY,
  seeds: () =>
    [
      'stratum.port=3334\nchain=main\nbitcoind.url=http://127.0.0.1\nstratum.fee=100',
      'P2POOL_STRATUM__PORT=1\nP2POOL__CHAIN=devnet\nP2POOL_NO__SUCH=1',
      'api.host_names=a,b\np2p.only_proxy=true\nlogging.level=debug\ndevnet.miners=2'
    ].map(asBytes),
  isRefusal: isConfigError,
  decode(bytes) {
    const env: Record<string, string> = {}
    const flags: Record<string, string> = {}
    for (const line of utf8(bytes).split('\n')) {
      const at = line.indexOf('=')
      if (at > 0) (line.startsWith('P2POOL') ? env : flags)[line.slice(0, at)] = line.slice(at + 1)
    }
    // Where the file is, is nothing to be tried out.
    delete env['P2POOL_CONFIG']
    delete flags['data_dir']
    for (const name of Object.keys(env)) if (/data_dir/i.test(name)) delete env[name]
    return loadSettings({ file: folder.file('empty.toml', new Uint8Array()), env, flags })
  },
  end
}

/** The first byte says which file it is. */
const small: Target<readonly unknown[]> = {
  name: 'small-files',
  door: 'disk',
  maxBytes: 600,
  seeds: () =>
    [
      `a${JSON.stringify({ url: 'http://127.0.0.1:1', token: 'ab', pid: 5 })}`,
      `b1700000000\nbitcoin_height 5\nbitcoin_header ${'ab'.repeat(80)}\nbitcoin_coinbase abcd\n`,
      `c${'01'.repeat(32)}\n`,
      `d${JSON.stringify({ sequence: 5, flushed: 4 })}   \n`,
      `e${JSON.stringify({ pid: 1, since: '2026-01-01T00:00:00.000Z' })}`,
      `f${JSON.stringify({ schemaVersion: 3, chain: 'main', fingerprint: 'a', genesisHash: 'ab'.repeat(32) })}`
    ].map(asBytes),
  isRefusal: error => isConfigError(error) || error instanceof WalletError,
  async decode(bytes) {
    const content = bytes.subarray(1)
    const write = (name: string): string => folder.file(name, content)
    switch ((bytes[0] ?? 0) % 6) {
      case 1:
        write('running.json')
        return [readRunningFile(folder.path)]
      case 2:
        write('devnet-genesis')
        return [readGenesis(folder.path)]
      case 3:
        return [openKeyFile(write('wallet.key'), () => hexToBytes('01'.repeat(32)))]
      case 4:
        write('progress.json')
        return [await readProgress(folder.path)]
      case 5:
        write('holder.json')
        return [await readHolder(folder.path)]
      default:
        write('identity.json')
        return [await readOwner(folder.path)]
    }
  },
  end
}

/** The two files of a journal, the second behind a line with a dash. */
const journal: Target<ReturnType<typeof RowJournal.open>['entries']> = {
  name: 'row-journal',
  door: 'disk',
  maxBytes: 2_048,
  seeds() {
    const home = join(folder.path, 'seed')
    mkdirSync(home, { recursive: true })
    const { journal: made } = RowJournal.open(home, 0)
    made.append([['a', '1']])
    made.append([
      ['a', null],
      ['b', '2']
    ])
    made.close()
    return [asBytes(readFileSync(join(home, 'journal-a'), 'utf8')), asBytes('-\n')]
  },
  decode(bytes) {
    const [first = '', second = ''] = latin1(bytes).split('-\n')
    const home = join(folder.path, 'journal')
    mkdirSync(home, { recursive: true })
    writeFileSync(join(home, 'journal-a'), first, 'latin1')
    writeFileSync(join(home, 'journal-b'), second, 'latin1')
    const opened = RowJournal.open(home, 0)
    opened.journal.close()
    return opened.entries
  },
  laws(entries) {
    const numbers = entries.map(({ sequence }) => sequence)
    hold(
      isDeepStrictEqual(
        numbers,
        [...numbers].sort((a, b) => a - b)
      ),
      'is not in order'
    )
  },
  mend(bytes) {
    const lines = latin1(bytes).split('\n')
    return asBytes(lines.map(line => withSum(line.slice(9))).join('\n'))
  },
  end
}

function withSum(rest: string): string {
  return rest === '' ? '' : `${crc32(rest).toString(16).padStart(8, '0')} ${rest}`
}

const words: Target<unknown> = {
  name: 'owner-words',
  door: 'owner',
  maxBytes: 512,
  seeds: () =>
    ['22:00-07:00', '9:30-9:30', 'event: status\ndata: {"a":1}\n\n: c\n\ndata:x\ndata: y\r\n\r\n'].map(asBytes),
  decode(bytes) {
    const text = utf8(bytes)
    return [parseQuietRange(text), new EventLines().read(text)]
  },
  laws(_, bytes) {
    const text = utf8(bytes)
    const pieces = new EventLines()
    const cut = text.length >>> 1
    // A pair of line ends that is cut in two is only whole with the second piece.
    if (text.includes('\r')) return
    const read = [...pieces.read(text.slice(0, cut)), ...pieces.read(text.slice(cut))]
    hold(isDeepStrictEqual(read, new EventLines().read(text)), 'is another stream in pieces')
  }
}

export const TARGETS: readonly Target[] = [config, settings, small, journal, words] as Target[]
