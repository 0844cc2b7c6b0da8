/** What somebody answers who takes a node to a real chain. */
export interface FirstAnswers {
  readonly chain: RealChain
  /** RPC address of the bitcoin node. */
  readonly rpcUrl: string
  /** Path of its cookie file; empty if it is asked with name and password. */
  readonly cookieFile: string
  readonly rpcUser: string
  readonly rpcPassword: string
  /** Whether it tells of new blocks at once. */
  readonly hasZmq: boolean
  /** Paid for miners that give no address themselves; empty: such miners are refused. */
  readonly bareNameAddress: string
  /** Whether the page may be read by whoever is on the local network. */
  readonly isPageOnLan: boolean
}

/** Those whose first share is built in; on testnet4 it has to be configured. */
export const REAL_CHAINS = ['main', 'signet'] as const
export type RealChain = (typeof REAL_CHAINS)[number]

/** What each chain is for and needs, and where its bitcoin node is by default. */
export const CHAIN_FACTS: Readonly<
  Record<
    RealChain,
    {
      readonly what: string
      readonly rpcPort: number
      readonly cookie: string
      readonly option: string
      readonly address: RegExp
    }
  >
> = {
  main: {
    what: 'Real bitcoin, for real miners. Needs a Bitcoin Core node that has caught up; it may be pruned.',
    rpcPort: 8332,
    cookie: '.cookie',
    option: '',
    address: /^(bc1[02-9ac-hj-np-z]{8,87}|[13][1-9A-HJ-NP-Za-km-z]{24,34})$/
  },
  signet: {
    what: 'Coins without a price, and blocks only by whoever has the signet’s key: for a signet of your own.',
    rpcPort: 38_332,
    cookie: 'signet/.cookie',
    option: 'signet=1',
    address: /^(tb1[02-9ac-hj-np-z]{8,87}|[mn2][1-9A-HJ-NP-Za-km-z]{24,34})$/
  }
}

const ZMQ = 'tcp://127.0.0.1:28332'

export function defaultAnswers(chain: RealChain): FirstAnswers {
  const { rpcPort, cookie } = CHAIN_FACTS[chain]
  return {
    chain,
    rpcUrl: `http://127.0.0.1:${rpcPort}`,
    cookieFile: `/home/YOU/.bitcoin/${cookie}`,
    rpcUser: '',
    rpcPassword: '',
    hasZmq: true,
    bareNameAddress: '',
    isPageOnLan: false
  }
}

/** What is still wrong with the answers, each with what to do; none if a node could start with them. */
export function problemsOf(answers: FirstAnswers): readonly string[] {
  const problems: string[] = []
  if (!isHttpUrl(answers.rpcUrl)) problems.push('The address of the bitcoin node has to be like http://127.0.0.1:8332.')
  if (answers.cookieFile.includes('/YOU/')) problems.push('Put your user’s name into the path of the cookie file.')
  if (answers.cookieFile === '' && (answers.rpcUser === '' || answers.rpcPassword === '')) {
    problems.push('Name the cookie file of the bitcoin node, or its RPC user and password.')
  }
  const { bareNameAddress, chain } = answers
  if (bareNameAddress !== '' && !CHAIN_FACTS[chain].address.test(bareNameAddress)) {
    problems.push(
      `${bareNameAddress} does not look like an address of this chain. The node checks it letter by letter when it starts.`
    )
  }
  return problems
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}

/** The configuration, TOML: strings as JSON writes them are strings of TOML. */
export function configToml(answers: FirstAnswers): string {
  const { cookieFile, rpcUser, rpcPassword, bareNameAddress } = answers
  const stratum = bareNameAddress === '' ? [] : ['', '[stratum]', setting('bare_name_address', bareNameAddress)]
  const login =
    cookieFile === ''
      ? [setting('user', rpcUser), setting('password', rpcPassword)]
      : [setting('cookie_file', cookieFile)]
  const api = answers.isPageOnLan ? ['', '[api]', setting('hostname', '0.0.0.0')] : []
  return [
    setting('chain', answers.chain),
    ...stratum,
    '',
    '[[bitcoind]]',
    setting('url', answers.rpcUrl),
    ...login,
    ...(answers.hasZmq ? [setting('zmq_hashblock', ZMQ)] : []),
    ...api,
    ''
  ].join('\n')
}

function setting(name: string, value: string): string {
  return `${name} = ${JSON.stringify(value)}`
}

/** What the bitcoin node's own configuration needs for it. */
export function bitcoinConf({ chain, cookieFile, rpcUser, rpcPassword, hasZmq }: FirstAnswers): string {
  const { option } = CHAIN_FACTS[chain]
  return [
    ...(option === '' ? [] : [option]),
    'server=1',
    ...(cookieFile === '' ? [`rpcuser=${rpcUser}`, `rpcpassword=${rpcPassword}`] : []),
    ...(hasZmq ? [`zmqpubhashblock=${ZMQ}`] : []),
    '# Leaves room for the payouts of some 500 miners in each block.',
    'blockmaxweight=3930000',
    ''
  ].join('\n')
}
