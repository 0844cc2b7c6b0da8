import type { ChainParams, ConsensusAddress, Share } from '@p2poolv2/consensus'
import { consensusAddress } from '@p2poolv2/consensus'
import {
  type CompactBits,
  invariant,
  type SeededRng,
  type ShareHash,
  type UnixMs,
  unixMs,
  type Work
} from '@p2poolv2/primitives'
import { type ChainDelta, ShareChain } from '@p2poolv2/sharechain'
import { forgeShare } from '../hostile/forge-share.ts'
import { payoutAddress } from '../world/identities.ts'
import type { SimNode } from '../world/sim-node.ts'

export interface ChainPlan {
  readonly params: ChainParams
  readonly bitcoinBits: CompactBits
  readonly heights: number
  /** Seconds between its shares. */
  readonly paceSec: number
  readonly rng: SeededRng
  /** Above this height it is another chain than without, whose shares come at this multiple of their spacing. */
  readonly parts?: { readonly atHeight: number; readonly pace: number; readonly rng: SeededRng }
}

/** One share in so many has a sibling that the share after the next names as its uncle. */
const UNCLE_EVERY = 13
const MINERS = 5

/** A share chain that grew long before a run begins, as the deltas a node that was there has written. */
export interface OldChain {
  readonly deltas: readonly ChainDelta[]
  readonly tip: ShareHash
  readonly work: Work
  readonly height: number
  readonly keptFromHeight: number
}

/** Mines a whole chain for real and takes each share through all checks, one after the other and in no virtual time. */
export function growOldChain(plan: ChainPlan): OldChain {
  const { params, bitcoinBits, parts } = plan
  const chain = new ShareChain({ params })
  const deltas: ChainDelta[] = [chain.genesisDelta()]
  const payees = Array.from({ length: MINERS }, (_, miner) => payeeOf(params, plan.rng.fork(`miner:${miner}`)))
  const nowMs = unixMs((params.genesisTimeSec + (plan.heights + 1) * plan.paceSec) * 1_000)
  let uncles: ShareHash[] = []
  for (let height = 1; height <= plan.heights; height++) {
    const parent = chain.miningBase().hash
    const own = parts === undefined ? 0 : Math.max(0, height - parts.atHeight)
    const rng = parts !== undefined && own > 0 ? parts.rng : plan.rng
    const timeSec = params.genesisTimeSec + Math.floor((height - own + own * (parts?.pace ?? 1)) * plan.paceSec)
    const forge = (miner: number, named: readonly ShareHash[]): Share => {
      const payee = payees[miner % MINERS] as ConsensusAddress
      const share = forgeShare({ params, chain, parent, timeSec, payee, bitcoinBits, rng, uncles: named })
      invariant(share !== null, 'the window of a tip can be read')
      return share
    }
    const [share, sibling] = [forge(height, uncles), height % UNCLE_EVERY === 0 ? forge(height + 1, []) : null]
    take(chain, { share, nowMs }, deltas)
    if (sibling !== null) take(chain, { share: sibling, nowMs }, deltas)
    // Of two at a height the chain goes on from one; the other is the uncle.
    uncles = sibling === null ? [] : [chain.miningBase().hash === sibling.hash ? share.hash : sibling.hash]
  }
  const { hash: tip, chainWork: work, height } = chain.confirmedTip()
  return { deltas, tip, work, height, keptFromHeight: chain.keptFromHeight }
}

/** Puts the chain onto the disk of a node that is not started yet. */
export function writeOldChain(node: SimNode, { deltas }: OldChain): void {
  for (const delta of deltas) node.store.disk.commitNow(delta)
}

function take(chain: ShareChain, found: { readonly share: Share; readonly nowMs: UnixMs }, deltas: ChainDelta[]): void {
  const { verdict, delta } = chain.addShare(found.share, 'own', found.nowMs)
  invariant(verdict.type === 'accepted', `a share of an old chain is accepted, but is ${verdict.type}`)
  if (delta !== null) deltas.push(delta)
}

function payeeOf(params: ChainParams, rng: SeededRng): ConsensusAddress {
  const payee = consensusAddress(payoutAddress(params, rng), params.addressNetwork)
  invariant(payee !== null, 'a made-up address is an address')
  return payee
}
