/** `npm run test:power-cut`: many cuts of the power, at moments spread over what a store writes. */
import { parseArgs } from 'node:util'
import { cutPower, whyNot } from './cut.ts'

const { values } = parseArgs({
  options: {
    cuts: { type: 'string', default: '700' },
    deltas: { type: 'string', default: '600' },
    seed: { type: 'string', default: '1' }
  }
})

const reason = whyNot()
if (reason !== null) {
  console.info(`skipped: ${reason}`)
} else {
  const { cuts, gaps, lostBuffered, notes } = await cutPower({
    cuts: Number(values.cuts),
    deltas: Number(values.deltas),
    seed: values.seed
  })
  console.info(
    `${cuts} power cuts over ${notes} writes of ${values.deltas} deltas: every promise kept; ` +
      `${lostBuffered} deltas lost that nobody had promised, ${gaps} gaps, all noticed`
  )
}
