import type { StatusJson } from '@p2poolv2/api/schema'

/** What to write where, by what runs on the machine. Names are those on the machines' own pages. */
export interface FirmwareHint {
  readonly firmware: string
  readonly steps: (connect: {
    readonly host: string
    readonly port: number
    readonly url: string
    readonly user: string
    readonly password: string
    readonly mode: StatusJson['mode']
  }) => readonly string[]
}

const paidStraightAway = (whom: string, grows: string): readonly string[] => [
  `AxeOS 2.13 and newer reads the block it works on and warns that “your share of the coinbase reward is only … %”, or that you have none. Here that is as it should be: a block pays ${whom} straight away, and the percentage is your part of it, which grows with your ${grows}. Its pool settings have a switch that turns the reading of the coinbase off.`,
  'NerdQAxe: leave “Enforce” of the coinbase verification off, or it disconnects for the same reason.'
]
const SHARED_COINBASE = {
  sharechain: paidStraightAway('everybody in the payout window', 'shares'),
  hydrapool: paidStraightAway('everybody who worked here of late', 'work')
} as const

export const FIRMWARE_HINTS: readonly FirmwareHint[] = [
  {
    firmware: 'Bitaxe, NerdQAxe (AxeOS)',
    steps: ({ host, port, user, password, mode }) => [
      `On its page under Pool: Stratum Host ${host}, Stratum Port ${port} (without stratum+tcp://).`,
      `Stratum User: ${user}. Password: ${password}. Save and restart.`,
      'Many units cannot find .local names: take the IP address, and let your router always give it to this computer.',
      // A block that pays its finder alone is what these firmwares expect.
      ...(mode === 'solo' ? [] : SHARED_COINBASE[mode])
    ]
  },
  {
    firmware: 'Antminer, Braiins OS, VNish',
    steps: ({ url, user, password, mode }) => [
      `Under Miner Configuration, Pools: URL ${url}, worker ${user}, password ${password}.`,
      `Some stock firmwares take only short coinbases. If yours is one, it is told here what it gets instead; the ${mode === 'sharechain' ? 'Share chain' : 'Work'} page lists the limits beside the length of the present coinbase.`
    ]
  },
  {
    firmware: 'NerdMiner, ESP32',
    steps: ({ host, port, user, mode }) => [
      `Pool url ${host}, port ${port}, BTC wallet ${user}.`,
      `It finds a submit now and then${mode === 'sharechain' ? ' and hardly ever a share' : ''}; it is welcome all the same.`
    ]
  },
  {
    firmware: 'cpuminer, cgminer, bfgminer',
    steps: ({ url, user, password }) => [
      `cpuminer: minerd -a sha256d -o ${url} -u ${user} -p ${password}`,
      `cgminer: cgminer -o ${url} -u ${user} -p ${password}`
    ]
  }
]
