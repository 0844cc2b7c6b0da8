import type { SessionEffect } from '@p2poolv2/stratum'
import type { MinerWarningCode } from '../contract.ts'

type Conflict = Extract<SessionEffect, { readonly type: 'difficultyConflict' }>

/** What a difficulty that somebody wished means, for whoever wished it. */
export function difficultyWarning(conflict: Conflict): { readonly code: MinerWarningCode; readonly message: string } {
  const wanted = numberText(conflict.wantedDifficulty)
  const useful = numberText(conflict.usefulDifficulty)
  if (conflict.isGranted) {
    return {
      code: 'difficulty-too-high',
      message: `difficulty ${wanted} is set for this miner, but shares count from ${useful} on: those in between are lost. Lower d=, md= or minimum_difficulty, or leave them out`
    }
  }
  return {
    code: 'difficulty-not-granted',
    message: `this miner asks for difficulty ${wanted} and gets ${useful} at most: above it shares would be lost. Set d= in its password to have it all the same`
  }
}

function numberText(difficulty: number): string {
  return String(Number(difficulty.toPrecision(4)))
}
