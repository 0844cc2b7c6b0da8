import { type BitcoinTip, type BlockTemplate, isHeaderOf, parseTemplate } from '@p2poolv2/bitcoin'
import { type BlockHash, blockHash, wireFromDisplay } from '@p2poolv2/primitives'
import type { CallOptions, RpcClient } from './rpc-client.ts'
import { printable, RpcError } from './rpc-error.ts'

/** The fields of `getblockchaininfo` that we act on. */
export interface NodeChainInfo {
  /** bitcoind's name of the network: main, test, testnet4, signet, regtest. */
  readonly chain: string
  readonly blocks: number
  readonly headers: number
  readonly initialBlockDownload: boolean
}

/** @throws RpcError */
export async function getChainInfo(client: RpcClient, options: CallOptions = {}): Promise<NodeChainInfo> {
  const answer = await client.call('getblockchaininfo', [], options)
  const fields: Readonly<Record<string, unknown>> = typeof answer === 'object' && answer !== null ? { ...answer } : {}
  const { chain, blocks, headers, initialblockdownload } = fields
  if (
    typeof chain !== 'string' ||
    !isHeight(blocks) ||
    !isHeight(headers) ||
    typeof initialblockdownload !== 'boolean'
  ) {
    throw badAnswer(client, 'getblockchaininfo')
  }
  return { chain: printable(chain), blocks, headers, initialBlockDownload: initialblockdownload }
}

/** @throws RpcError */
export async function getBestBlockHash(client: RpcClient, options: CallOptions = {}): Promise<BlockHash> {
  const answer = await client.call('getbestblockhash', [], options)
  if (!isHash(answer)) throw badAnswer(client, 'getbestblockhash')
  return blockHash(answer)
}

/**
 * The node's tip with its header, which is hashed here.
 * @returns null if the block with this hash is not the tip, or not any more
 * @throws RpcError also `bad-answer` for a header that is not this block's, or that lacks the work it claims
 */
export async function getTip(
  client: RpcClient,
  hash: BlockHash,
  options: CallOptions = {}
): Promise<BitcoinTip | null> {
  const answer = await client.call('getblockheader', [hash, true], options)
  const fields: Readonly<Record<string, unknown>> = typeof answer === 'object' && answer !== null ? { ...answer } : {}
  const { confirmations, height, version, previousblockhash, merkleroot, time, mediantime, bits, nonce } = fields
  if (
    !Number.isSafeInteger(confirmations) ||
    !isHeight(height) ||
    typeof version !== 'number' ||
    (version | 0) !== version ||
    !isHash(previousblockhash) ||
    !isHash(merkleroot) ||
    !isU32(time) ||
    !isU32(mediantime) ||
    !isU32(nonce) ||
    typeof bits !== 'string' ||
    !/^[0-9a-f]{8}$/.test(bits)
  ) {
    throw badAnswer(client, 'getblockheader')
  }
  const header = {
    version,
    prevHashWire: wireFromDisplay(previousblockhash),
    merkleRootWire: wireFromDisplay(merkleroot),
    timeSec: time,
    bits: Number.parseInt(bits, 16),
    nonce
  }
  if (!isHeaderOf(hash, header)) throw badAnswer(client, 'getblockheader')
  return confirmations === 1 ? { hash, header, bitcoinHeight: height, medianTimeSec: mediantime } : null
}

/** The rules a miner has to name on a chain; bitcoind refuses a request on signet that does not name signet (BIP325). */
export function templateRules(chain: string): readonly string[] {
  return chain === 'signet' ? ['segwit', 'signet'] : ['segwit']
}

export interface TemplateRequest extends CallOptions {
  /** As `getblockchaininfo` names it. */
  readonly chain: string
  /** Wait until there is something newer than the template with this id. */
  readonly longPollId?: string
  /** Awaited before the answer is checked, which takes tens of milliseconds for a full mempool. */
  readonly whenFree?: (() => Promise<void>) | undefined
}

/** @throws RpcError also `bad-answer` for a template that cannot be used, naming the field */
export async function getTemplate(client: RpcClient, request: TemplateRequest): Promise<BlockTemplate> {
  const { chain, longPollId, whenFree, ...options } = request
  const wish = { rules: templateRules(chain), ...(longPollId === undefined ? {} : { longpollid: longPollId }) }
  const answer = await client.call('getblocktemplate', [wish], options)
  await whenFree?.()
  const parsed = parseTemplate(answer)
  if (parsed.ok) return parsed.template
  const what = `${client.url} gave a block template that cannot be used: ${printable(parsed.reason)}`
  throw new RpcError(what, { code: 'bad-answer' })
}

export function badAnswer(client: RpcClient, method: string): RpcError {
  const what = `${client.url} answered ${method} in a shape we do not know: is [bitcoind] url a bitcoin node?`
  return new RpcError(what, { code: 'bad-answer' })
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
}

function isU32(value: unknown): value is number {
  return isHeight(value) && value <= 0xffff_ffff
}

function isHeight(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
