import { type ChainBlock, type DevChain, MAX_BLOCK_BYTES } from '@p2poolv2/devchain'
import { bigIntFromBits, blockHash, bytesToHex, difficultyFromBits, hexToBytes } from '@p2poolv2/primitives'
import { bitsText, blockView, headerHex, headerView, hex32 } from './block-views.ts'
import type { LiveChain } from './live-chain.ts'
import { RPC_CODE, RpcFault } from './rpc-fault.ts'

/** Told by `getnetworkinfo`, so that nobody takes this for a bitcoin node. */
export const SUBVERSION = '/p2poolv2-development-chain:0.1.0/'

/** What every method gets: positional parameters, and a signal for when the caller has gone. */
export type Method = (live: LiveChain, params: readonly unknown[], signal: AbortSignal) => unknown

const HASHRATE_BLOCKS = 120

export const METHODS: Readonly<Record<string, Method>> = {
  getblocktemplate,
  submitblock,
  getblockchaininfo: ({ chain }) => {
    const { tip } = chain
    return {
      chain: 'regtest',
      blocks: tip.bitcoinHeight,
      headers: tip.bitcoinHeight,
      bestblockhash: tip.hash,
      bits: bitsText(tip.header.bits),
      target: hex32(bigIntFromBits(tip.header.bits)),
      difficulty: difficultyFromBits(tip.header.bits),
      time: tip.header.timeSec,
      mediantime: tip.medianTimeSec,
      verificationprogress: 1,
      initialblockdownload: false,
      chainwork: hex32(tip.chainWork),
      pruned: false,
      warnings: ['This is a development chain, not bitcoin']
    }
  },
  getnetworkinfo: () => ({
    version: 290_000,
    subversion: SUBVERSION,
    protocolversion: 70_016,
    localrelay: false,
    networkactive: false,
    connections: 0,
    warnings: ['This is a development chain, not bitcoin']
  }),
  getmininginfo: ({ chain, nowSec }) => {
    const next = chain.template(nowSec)
    return {
      blocks: chain.tip.bitcoinHeight,
      bits: bitsText(chain.tip.header.bits),
      difficulty: difficultyFromBits(chain.tip.header.bits),
      target: hex32(bigIntFromBits(chain.tip.header.bits)),
      networkhashps: hashrate(chain),
      pooledtx: 0,
      chain: 'regtest',
      next: {
        height: next.height,
        bits: next.bits,
        difficulty: difficultyFromBits(Number.parseInt(next.bits, 16)),
        target: next.target
      },
      warnings: []
    }
  },
  getblockcount: ({ chain }) => chain.tip.bitcoinHeight,
  getbestblockhash: ({ chain }) => chain.tip.hash,
  getblockhash: ({ chain }, [height]) => {
    if (typeof height !== 'number') throw new RpcFault(RPC_CODE.typeError, 'The height is not a number')
    if (!Number.isInteger(height) || height < 0 || height > chain.tip.bitcoinHeight) {
      throw new RpcFault(RPC_CODE.invalidParameter, 'Block height out of range')
    }
    return available(chain.blockAt(height)).hash
  },
  getblockheader: ({ chain }, [hash, verbose = true]) => {
    const block = blockOf(chain, hash)
    return verbose === false ? headerHex(block) : headerView(chain, block)
  },
  getblock: ({ chain }, [hash, verbosity = 1]) => {
    const block = blockOf(chain, hash)
    const level = typeof verbosity === 'boolean' ? Number(verbosity) : verbosity
    if (typeof level !== 'number') throw new RpcFault(RPC_CODE.typeError, 'The verbosity is not a number')
    if (level <= 0) return bytesToHex(block.bytes)
    return blockView(chain, block, level === 1 ? 'ids' : 'full')
  },
  getzmqnotifications: () => []
}

async function getblocktemplate(live: LiveChain, params: readonly unknown[], signal: AbortSignal): Promise<unknown> {
  const { rules, mode = 'template', longpollid } = asObject(params[0])
  if (mode !== 'template') throw new RpcFault(RPC_CODE.invalidParameter, 'Invalid mode')
  if (!Array.isArray(rules) || !rules.includes('segwit')) {
    const wish = 'getblocktemplate must be called with the segwit rule set (call with {"rules": ["segwit"]})'
    throw new RpcFault(RPC_CODE.invalidParameter, wish)
  }
  const template = () => live.chain.template(live.nowSec)
  if (longpollid !== undefined) {
    if (typeof longpollid !== 'string' || !/^[0-9a-f]{64}[0-9a-f]+$/.test(longpollid)) {
      throw new RpcFault(RPC_CODE.invalidParameter, 'Invalid longpollid')
    }
    await live.waiters.wait(() => template().longpollid !== longpollid, signal)
  }
  return template()
}

async function submitblock(live: LiveChain, [text]: readonly unknown[]): Promise<unknown> {
  const outcome = typeof text === 'string' && isBlockHex(text) ? await live.submit(hexToBytes(text)) : null
  if (outcome === null || outcome.type === 'undecodable')
    throw new RpcFault(RPC_CODE.decodeFailed, 'Block decode failed')
  if (outcome.type === 'refused') return outcome.reason
  return outcome.type === 'accepted' ? null : 'inconclusive'
}

function isBlockHex(text: string): boolean {
  return text.length <= 2 * MAX_BLOCK_BYTES && text.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(text)
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function blockOf(chain: DevChain, hash: unknown): ChainBlock {
  if (typeof hash !== 'string') throw new RpcFault(RPC_CODE.typeError, 'The block hash is not text')
  if (!/^[0-9a-f]{64}$/.test(hash)) {
    throw new RpcFault(RPC_CODE.invalidParameter, 'The block hash is not 64 lower-case hex digits')
  }
  const block = chain.blockOf(blockHash(hash))
  if (block === null) throw new RpcFault(RPC_CODE.notFound, 'Block not found')
  return block
}

function available(block: ChainBlock | null): ChainBlock {
  if (block === null) throw new RpcFault(RPC_CODE.miscError, 'Block not available (pruned data)')
  return block
}

/** Hashes a second over the last blocks, 0 while there are too few. */
function hashrate(chain: DevChain): number {
  const { tip } = chain
  const from = chain.blockAt(Math.max(1, tip.bitcoinHeight - HASHRATE_BLOCKS))
  if (from === null || from === tip) return 0
  return Number(tip.chainWork - from.chainWork) / Math.max(1, tip.header.timeSec - from.header.timeSec)
}
