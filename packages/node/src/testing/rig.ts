import type { BlockTemplate } from '@p2poolv2/bitcoin'
import {
  encodeTransaction,
  parseTemplate,
  txidWire,
  VERSION_ROLLING_MASK,
  witnessCommitmentScriptOf
} from '@p2poolv2/bitcoin'
import type { ChainParams, Share } from '@p2poolv2/consensus'
import {
  consensusAddressFromScript,
  consensusFingerprint,
  decodeShare,
  devnetParams,
  genesisShare
} from '@p2poolv2/consensus'
import type { PeerId } from '@p2poolv2/gossip'
import {
  bigIntFromBits,
  bytesEqual,
  bytesToHex,
  bytesToHexReversed,
  type Moment,
  seededRng,
  steadyMs,
  unixMs
} from '@p2poolv2/primitives'
import type { FoundBlock } from '@p2poolv2/sharechain'
import { bodyKey, MemoryStore, SCHEMA_VERSION, ShareChain } from '@p2poolv2/sharechain'
import type { SessionSettings } from '@p2poolv2/stratum'
import type { MinerId, NodeEffect, NodeEvent, NodeFact } from '../contract.ts'
import { NodeCore } from '../node-core.ts'
import type { NodeCoreOptions } from '../options.ts'
import type { MinerJob } from './scripted-miner.ts'
import { ScriptedMiner } from './scripted-miner.ts'

/** When the tests' devnet began, and when their clock starts: ten seconds later. */
export const GENESIS_SEC = 1_700_000_000
export const START_MS = (GENESIS_SEC + 10) * 1000

/** About 256 hashes: the devnet's easiest share, and here also its first. */
export const SHARE_BITS = 0x2000ffff
export const SHARE_TARGET: bigint = bigIntFromBits(SHARE_BITS)
/** About 65,536 hashes, so that shares are not blocks by accident. */
export const HARD_BITS = 0x1f00ffff
/** About two hashes. */
export const EASY_BITS = 0x207fffff

/** A hash that becomes a share and not a block. */
export const A_SHARE: { readonly atMost: bigint; readonly above: bigint } = {
  atMost: SHARE_TARGET - (SHARE_TARGET >> 4n),
  above: bigIntFromBits(HARD_BITS)
}
/** A hash that becomes both, against `HARD_BITS`. */
export const A_BLOCK: { readonly atMost: bigint } = { atMost: bigIntFromBits(HARD_BITS) }

export const PARAMS: ChainParams = devnetParams({ genesisTimeSec: GENESIS_SEC, anchorBits: SHARE_BITS })

export const SETTINGS: SessionSettings = {
  versionMask: VERSION_ROLLING_MASK,
  startProfiles: [],
  vardiff: {
    retarget: 'off',
    targetSharesPerSec: 0.3,
    minDifficulty: 1e-12,
    maxDifficulty: 1e12,
    startDifficulty: 1e-9
  }
}

/** A P2WPKH address of the devnet, by number. */
export function address(number: number): string {
  const script = new Uint8Array(22)
  script.set([0x00, 0x14, number & 0xff, number >>> 8])
  const text = consensusAddressFromScript(2, script)?.text
  if (text === undefined) throw new Error('a test address is an address')
  return text
}

export interface TemplateSpec {
  /** Any number: which block is the parent. */
  readonly parent?: number
  readonly bits?: number
  readonly height?: number
  readonly curTimeSec?: number
  /** Default ten minutes before. */
  readonly minTimeSec?: number
  readonly valueSats?: number
  readonly transactions?: number
  /** Of each transaction; its bytes stay small. */
  readonly weight?: number
  /** Cost of each transaction's signature checks. */
  readonly sigops?: number
}

/** A template as bitcoind would give it, through the door every template comes through. */
export function template(spec: TemplateSpec = {}): BlockTemplate {
  const bits = spec.bits ?? HARD_BITS
  const curTimeSec = spec.curTimeSec ?? START_MS / 1000
  const transactions = Array.from({ length: spec.transactions ?? 3 }, (_, number) => {
    const transaction = {
      version: 2,
      inputs: [
        {
          prevTxidWire: new Uint8Array(32).fill(9),
          prevIndex: number,
          scriptSig: new Uint8Array(0),
          sequence: 0,
          witness: []
        }
      ],
      outputs: [{ valueSats: 1000n, script: new Uint8Array([0x51]) }],
      lockTime: 0
    }
    const data = encodeTransaction(transaction)
    return { txid: txidWire(transaction), data, weight: spec.weight ?? data.length * 4 }
  })
  const json = {
    height: spec.height ?? 101,
    version: 0x20000000,
    previousblockhash: (spec.parent ?? 1).toString(16).padStart(64, '0'),
    bits: bits.toString(16).padStart(8, '0'),
    target: bigIntFromBits(bits).toString(16).padStart(64, '0'),
    curtime: curTimeSec,
    mintime: spec.minTimeSec ?? curTimeSec - 600,
    coinbasevalue: spec.valueSats ?? 5_000_000_000,
    default_witness_commitment: bytesToHex(
      witnessCommitmentScriptOf(
        transactions.map(({ txid }) => ({ txidWire: txid, wtxidWire: txid, dataHex: '00', weight: 4 }))
      )
    ),
    transactions: transactions.map(({ txid, data, weight }) => ({
      data: bytesToHex(data),
      txid: bytesToHexReversed(txid),
      hash: bytesToHexReversed(txid),
      weight,
      fee: 100,
      sigops: spec.sigops ?? 0,
      depends: []
    }))
  }
  const parsed = parseTemplate(json)
  if (!parsed.ok) throw new Error(parsed.reason)
  return parsed.template
}

/** The url the templates come from. */
export const SOURCE = 'http://127.0.0.1:18443'

function emptyStore(params: ChainParams): MemoryStore {
  return new MemoryStore({
    schemaVersion: SCHEMA_VERSION,
    chain: params.chain,
    fingerprint: consensusFingerprint(params),
    genesisHash: genesisShare(params).hash
  })
}

export interface RigOptions extends Partial<Omit<NodeCoreOptions, 'params'>> {
  readonly params?: ChainParams
  /** A store with something in it: the chain is restored from there. */
  readonly store?: MemoryStore
  /** Each event is followed by a check of all invariants unless this is 'never'. */
  readonly check?: 'always' | 'never'
}

type EffectOf<T extends NodeEffect['type']> = Extract<NodeEffect, { readonly type: T }>
type FactOf<T extends NodeFact['type']> = Extract<NodeFact, { readonly type: T }>

/** One node core under a clock of its own, with scripted miners on its lines. For tests. */
export class Rig {
  readonly params: ChainParams
  readonly chain: ShareChain
  readonly core: NodeCore
  /** Every delta the node gives is applied to it at once. */
  readonly store: MemoryStore
  /** By the steady clock. */
  nowMs = START_MS
  /** How far the wall clock is ahead of it. */
  skewMs = 0
  /** Sees every effect as it is performed. */
  onEffect: ((effect: NodeEffect) => void) | null = null
  /** Effects of all events so far. */
  readonly effects: NodeEffect[] = []
  readonly #miners = new Map<MinerId, ScriptedMiner>()
  readonly #check: 'always' | 'never'

  constructor(options: RigOptions = {}) {
    const { params = PARAMS, store, check = 'always', ...rest } = options
    this.params = params
    this.chain = new ShareChain({ params })
    this.store = store ?? emptyStore(params)
    this.chain.beginRestore()
    for (const row of this.store.rows()) this.chain.restoreRow(row)
    if (this.chain.finishRestore() === 'empty') this.store.commitNow(this.chain.genesisDelta())
    this.#check = check
    this.core = new NodeCore(
      {
        params,
        donation: null,
        fee: null,
        nodeShareProgram: new Uint8Array(32).fill(0x77),
        configuredShareProgram: null,
        stratum: SETTINGS,
        version: '0.0.0-test',
        recentBlocks: [] as FoundBlock[],
        startedAtMs: steadyMs(START_MS),
        ...rest
      },
      { rng: seededRng('rig'), chain: this.chain }
    )
  }

  /** A template from a bitcoin node. */
  template(spec: TemplateSpec = {}): readonly NodeEffect[] {
    return this.handle({
      type: 'template',
      template: template({ curTimeSec: Math.floor(this.now.wallMs / 1000), ...spec }),
      source: SOURCE
    })
  }

  /** Hands over an event, lets the miners read what is sent to them and answers leave at once, and gives the effects. */
  handle(event: NodeEvent): readonly NodeEffect[] {
    const effects = [...this.core.handle(event, this.now)]
    for (const effect of effects) {
      this.effects.push(effect)
      if (effect.type === 'commit') this.store.commitNow(effect.delta)
      if (effect.type === 'sendMiner') this.#miners.get(effect.miner)?.read(String(effect.output))
      this.onEffect?.(effect)
    }
    if (this.#check === 'always') this.core.checkInvariants()
    for (const { peer, requestId } of effectsOf(effects, 'respond'))
      effects.push(...this.handle({ type: 'responded', peer, requestId }))
    return effects
  }

  get now(): Moment {
    return { steadyMs: steadyMs(this.nowMs), wallMs: unixMs(this.nowMs + this.skewMs) }
  }

  /** Moves the clock on and sends the deadlines that come due on the way. */
  advance(ms: number): readonly NodeEffect[] {
    const untilMs = this.nowMs + ms
    const effects: NodeEffect[] = []
    for (let at = this.core.nextDeadlineMs; at !== null && at <= untilMs; at = this.core.nextDeadlineMs) {
      this.nowMs = Math.max(this.nowMs, at)
      effects.push(...this.handle({ type: 'deadline' }))
    }
    this.nowMs = untilMs
    return effects
  }

  /** A miner that reads what is sent to this id, not connected yet. */
  script(miner: MinerId, user: string, password?: string, userAgent?: string): ScriptedMiner {
    const scripted = new ScriptedMiner(user, password, userAgent)
    this.#miners.set(miner, scripted)
    return scripted
  }

  /** Connects a miner and lets it say hello. */
  connect(miner: MinerId, user: string, password?: string, userAgent?: string): ScriptedMiner {
    const scripted = this.script(miner, user, password, userAgent)
    this.handle({ type: 'minerConnected', miner, remote: `127.0.0.1:${miner}` })
    this.handle({ type: 'minerLines', miner, lines: scripted.hello() })
    return scripted
  }

  /** A peer that hears everything and says nothing. */
  listener(peer: PeerId): void {
    this.handle({ type: 'peerConnected', peer, direction: 'inbound', dialect: 'ours' })
  }

  /** The miner finds a hash in the range for its newest job and submits it. */
  mine(
    miner: MinerId,
    range: { readonly atMost: bigint; readonly above?: bigint; readonly job?: MinerJob }
  ): readonly NodeEffect[] {
    const scripted = this.miner(miner)
    return this.handle({ type: 'minerLines', miner, lines: [scripted.submit(scripted.grind(range))] })
  }

  miner(miner: MinerId): ScriptedMiner {
    const scripted = this.#miners.get(miner)
    if (scripted === undefined) throw new Error('there is no such miner')
    return scripted
  }

  /** Facts reported so far, of one type. */
  facts<T extends NodeFact['type']>(type: T): FactOf<T>[] {
    return factsOf(this.effects, type)
  }
}

export function effectsOf<T extends NodeEffect['type']>(effects: readonly NodeEffect[], type: T): EffectOf<T>[] {
  return effects.filter((effect): effect is EffectOf<T> => effect.type === type)
}

export function factsOf<T extends NodeFact['type']>(effects: readonly NodeEffect[], type: T): FactOf<T>[] {
  return effectsOf(effects, 'report')
    .map(effect => effect.fact)
    .filter((fact): fact is FactOf<T> => fact.type === type)
}

/** Shares our miners made, as they are on their way to the store. */
export function sharesMade(effects: readonly NodeEffect[]): Share[] {
  const puts = effectsOf(effects, 'commit').flatMap(({ delta }) => delta.puts)
  return factsOf(effects, 'shareFound').map(({ shareHash }) => {
    const key = bodyKey(shareHash)
    const put = puts.find(candidate => bytesEqual(candidate.key, key))
    if (put === undefined) throw new Error('a share that was found is stored')
    return decodeShare(put.value)
  })
}
