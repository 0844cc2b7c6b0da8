import {
  authorize,
  configure,
  type Firmware,
  paramsFirst,
  silent,
  subscribe,
  subscribeExtranonce,
  suggest,
  withSession
} from './firmware.ts'

const ROLLING = ['version-rolling']
const MASK = '1fffe000'

/** What most have in common; a make says what it does otherwise. */
const USUAL = {
  reads: 'by-id',
  difficulties: 'floating',
  counts: 'next-job',
  maxLineBytes: null,
  maxCoinbaseBytes: null,
  submit: {
    versionBits: '00a2e000',
    padsNonce: true,
    id: 'counts',
    keys: 'id-first',
    name: 'as-authorised',
    extranonce2: 'counts'
  },
  countsStrayAnswers: false,
  deadAfterMs: null,
  retryMs: 5_000,
  reconnect: 'ignores'
} as const satisfies Partial<Firmware>

/** cgminer and all that was made of it. */
const CGMINER = {
  ...USUAL,
  reads: 'loop',
  submit: { ...USUAL.submit, keys: 'params-first' },
  countsStrayAnswers: true,
  deadAfterMs: 90_000,
  retryMs: 30_000,
  reconnect: 'obeys'
} as const satisfies Partial<Firmware>

const ANTMINER_EXTENSIONS = configure(
  0,
  ['version-rolling', 'minimum-difficulty', 'subscribe-extranonce'],
  ({ minimumDifficulty }) => ({
    'version-rolling.mask': MASK,
    'version-rolling.min-bit-count': 16,
    'minimum-difficulty.value': minimumDifficulty
  })
)

/** Every make that is played, by what its sources and its users say of it (stratum §1.5, §2, §3.2, §6.6, §8). */
export const FIRMWARES: readonly Firmware[] = [
  {
    ...USUAL,
    name: 'Bitaxe, AxeOS 2.9',
    login: [
      [
        configure(1, ROLLING, () => ({ 'version-rolling.mask': 'ffffffff' })),
        subscribe(2, () => ['bitaxe/BM1370/v2.9.0']),
        authorize(3)
      ]
    ],
    afterLogin: [suggest(4, [1000])],
    maxCoinbaseBytes: 6_500,
    deadAfterMs: 180_000,
    reconnect: 'obeys',
    firstDifficulty: 512,
    leastDifficulty: 256
  },
  {
    ...USUAL,
    name: 'Bitaxe, ESP-Miner 2.1',
    login: [
      [subscribe(1, () => ['bitaxe/BM1366/v2.1.0'])],
      [configure(2, ROLLING, () => ({ 'version-rolling.mask': 'ffffffff' }))],
      [suggest(3, [1000]), authorize(4)]
    ],
    reads: 'by-place',
    difficulties: 'whole',
    counts: 'at-once',
    maxCoinbaseBytes: 6_500,
    deadAfterMs: 180_000,
    firstDifficulty: 1000,
    leastDifficulty: 256
  },
  {
    ...USUAL,
    name: 'NerdQAxe++',
    login: [
      [
        subscribe(1, () => ['NerdQAxe++/BM1370/v1.0.36']),
        configure(2, ROLLING, () => ({ 'version-rolling.mask': MASK })),
        authorize(3),
        suggest(4, [600]),
        subscribeExtranonce(5)
      ]
    ],
    difficulties: 'whole',
    maxLineBytes: 16_384,
    firstDifficulty: 600,
    leastDifficulty: 256
  },
  {
    ...USUAL,
    name: 'NerdMiner 1.8',
    login: [[subscribe(1, () => ['NerdMinerV2/V1.8.3'])], [paramsFirst(authorize(2)), suggest(3, [0.00015])]],
    reads: 'by-place',
    maxLineBytes: 4_096,
    maxCoinbaseBytes: 255,
    submit: { ...USUAL.submit, versionBits: null, padsNonce: false, extranonce2: '0000000000000001' },
    deadAfterMs: 600_000,
    repeats: { everyMs: 30_000, request: suggest(3, [0.00015]) },
    firstDifficulty: 0.00015,
    leastDifficulty: 0.0001
  },
  {
    ...USUAL,
    name: 'SparkMiner',
    login: [[subscribe(1, () => ['SparkMiner/1.0'])], [authorize(2)]],
    submit: { ...USUAL.submit, versionBits: null, name: 'address-alone' },
    firstDifficulty: 0.0005,
    leastDifficulty: 0.0001
  },
  {
    ...CGMINER,
    name: 'cgminer 4.11 (Avalon)',
    login: [
      [configure(0, ROLLING, () => ({ 'version-rolling.mask': 'ffffffff' }))],
      [subscribe(1, withSession('cgminer/4.11.1'))],
      [authorize(2)]
    ],
    firstDifficulty: 1024,
    leastDifficulty: 1
  },
  {
    ...CGMINER,
    name: 'Antminer S9 (bmminer)',
    login: [[subscribe(1, withSession('bmminer/2.0.0'))], [authorize(2)], [subscribeExtranonce(3)]],
    afterLogin: [silent(4, 'mining.multi_version', [1])],
    submit: { ...CGMINER.submit, versionBits: null },
    firstDifficulty: 8192,
    leastDifficulty: 1
  },
  {
    ...CGMINER,
    name: 'Antminer S19, stock',
    login: [[ANTMINER_EXTENSIONS], [subscribe(1, withSession('Antminer S19/Tue Mar 1'))], [authorize(2)]],
    counts: 'at-once',
    firstDifficulty: 65_536,
    leastDifficulty: 2048
  },
  {
    ...CGMINER,
    name: 'Antminer S19, Vnish',
    login: [[ANTMINER_EXTENSIONS, subscribe(1, () => []), authorize(2)]],
    reads: 'by-id',
    firstDifficulty: 2048,
    leastDifficulty: 2048
  },
  {
    ...CGMINER,
    name: 'Whatsminer',
    login: [
      [configure(0, ROLLING, () => ({ 'version-rolling.mask': MASK }))],
      [subscribe(1, withSession('whatsminer/v1.0'))],
      [authorize(2)]
    ],
    maxCoinbaseBytes: 6_500,
    firstDifficulty: 65_536,
    leastDifficulty: 1
  },
  {
    ...USUAL,
    name: 'Braiins OS',
    login: [
      [
        configure(0, ROLLING, () => ({ 'version-rolling.mask': MASK, 'version-rolling.min-bit-count': 16 })),
        subscribe(1, ({ session }) => ['bosminer-plus-tuner 1.0', session, '192.0.2.1', 3333]),
        authorize(2)
      ]
    ],
    maxCoinbaseBytes: 2_250,
    deadAfterMs: 120_000,
    firstDifficulty: 65_536,
    leastDifficulty: 1
  },
  {
    ...USUAL,
    name: 'cpuminer 2.5',
    login: [[subscribe(1, withSession('cpuminer/2.5.1'))], [authorize(2)]],
    reads: 'loop',
    submit: { ...USUAL.submit, versionBits: null, id: 4, keys: 'id-last' },
    deadAfterMs: 120_000,
    retryMs: 30_000,
    reconnect: 'obeys',
    firstDifficulty: 0.01,
    leastDifficulty: 0.0001
  },
  {
    ...USUAL,
    name: 'bfgminer',
    login: [[subscribe(1, withSession('bfgminer/5.5.0'))], [authorize('auth')]],
    reads: 'loop',
    submit: { ...USUAL.submit, versionBits: null },
    deadAfterMs: 120_000,
    reconnect: 'obeys',
    firstDifficulty: 1024,
    leastDifficulty: 0.0001
  },
  {
    ...USUAL,
    name: 'NiceHash',
    login: [
      [subscribe(1, () => ['NiceHash/1.0.0', '1755300000', '9f0c33a9e28b7f41'])],
      [authorize(2), subscribeExtranonce(3)]
    ],
    maxCoinbaseBytes: 500,
    deadAfterMs: 120_000,
    reconnect: 'obeys',
    firstDifficulty: 524_288,
    leastDifficulty: 524_288
  },
  {
    ...USUAL,
    name: 'rental proxy',
    login: [[subscribe(1, withSession('MRRProxy/1.0'))], [authorize(2)]],
    submit: { ...USUAL.submit, versionBits: '00a2e000' },
    deadAfterMs: 120_000,
    reconnect: 'obeys',
    door: 1,
    firstDifficulty: 1_000_000,
    leastDifficulty: 1
  }
]
