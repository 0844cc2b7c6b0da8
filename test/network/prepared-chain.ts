import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { witnessProgramScript } from '@p2poolv2/bitcoin'
import {
  type ChainParams,
  type ConsensusAddress,
  chainParams,
  consensusAddressFromScript,
  consensusFingerprint,
  genesisShare,
  type Share
} from '@p2poolv2/consensus'
import { type CompactBits, invariant, type ShareHash, seededRng, unixMs } from '@p2poolv2/primitives'
import { systemRng } from '@p2poolv2/runtime'
import { type ChainDelta, SCHEMA_VERSION, ShareChain } from '@p2poolv2/sharechain'
import { type LevelStore, openLevelStore } from '@p2poolv2/sharechain/level'
import { readGenesis, writeGenesis } from '../../apps/node/src/data/devnet-genesis.ts'
import { openWallet } from '../../apps/node/src/data/wallet.ts'
import { forgeShare } from '../../packages/simnet/src/hostile/forge-share.ts'

const DELTAS_A_WRITE = 256
/** Shares a second are aimed at by a devnet. */
const PACE_SEC = 1
/**
 * The first share comes so much later than the genesis: the difficulty rule then asks for the easiest shares there are, some 256 hashes,
 * until as many shares have been found beyond one a second.
 */
const LAG_SEC = 3_600
/** A million million hashes: no share is a bitcoin block by chance, and everybody is in the payout window. */
const BITCOIN_BITS: CompactBits = 0x1c00ffff

export interface ChainPlan {
  readonly shares: number
  /** Shares are credited to so many addresses in turn. */
  readonly payees: number
  /** When the newest share was found, unix seconds. */
  readonly tipTimeSec: number
  /** Told now and then of the height reached. */
  readonly onHeight?: (height: number) => void
}

/** A devnet's share chain that grew before the run, mined for real and taken through all checks. */
export interface PreparedChain {
  readonly params: ChainParams
  readonly tip: Share
  readonly height: number
}

/** Makes a data directory in which a node finds such a chain at its start. */
export async function prepareChain(dataDir: string, plan: ChainPlan): Promise<PreparedChain> {
  const timeSec = plan.tipTimeSec - LAG_SEC - plan.shares * PACE_SEC
  const params = chainParams('devnet', { timeSec })
  writeGenesis(dataDir, { timeSec })
  openWallet(dataDir, () => systemRng().bytes(32))
  const chain = new ShareChain({ params })
  const store = await openStore(dataDir, params)
  try {
    await store.commit(chain.genesisDelta())
    const payees = Array.from({ length: plan.payees }, (_, payee) => payeeOf(params, payee))
    let deltas: ChainDelta[] = []
    const commit = async (): Promise<void> => {
      await store.commit(...deltas)
      deltas = []
    }
    let tip: Share | null = null
    let parent = genesisShare(params).hash
    for (let height = 1; height <= plan.shares; height++) {
      const payee = payees[height % payees.length] ?? payeeOf(params, 0)
      const share = nextShare(chain, { params, parent, height, payee, spoilt: false })
      const { verdict, delta } = chain.addShare(share, 'own', unixMs(share.header.timeSec * 1_000))
      invariant(verdict.type === 'accepted', `a share is accepted, but is ${JSON.stringify(verdict)}`)
      if (delta !== null) deltas.push(delta)
      if (deltas.length >= DELTAS_A_WRITE) await commit()
      tip = share
      parent = share.hash
      if (height % 1_000 === 0) plan.onHeight?.(height)
    }
    await commit()
    invariant(tip !== null && chain.confirmedTip().hash === tip.hash, 'the chain ends with the last share')
    return { params, tip, height: plan.shares }
  } finally {
    await store.close()
  }
}

/** A data directory of another household, with a key of its own, on the same chain. @param from no node has it open */
export async function copyChain(from: string, to: string): Promise<void> {
  openWallet(to, () => systemRng().bytes(32))
  await cp(from, to, { recursive: true, force: false })
}

/** A prepared chain and its store, opened for something that is no node. */
export interface OpenedChain {
  readonly params: ChainParams
  readonly chain: ShareChain
  readonly store: LevelStore
}

export async function openPrepared(dataDir: string): Promise<OpenedChain> {
  const genesis = readGenesis(dataDir)
  invariant(genesis !== null, 'the chain was prepared')
  const params = chainParams('devnet', genesis)
  const store = await openStore(dataDir, params)
  const chain = new ShareChain({ params })
  chain.beginRestore()
  for await (const rows of store.load()) for (const row of rows) chain.restoreRow(row)
  chain.finishRestore()
  return { params, chain, store }
}

function openStore(dataDir: string, params: ChainParams): Promise<LevelStore> {
  return openLevelStore(join(dataDir, params.chain, 'store'), {
    schemaVersion: SCHEMA_VERSION,
    chain: params.chain,
    fingerprint: consensusFingerprint(params),
    genesisHash: genesisShare(params).hash
  })
}

export interface ShareOrder {
  readonly params: ChainParams
  readonly parent: ShareHash
  readonly height: number
  readonly payee: ConsensusAddress
  /** Pays everything to its finder, whatever the payout window says. */
  readonly spoilt: boolean
}

/** Mines the next share of a prepared chain, on a parent that the chain knows. */
export function nextShare(chain: ShareChain, { params, parent, height, payee, spoilt }: ShareOrder): Share {
  const share = forgeShare({
    params,
    chain,
    parent,
    timeSec: params.genesisTimeSec + LAG_SEC + height * PACE_SEC,
    payee,
    bitcoinBits: BITCOIN_BITS,
    rng: seededRng(`share ${height} of ${payee.text}`),
    payouts: spoilt ? 'everything-to-me' : 'right'
  })
  invariant(share !== null, 'the chain knows the parent')
  return share
}

export function payeeOf(params: ChainParams, payee: number): ConsensusAddress {
  const program = new Uint8Array(20).fill(0x5a)
  new DataView(program.buffer).setUint32(0, payee)
  const address = consensusAddressFromScript(params.addressClass, witnessProgramScript(0, program))
  invariant(address !== null, 'a witness program is an address')
  return address
}
