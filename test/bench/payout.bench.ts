/** CPU time of one payout of a full window with 500 miners: weights of the window and the outputs that follow. */
import { naivePayoutWeights, type PayoutWeights, PayoutWindow, payoutOutputs } from '@p2poolv2/consensus'
import { FlatWindow } from './inputs/flat-window.ts'
import { BITCOIN_BITS, FULL_WINDOW, PARAMS } from './inputs/window-rows.ts'
import { measure, note } from './measure.ts'

const MINERS = 500
const PUSHES = 200
const SHARES = FULL_WINDOW + 100 * PUSHES
const VALUE_SATS = 312_500_000n

const tree = new FlatWindow({ shares: SHARES, miners: MINERS })
note(`window of ${FULL_WINDOW} shares, one in twenty with an uncle, ${MINERS} miners`)

function pay(weights: PayoutWeights | null): void {
  if (weights === null) throw new Error('the window is held')
  const outputs = payoutOutputs({ valueSats: VALUE_SATS, donation: null, fee: null, weights })
  if (outputs.length !== MINERS) throw new Error(`the bench pays ${outputs.length} miners`)
}

const moving = new PayoutWindow(PARAMS, tree)
let anchor = FULL_WINDOW
pay(moving.weights(anchor, BITCOIN_BITS))
if (moving.length !== FULL_WINDOW) throw new Error(`the bench has a window of ${moving.length} shares`)

await measure({
  id: 'payout.next-share',
  unit: 'payout',
  operationsPerSample: PUSHES,
  run: () => {
    for (let push = 0; push < PUSHES; push++) pay(moving.weights(++anchor, BITCOIN_BITS))
  }
})

await measure({
  id: 'payout.from-scratch',
  unit: 'payout',
  operationsPerSample: 1,
  run: () => pay(new PayoutWindow(PARAMS, tree).weights(anchor, BITCOIN_BITS))
})

await measure({
  id: 'payout.plain-walk',
  unit: 'payout',
  operationsPerSample: 1,
  samples: 10,
  run: () => pay(naivePayoutWeights(PARAMS, tree, { anchorSlot: anchor, bitcoinBits: BITCOIN_BITS }))
})
