/** Built-in data of every chain's genesis. Source: protocol §10.2. */

export interface GenesisBlock {
  /** Share time, unix seconds; null where it must be configured. */
  readonly timeSec: number | null
  /** As the genesis header states it, not necessarily the block's real height. */
  readonly bitcoinHeight: number
  /** Display order. */
  readonly bitcoinBlockHash: string
  /** 80 bytes; null where it must be configured. */
  readonly bitcoinHeaderHex: string | null
  /** First transaction of the block; null where it is not known. */
  readonly bitcoinCoinbaseHex: string | null
}

/**
 * HASH160 of the public key 02ac493f2130ca56cb5c3a559860cef9a84f90b5a85dfe4ec6e6067eeee17f4d2d, whose secret key nobody
 * knows (a nothing-up-my-sleeve number).
 */
export const GENESIS_MINER_KEY_HASH = '36b2f44bc0f1b83fbcf874c3bcb33a76849aadda'

/** That key with the BIP86 tweak (no script tree). */
export const GENESIS_SHARE_PROGRAM = '66db9f0ac8ca0a00603027b3a445da6ee2df6c0e04f8dc6f996db4e59d0e45bf'

/** The coinbase of bitcoin's first block, shared by signet and regtest; txid 4a5e1e4b..deda33b. */
const FIRST_COINBASE =
  '01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d01044554' +
  '68652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e6420' +
  '6261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6' +
  'a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000'

const FIRST_BLOCK_PREFIX =
  '0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f61' +
  '7fc81bc3888a51323a9fb8aa4b1e5e4a'

export const GENESIS_BLOCKS = {
  main: {
    timeSec: 1776855600,
    bitcoinHeight: 920527,
    bitcoinBlockHash: '000000000000000000006fa29653a523d531657ad20d6f946d0fef88c97cd935',
    bitcoinHeaderHex:
      '0000ff3faa64ac9d27b16cf94fd9020fa413dcd86b68cae24e4101000000000000000000d6af432d111240d92605242f9b38ef8d' +
      'f4e5b7aa75e390a7f1a668ed9bb422cb754c046af01f0217ca5570cd',
    bitcoinCoinbaseHex: null
  },
  testnet4: {
    timeSec: null,
    bitcoinHeight: 151197,
    bitcoinBlockHash: '0000000000a57b6dd9b7340a2e2cbb7069a0ccdf28f3db69070ea89d7287444b',
    bitcoinHeaderHex: null,
    bitcoinCoinbaseHex: null
  },
  signet: {
    timeSec: 1776855600,
    bitcoinHeight: 0,
    bitcoinBlockHash: '00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6',
    bitcoinHeaderHex: `${FIRST_BLOCK_PREFIX}008f4d5fae77031e8ad22203`,
    bitcoinCoinbaseHex: FIRST_COINBASE
  },
  regtest: {
    timeSec: 1776855600,
    bitcoinHeight: 0,
    bitcoinBlockHash: '0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206',
    bitcoinHeaderHex: `${FIRST_BLOCK_PREFIX}dae5494dffff7f2002000000`,
    bitcoinCoinbaseHex: FIRST_COINBASE
  }
} as const satisfies Record<string, GenesisBlock>
