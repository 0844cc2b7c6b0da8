import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { GenesisOptions } from '@p2poolv2/consensus'
import { bytesToHex, hexToBytes } from '@p2poolv2/primitives'
import { ConfigError } from '../config.ts'
import { makeFolder, storeFolder } from './data-dir.ts'
import { writeOnce } from './write-once.ts'

/** Of a data directory: the time at which its devnet began, and where the genesis share names another block, that. */
const FILE_NAME = 'devnet-genesis'

const FORM =
  /^(\d{1,10})(?:\nbitcoin_height (\d{1,10})\nbitcoin_header ([0-9a-f]{160})(?:\nbitcoin_coinbase ([0-9a-f]{2,1000}))?)?$/

export function genesisFile(dataDir: string): string {
  return join(dataDir, FILE_NAME)
}

/**
 * @returns null where no devnet has begun
 * @throws ConfigError for a file that holds something else, or that is missing beside shares
 */
export function readGenesis(dataDir: string): GenesisOptions | null {
  const file = genesisFile(dataDir)
  const text = readText(file)
  if (text === null) {
    // A new time would be another chain, to which the shares on disk do not belong.
    const store = storeFolder(dataDir, 'devnet')
    if (!existsSync(store)) return null
    throw new ConfigError(
      `${file} is missing, without which the shares in ${store} cannot be read: restore it from a backup or set ` +
        `[genesis] time to what it held, or move ${store} away to begin a new development chain`
    )
  }
  const [, time, height, header, coinbase] = FORM.exec(text) ?? []
  if (time === undefined || (coinbase?.length ?? 0) % 2 > 0)
    throw new ConfigError(
      `${file} does not hold the devnet's genesis time: set [genesis] time, or remove the data directory to begin anew`
    )
  return {
    timeSec: Number(time),
    ...(height === undefined ? {} : { bitcoinHeight: Number(height) }),
    ...(header === undefined ? {} : { bitcoinHeader: hexToBytes(header) }),
    ...(coinbase === undefined ? {} : { bitcoinCoinbase: hexToBytes(coinbase) })
  }
}

/** @returns false if there is one already, which is left as it is */
export function writeGenesis(dataDir: string, genesis: GenesisOptions): boolean {
  const { timeSec, bitcoinHeight, bitcoinHeader, bitcoinCoinbase } = genesis
  const lines = [
    `${timeSec}`,
    ...(bitcoinHeight === undefined ? [] : [`bitcoin_height ${bitcoinHeight}`]),
    ...(bitcoinHeader === undefined ? [] : [`bitcoin_header ${bytesToHex(bitcoinHeader)}`]),
    ...(bitcoinCoinbase === undefined ? [] : [`bitcoin_coinbase ${bytesToHex(bitcoinCoinbase)}`])
  ]
  makeFolder(dataDir)
  return writeOnce(genesisFile(dataDir), { text: `${lines.join('\n')}\n`, mode: 0o644 })
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw cause
  }
}
