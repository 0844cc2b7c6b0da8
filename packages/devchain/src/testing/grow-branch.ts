import { DevChain } from '../dev-chain.ts'
import type { DifficultyRule } from '../difficulty.ts'
import { buildBlock, REGTEST_DIFFICULTY } from './build-block.ts'

/** A chain with these blocks, and as many mined on top of them, one every 30 s from `fromSec` on. */
export interface Branch {
  readonly blocks: readonly Uint8Array[]
  readonly chain: DevChain
  /** Of the last block. */
  readonly atSec: number
}

export interface GrowOptions {
  readonly on?: readonly Uint8Array[]
  readonly count: number
  readonly fromSec: number
  readonly spacingSec?: number
  readonly rule?: DifficultyRule
}

/** Branches that begin at different times are different blocks. */
export function growBranch(options: GrowOptions): Branch {
  const { on = [], count, fromSec, spacingSec = 30, rule = REGTEST_DIFFICULTY } = options
  const chain = new DevChain(rule)
  for (const bytes of on) chain.submit(bytes, fromSec)
  const blocks = [...on]
  let atSec = fromSec
  for (let i = 0; i < count; i++, atSec += spacingSec) {
    const block = buildBlock(chain.template(atSec))
    chain.submit(block, atSec)
    blocks.push(block)
  }
  return { blocks, chain, atSec: atSec - spacingSec }
}
