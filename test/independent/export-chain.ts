import {
  type ChainParams,
  type ConsensusAddress,
  consensusAddressFromScript,
  encodeShare,
  genesisShare,
  type PayoutCut,
  payoutOutputs
} from '@p2poolv2/consensus'
import { bytesToHex, concatBytes, invariant, type SeededRng, type ShareHash, seededRng } from '@p2poolv2/primitives'
import { ChainBuilder, easyParams } from '@p2poolv2/sharechain/testing'

const MINERS = 60
/** From windows of a few shares to those that reach the cap. */
const BITCOIN_BITS = [0x2000ffff, 0x1f07ffff, 0x1f03ffff, 0x1f00ffff]
const ANSWER_EVERY = 50

/** A chain with windows of at most 700 shares, so that a test has many of every kind; all rules are the real ones. */
const PARAMS: ChainParams = easyParams({ difficultyMultiplier: 1n, windowMaxShares: 700 })

/**
 * A random chain, share by share as a node met them, and now and then what that node says of itself: JSON lines for
 * `payouts.py`, whose head says what they hold. Forks come of shares on ancestors of the tip and are named as uncles; one in a hundred shares
 * begins a branch that is driven on until it turns the chain over.
 */
export function* exportChain({ seed, shares }: { readonly seed: string; readonly shares: number }): Generator<string> {
  const rng = seededRng(`independent ${seed}`)
  const builder = new ChainBuilder(PARAMS)
  const miners = Array.from({ length: MINERS }, (_, number) => addressOf(rng, number))
  yield JSON.stringify(headOf(PARAMS))
  let branch: ShareHash | null = null
  for (let made = 1; made <= shares; made++) {
    const { known } = builder
    const base = known.miningBase()
    if (branch !== null && known.confirmedTip().hash === branch) branch = null
    const roll = rng.u32() % 200
    if (branch === null && roll < 2) branch = ancestorOf(builder, base.hash, 3 + (rng.u32() % 3))
    const parent: ShareHash = branch ?? (roll < 30 ? ancestorOf(builder, base.hash, 1 + (rng.u32() % 2)) : base.hash)
    const share = builder.build({
      parent,
      timeSec: builder.facts(parent).timeSec + 1 + (rng.u32() % 3 === 0 ? 1 : 0),
      uncles: parent === base.hash ? known.uncleChoice(parent) : [],
      payee: pick(rng, miners),
      bitcoinBits: pick(rng, BITCOIN_BITS),
      valueSats: satsOf(rng),
      ...cutsOf(rng, miners)
    })
    if (branch !== null) branch = share.hash
    yield JSON.stringify({ share: bytesToHex(encodeShare(share)) })
    if (made % ANSWER_EVERY === 0) yield JSON.stringify({ answer: answerOf(builder, rng, miners) })
  }
}

function headOf(params: ChainParams) {
  return {
    params: {
      easiest: params.maxAttainableTarget.toString(16),
      multiplier: Number(params.difficultyMultiplier),
      windowShares: params.windowMaxShares,
      spacing: params.spacingSec,
      halfLife: params.halfLifeSec,
      anchorBits: params.anchorBits,
      ceilingBits: params.asertCeilingBits,
      limitBits: params.maxTargetBits
    },
    genesis: bytesToHex(encodeShare(genesisShare(params)))
  }
}

/** What the node says: where it stands, and whom a block on its mining base would pay. */
function answerOf({ known }: ChainBuilder, rng: SeededRng, miners: readonly ConsensusAddress[]) {
  const bits = pick(rng, BITCOIN_BITS)
  const valueSats = satsOf(rng)
  const { donation = null, fee = null } = cutsOf(rng, miners)
  const base = known.miningBase()
  const weights = known.payoutWeights(base.hash, bits)
  invariant(weights !== null, 'the chain holds every share')
  const cutOf = (cut: PayoutCut | null) =>
    cut === null ? null : [cut.address.addressClass, bytesToHex(cut.address.script), cut.bps]
  return {
    tip: known.confirmedTip().hash,
    base: base.hash,
    bits,
    value: String(valueSats),
    donation: cutOf(donation),
    fee: cutOf(fee),
    outputs: payoutOutputs({ valueSats, donation, fee, weights }).map(output => [
      String(output.valueSats),
      bytesToHex(output.address.script)
    ])
  }
}

/** P2WPKH, P2TR, P2WSH, P2PKH and P2SH in turn: their texts sort otherwise than their scripts. */
function addressOf(rng: SeededRng, number: number): ConsensusAddress {
  const forms: readonly (readonly [number[], number, number[]])[] = [
    [[0x00, 0x14], 20, []],
    [[0x51, 0x20], 32, []],
    [[0x00, 0x20], 32, []],
    [[0x76, 0xa9, 0x14], 20, [0x88, 0xac]],
    [[0xa9, 0x14], 20, [0x87]]
  ]
  const [head, length, end] = pick({ u32: () => number }, forms)
  const script = concatBytes(Uint8Array.from(head), rng.bytes(length), Uint8Array.from(end))
  const address = consensusAddressFromScript(2, script)
  invariant(address !== null, 'each form has an address')
  return address
}

/** From a satoshi to a block with large fees. */
function satsOf(rng: SeededRng): bigint {
  return 1n + (BigInt(rng.u32()) * BigInt(rng.u32())) / 4n ** BigInt(rng.u32() % 16) / 10_000_000n
}

function cutsOf(rng: SeededRng, miners: readonly ConsensusAddress[]): { donation?: PayoutCut; fee?: PayoutCut } {
  const cut = (): PayoutCut => ({ address: pick(rng, miners), bps: 1 + (rng.u32() % 10_000) })
  return {
    ...(rng.u32() % 3 === 0 ? { donation: cut() } : {}),
    ...(rng.u32() % 4 === 0 ? { fee: cut() } : {})
  }
}

function ancestorOf(builder: ChainBuilder, hash: ShareHash, steps: number): ShareHash {
  let at = hash
  for (let left = steps; left > 0 && builder.facts(at).height > 0; left--) at = builder.facts(at).prevHash
  return at
}

function pick<T>(rng: Pick<SeededRng, 'u32'>, list: readonly T[]): T {
  const picked = list[rng.u32() % list.length]
  invariant(picked !== undefined, 'there is something to pick from')
  return picked
}
