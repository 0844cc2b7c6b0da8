import { expect, it } from 'vitest'
import { cutPower, whyNot } from './cut.ts'

it('after a power cut a store opens with all that was promised, and what is gone beyond that is noticed', async ctx => {
  const reason = whyNot()
  if (reason !== null) return ctx.skip(reason)
  const counts = await cutPower({ deltas: 150, cuts: 25, seed: 'npm test' })
  expect(counts.cuts).toBeGreaterThan(60)
  expect(counts.lostBuffered + counts.gaps).toBeGreaterThan(0)
})
