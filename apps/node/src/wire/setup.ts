import { existsSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { CommandRefused, type SetupSources } from '@p2poolv2/api'
import type { SetupAnswers, SetupCheckJson } from '@p2poolv2/api/schema'
import type { BitcoinNetwork } from '@p2poolv2/bitcoin'
import { preflight, RpcClient } from '@p2poolv2/bitcoind'
import { consensusAddress } from '@p2poolv2/consensus'
import { CONFIG_FILE_NAME, ConfigError, type ConfigSources, loadConfig } from '../config.ts'
import { configTemplate } from '../config-template.ts'
import { writeOnce } from '../data/write-once.ts'
import { BITCOIND, type Config } from '../settings.ts'
import { ADDRESS_PREFIXES } from './api-answers.ts'
import { BITCOIN_CHAINS } from './bitcoin/bitcoin-chains.ts'

/** How a written configuration comes into force. */
export interface SetupHost {
  /** What the next start reads, but for the file. */
  readonly sources: ConfigSources
  /** Starts the node again with it; null where whoever runs it has to. */
  readonly restart: (() => void) | null
}

type Chain = SetupAnswers['chain']

/** What each chain is for and what it needs. */
const PURPOSES: Readonly<Record<Chain, string>> = {
  main: 'Real bitcoin, for real miners. Needs a Bitcoin Core node that has caught up; it may be pruned.',
  testnet4:
    'Public test coins, with miners of your own. Its genesis share has to be configured by hand: [genesis] in the file.',
  signet: 'Coins without a price, and blocks only by whoever has the signet’s key: for a signet of your own.',
  regtest:
    'A bitcoin chain of your own on this computer, where blocks are found at once: to try a real bitcoind at home.'
}

const NETWORKS: Readonly<Record<Chain, BitcoinNetwork>> = {
  main: 'main',
  testnet4: 'test',
  signet: 'test',
  regtest: 'regtest'
}

/** Whoever asks waits for it in a browser. */
const ASK_WITHIN_MS = 8_000
const MODE = 0o600

/** Writes the first configuration, after it was looked at as the next start will look at it. */
export function setupSources(config: Config, file: string | null, host: SetupHost): SetupSources {
  const target = file ?? join(config.data_dir, CONFIG_FILE_NAME)
  const textOf = (answers: SetupAnswers): string => configTemplate(answers.chain, settingsOf(answers))

  /** Puts the text beside the target and reads it with the same environment and flags. @throws ConfigError */
  const tried = (text: string): void => {
    const trial = `${target}.trial`
    rmSync(trial, { force: true })
    try {
      writeOnce(trial, { text, mode: MODE })
      loadConfig({ ...host.sources, file: trial })
    } finally {
      rmSync(trial, { force: true })
    }
  }

  return {
    look: () => ({
      file: target,
      exists: existsSync(target),
      chains: (Object.keys(PURPOSES) as Chain[]).map(chain => {
        const cookieFile = join(homedir(), '.bitcoin', BITCOIND[chain].cookie)
        return {
          chain,
          purpose: PURPOSES[chain],
          rpcUrl: `http://127.0.0.1:${BITCOIND[chain].rpcPort}`,
          cookieFile,
          cookieFound: existsSync(cookieFile),
          addressPrefixes: [...ADDRESS_PREFIXES[NETWORKS[chain]]]
        }
      })
    }),
    check: async answers => {
      const problems = problemsOf(answers)
      if (problems.length === 0) {
        try {
          tried(textOf(answers))
        } catch (error) {
          problems.push({ field: 'chain', message: troubleOf(error) })
        }
      }
      return { problems, bitcoind: await askBitcoind(answers) }
    },
    write: async answers => {
      const [problem] = problemsOf(answers)
      if (problem !== undefined) throw new CommandRefused(problem.message)
      const text = textOf(answers)
      try {
        tried(text)
        const kept = keepOld(target)
        if (!writeOnce(target, { text, mode: MODE })) throw new CommandRefused(alreadyThere(target))
        return { file: target, kept, restarts: host.restart !== null, next: nextStep(host) }
      } catch (error) {
        if (error instanceof CommandRefused) throw error
        throw new CommandRefused(troubleOf(error))
      }
    },
    written: () => host.restart?.()
  }
}

function alreadyThere(file: string): string {
  return `${file} was put there by somebody else just now and is left as it is: look at it, then write again`
}

function nextStep({ restart }: SetupHost): string {
  return restart === null
    ? 'Start the node again: it reads the file then.'
    : 'The node starts again with it now. What it does not like it says here and in its log.'
}

/** Moves what is there out of the way; an older one kept so goes. */
function keepOld(file: string): string | null {
  if (!existsSync(file)) return null
  const kept = `${file}.before`
  renameSync(file, kept)
  return kept
}

function troubleOf(error: unknown): string {
  if (error instanceof ConfigError) return error.message
  const { code, path } = error as NodeJS.ErrnoException
  if (code === undefined) throw error
  return `${path ?? 'the file'} cannot be written (${code}): see that there is room and that this user may write there`
}

/** What is wrong with the answers themselves; the rest is for the bitcoin node to say. */
function problemsOf(answers: SetupAnswers): SetupCheckJson['problems'] {
  const problems: SetupCheckJson['problems'] = []
  const { chain, payoutAddress, rpcUrl, cookieFile, rpcUser, rpcPassword, zmqHashblock } = answers
  if (payoutAddress !== '' && consensusAddress(payoutAddress, NETWORKS[chain]) === null)
    problems.push({
      field: 'payoutAddress',
      message: `${payoutAddress} is no address of ${chain}: those begin with ${ADDRESS_PREFIXES[NETWORKS[chain]].join(', ')}. Copy it whole from your wallet.`
    })
  if (!URL.canParse(rpcUrl) || !/^https?:$/.test(new URL(rpcUrl).protocol))
    problems.push({ field: 'rpcUrl', message: `It has to be like http://127.0.0.1:${BITCOIND[chain].rpcPort}` })
  // There it is money: what was not tried on a bitcoin node, or pays nobody, is not written.
  if (chain === 'main' && payoutAddress === '')
    problems.push({ field: 'payoutAddress', message: 'On main it is needed: give the address that is to be paid.' })
  if (chain === 'main' && cookieFile !== '' && !existsSync(cookieFile))
    problems.push({
      field: 'cookieFile',
      message: `${cookieFile} is not there: start the bitcoin node, with server=1, or name the file where it has it, or ask it by RPC user and password.`
    })
  if (cookieFile === '' && (rpcUser === '' || rpcPassword === ''))
    problems.push({
      field: 'cookieFile',
      message: 'Name the cookie file of the bitcoin node, or its RPC user and password.'
    })
  if (zmqHashblock !== '' && !/^(tcp|ipc):\/\/./.test(zmqHashblock))
    problems.push({
      field: 'zmqHashblock',
      message: 'It has to be like tcp://127.0.0.1:28332, as zmqpubhashblock in bitcoin.conf.'
    })
  return problems
}

async function askBitcoind(answers: SetupAnswers): Promise<SetupCheckJson['bitcoind']> {
  const { chain, rpcUrl, cookieFile, rpcUser, rpcPassword, zmqHashblock } = answers
  const login = cookieFile === '' ? { user: rpcUser, password: rpcPassword } : { cookieFile }
  const client = new RpcClient({ url: rpcUrl, ...login, timeoutMs: ASK_WITHIN_MS })
  try {
    const expected = { chains: BITCOIN_CHAINS[chain], ...(zmqHashblock === '' ? {} : { zmqHashblock }) }
    const findings = await preflight(client, expected)
    const has = (severity: string): boolean => findings.some(finding => finding.severity === severity)
    const isUnusable = findings.some(({ code }) => code === 'node-unusable')
    return {
      state: has('fatal') ? 'unusable' : has('wait') ? 'waiting' : 'ready',
      height: isUnusable ? null : await heightOf(client),
      findings: findings.map(({ severity, message }) => ({ severity, message }))
    }
  } finally {
    client.close()
  }
}

async function heightOf(client: RpcClient): Promise<number | null> {
  const height = await client.call('getblockcount').catch(() => null)
  return typeof height === 'number' && Number.isSafeInteger(height) && height >= 0 ? height : null
}

/** What the answers set, by dotted key. */
function settingsOf(answers: SetupAnswers): ReadonlyMap<string, unknown> {
  const { chain, payoutAddress, rpcUrl, cookieFile, rpcUser, rpcPassword, zmqHashblock, isPageOnLan } = answers
  const settings = new Map<string, unknown>([
    ['chain', chain],
    ['bitcoind.url', rpcUrl]
  ])
  if (cookieFile === '') settings.set('bitcoind.user', rpcUser).set('bitcoind.password', rpcPassword)
  else settings.set('bitcoind.cookie_file', cookieFile)
  if (zmqHashblock !== '') settings.set('bitcoind.zmq_hashblock', zmqHashblock)
  if (payoutAddress !== '') settings.set('stratum.bare_name_address', payoutAddress)
  if (isPageOnLan) settings.set('api.hostname', '0.0.0.0')
  return settings
}
