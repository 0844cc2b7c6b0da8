/** CPU time of one renewal of work for 5,000 miners: from the template to the bytes of every miner's job. */
import type { BlockTemplate } from '@p2poolv2/bitcoin'
import type { NodeEffect } from '@p2poolv2/node'
import { address, Rig, type RigOptions, SOURCE, template } from '@p2poolv2/node/testing'
import { filledStore } from './inputs/restored-chain.ts'
import { BITCOIN_BITS, FULL_WINDOW, GENESIS_SEC, PARAMS } from './inputs/window-rows.ts'
import { measure, note } from './measure.ts'

const MINERS = 5_000
const RENEWALS = 2
/** `addresses`: that the miners of this node mine for; those of one have the same job. */
const CASES: readonly {
  id: string
  shares: number
  miners: number
  addresses: number
  renewal: 'block' | 'template'
}[] = [
  { id: 'renew.block.3-payees', shares: 1_000, miners: 3, addresses: MINERS, renewal: 'block' },
  { id: 'renew.block.3-payees.20-addresses', shares: 1_000, miners: 3, addresses: 20, renewal: 'block' },
  { id: 'renew.template.3-payees', shares: 1_000, miners: 3, addresses: MINERS, renewal: 'template' },
  { id: 'renew.template.3-payees.20-addresses', shares: 1_000, miners: 3, addresses: 20, renewal: 'template' },
  { id: 'renew.block.500-payees.20-addresses', shares: FULL_WINDOW, miners: 500, addresses: 20, renewal: 'block' }
]

/** Jobs written as a socket would write them, in as many events as it takes. @returns bytes in all */
function renew(rig: Rig, template: BlockTemplate): number {
  let bytes = 0
  let jobs = 0
  const write = (effects: readonly NodeEffect[]): void => {
    for (const effect of effects) {
      if (effect.type !== 'sendMiner') continue
      bytes += Buffer.from(effect.output as string, 'latin1').length
      jobs += 1
    }
  }
  write(rig.core.handle({ type: 'template', template, source: SOURCE }, rig.now))
  while (jobs < MINERS) {
    const before = jobs
    write(rig.core.handle({ type: 'deadline' }, rig.now))
    if (jobs === before) throw new Error(`the bench sends ${jobs} jobs`)
  }
  return bytes
}

for (const { id, shares, miners, addresses, renewal } of CASES) {
  const options: RigOptions = { params: PARAMS, store: filledStore({ shares, miners }), check: 'never' }
  const rig = new Rig(options)
  rig.nowMs = (GENESIS_SEC + shares + 10) * 1000
  let parent = 1
  const nextTemplate = (): BlockTemplate => {
    if (renewal === 'block') parent += 1
    return template({
      parent,
      bits: BITCOIN_BITS,
      curTimeSec: Math.floor(rig.nowMs / 1000),
      valueSats: 5_000_000_000 + (rig.nowMs % 1000)
    })
  }
  rig.handle({ type: 'template', template: nextTemplate(), source: SOURCE })
  for (let miner = 1; miner <= MINERS; miner++) rig.connect(miner, `${address(1 + (miner % addresses))}.bench`)
  rig.effects.length = 0
  let templates: BlockTemplate[] = []
  let bytes = 0
  await measure({
    id,
    unit: 'renewal',
    operationsPerSample: RENEWALS,
    prepare: () => {
      templates = Array.from({ length: RENEWALS }, nextTemplate)
      rig.nowMs += 1_001
    },
    run: () => {
      for (const next of templates) bytes = renew(rig, next)
    }
  })
  note(`${id}: ${MINERS} miners, ${bytes} bytes a renewal`)
}
