import { existsSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { WrongUsage } from '../cli/outcome.ts'
import { ConfigError } from '../config.ts'
import { configTemplate } from '../config-template.ts'
import { makeFolder } from '../data/data-dir.ts'
import { CHAINS, type Config } from '../settings.ts'

type Chain = Config['chain']

/** What each chain is for and what it needs. */
export const CHAIN_SENTENCES: Readonly<Record<Chain, string>> = {
  main: 'bitcoin itself: what is mined is money. Needs a bitcoind that has caught up, and miners.',
  testnet4:
    "bitcoin's test network: coins are worth nothing, blocks are found by others too. Needs a bitcoind with -testnet4, and the genesis values that others on it use.",
  signet:
    'a test network where only its signers make blocks, so yours count on a signet of your own. Needs a bitcoind with -signet.',
  regtest:
    'a chain of your own where blocks are easy and shares, at difficulty 1,000, are not. Needs a bitcoind with -regtest.',
  devnet: 'for trying things out: embedded bitcoin chain and built-in miners. Needs nothing.'
}

/** The chains, a line each. */
export function chainList(): string[] {
  return CHAINS.map(chain => `  ${chain.padEnd(8)}  ${CHAIN_SENTENCES[chain]}`)
}

/** @throws WrongUsage where none is named: money and make-believe are not to be mixed up by a default */
export function namedChain(chain: string | undefined): Chain {
  const found = CHAINS.find(known => known === chain)
  if (found !== undefined) return found
  const said = chain === undefined ? 'say which chain, with --chain' : `there is no chain "${chain}"`
  throw new WrongUsage(`${said}:\n${chainList().join('\n')}`)
}

/**
 * Writes a commented configuration.
 * @param dataDir what it says of the data directory; null leaves the default
 * @returns the absolute path written
 * @throws ConfigError when the file exists: a configuration is never overwritten
 */
export function init(path: string, chain: Chain, dataDir: string | null): string {
  const file = resolve(path)
  if (existsSync(file))
    throw new ConfigError(`${file} is there already and is left as it is; name another file with --config`)
  makeFolder(dirname(file))
  writeFileSync(file, configTemplate(chain, null, dataDir), { flag: 'wx', mode: 0o600 })
  return file
}
