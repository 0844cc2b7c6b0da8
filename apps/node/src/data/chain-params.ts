import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ChainParams, chainParams } from '@p2poolv2/consensus'
import { hexToBytes } from '@p2poolv2/primitives'
import { ConfigError } from '../config.ts'
import type { Config } from '../settings.ts'
import { storeFolder } from './data-dir.ts'
import { writeOnce } from './write-once.ts'

const DEVNET_GENESIS_FILE = 'devnet-genesis'

/**
 * The parameters of the configured chain. A devnet begins when its data directory is made: its genesis time is written
 * down at first use, so that every later start is on the same chain.
 * @throws ConfigError when the chain's genesis has to be configured and is not
 */
export function configuredParams(config: Config): ChainParams {
  const { time, bitcoin_height, bitcoin_header, bitcoin_coinbase } = config.genesis
  const timeSec = time ?? (config.chain === 'devnet' ? devnetGenesisTimeSec(config.data_dir) : undefined)
  try {
    return chainParams(config.chain, {
      ...(timeSec === undefined ? {} : { timeSec }),
      ...(bitcoin_height === undefined ? {} : { bitcoinHeight: bitcoin_height }),
      ...(bitcoin_header === undefined ? {} : { bitcoinHeader: hexToBytes(bitcoin_header) }),
      ...(bitcoin_coinbase === undefined ? {} : { bitcoinCoinbase: hexToBytes(bitcoin_coinbase) })
    })
  } catch (cause) {
    throw new ConfigError((cause as Error).message, { cause })
  }
}

function devnetGenesisTimeSec(dataDir: string): number {
  const file = join(dataDir, DEVNET_GENESIS_FILE)
  const known = readGenesisTime(file)
  if (known !== null) return known
  // A new time would be another chain, to which the shares on disk do not belong.
  const store = storeFolder(dataDir, 'devnet')
  if (existsSync(store)) {
    throw new ConfigError(
      `${file} is missing, without which the shares in ${store} cannot be read: restore it from a backup or set ` +
        `[genesis] time to what it held, or move ${store} away to begin a new development chain`
    )
  }
  mkdirSync(dataDir, { recursive: true })
  const timeSec = Math.floor(Date.now() / 1000)
  // Another start may write it between our look and our write: that one counts.
  const isOurs = writeOnce(file, { text: `${timeSec}\n`, mode: 0o644 })
  return isOurs ? timeSec : (readGenesisTime(file) ?? timeSec)
}

function readGenesisTime(file: string): number | null {
  let text: string
  try {
    text = readFileSync(file, 'utf8').trim()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw cause
  }
  if (!/^\d{1,10}$/.test(text))
    throw new ConfigError(
      `${file} does not hold the devnet's genesis time: set [genesis] time, or remove the data directory to begin anew`
    )
  return Number(text)
}
