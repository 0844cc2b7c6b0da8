import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import {
  addressFromScript,
  type BitcoinNetwork,
  bip86OutputKey,
  isSecretKey,
  witnessProgramScript,
  xOnlyPublicKey
} from '@p2poolv2/bitcoin'
import { asciiToBytes, bytesToHex, concatBytes, hexToBytes, sha256 } from '@p2poolv2/primitives'
import { makeFolder, WALLET_FILE_NAME } from './data-dir.ts'
import { writeOnce } from './write-once.ts'

/** The wallet key cannot be used; the message names the file and the fix. */
export class WalletError extends Error {
  readonly code = 'wallet-unusable'
}

/** The node's own key: the share-chain address of miners that name none. */
export interface Wallet {
  /** 32 bytes, the taproot output key (BIP86) of the node's share-chain address. */
  readonly shareProgram: Uint8Array
  /** Payout address of the n-th built-in miner: taproot, derived from the wallet key. Development chains only. */
  readonly minerAddress: (index: number, network: BitcoinNetwork) => string
}

/**
 * Opens the wallet key in the data directory, making it at first start (64 hex digits, file mode 0600).
 * @param randomKey 32 random bytes; asked only when there is no key yet, and may throw to forbid a new one
 * @throws WalletError when the file is not a key or others may read it
 */
export function openWallet(dataDir: string, randomKey: () => Uint8Array): Wallet {
  makeFolder(dataDir)
  const secret = openKeyFile(join(dataDir, WALLET_FILE_NAME), randomKey)
  return {
    shareProgram: bip86OutputKey(xOnlyPublicKey(secret)),
    minerAddress: (index, network) => {
      const child = sha256(concatBytes(secret, asciiToBytes(`built-in miner ${index}`)))
      const address = addressFromScript(witnessProgramScript(1, bip86OutputKey(xOnlyPublicKey(child))), network)
      if (address === null) throw new WalletError('a taproot script always has an address')
      return address
    }
  }
}

/**
 * The key in a file, made if there is none (64 hex digits, file mode 0600).
 * @throws WalletError when the file is not a key or others may read it
 */
export function openKeyFile(file: string, randomKey: () => Uint8Array): Uint8Array {
  return existingSecret(file) ?? newSecret(file, randomKey)
}

function existingSecret(file: string): Uint8Array | null {
  let text: string
  try {
    if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) {
      throw new WalletError(`${file} can be read by others on this computer: run chmod 600 '${file}'`)
    }
    text = readFileSync(file, 'utf8').trim()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw cause
  }
  if (!/^[0-9a-f]{64}$/.test(text) || !isSecretKey(hexToBytes(text))) {
    throw new WalletError(
      `${file} does not hold a key (64 hex digits): restore it from your backup, or move it away to get a new one`
    )
  }
  return hexToBytes(text)
}

function newSecret(file: string, randomKey: () => Uint8Array): Uint8Array {
  let secret = randomKey()
  while (!isSecretKey(secret)) secret = randomKey()
  // Shares will be credited to it from the first minute, so it has to outlive a power cut in the second.
  if (writeOnce(file, { text: `${bytesToHex(secret)}\n`, mode: 0o600 })) return secret
  // Another start made one in the meantime.
  return existingSecret(file) ?? secret
}
