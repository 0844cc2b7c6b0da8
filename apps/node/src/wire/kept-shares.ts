import type { NodeEffect } from '@p2poolv2/node'
import type { Machine } from '@p2poolv2/node/shell'
import { bytesEqual } from '@p2poolv2/primitives'
import { bodyKey } from '@p2poolv2/sharechain'
import type { MadeShares } from '../data/made-shares.ts'

/** The same machine, whose own shares are kept before anybody is told of them, until the store has them. */
export function keepingShares(machine: Machine, shares: Pick<MadeShares, 'keep' | 'written'>): Machine {
  return {
    get nextDeadlineMs() {
      return machine.nextDeadlineMs
    },
    get queries() {
      return machine.queries
    },
    handle: (event, now) => {
      if (event.type === 'committed') shares.written(event.sequence)
      const effects = machine.handle(event, now)
      for (const effect of effects) {
        if (effect.type === 'report' && effect.fact.type === 'shareFound') keep(bodyKey(effect.fact.shareHash), effects)
      }
      return effects
    }
  }

  function keep(key: Uint8Array, effects: readonly NodeEffect[]): void {
    for (const effect of effects) {
      if (effect.type !== 'commit') continue
      const body = effect.delta.puts.find(put => bytesEqual(put.key, key))
      if (body !== undefined) shares.keep(body.value, effect.delta.sequence)
    }
  }
}
