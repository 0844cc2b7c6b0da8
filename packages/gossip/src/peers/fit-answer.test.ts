import { encodeHeaderBatch, MAX_BATCH_HEADERS } from '@p2poolv2/consensus'
import { ChainBuilder, easyParams } from '@p2poolv2/sharechain/testing'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeMessage } from '../wire/messages.ts'
import { MAX_PAYLOAD_BYTES } from '../wire/protocols.ts'
import { headersMessage } from './fit-answer.ts'

const LEAST = 900
const builder = new ChainBuilder(easyParams())
const [share] = builder.row(builder.genesis, 1)
if (share === undefined) throw new Error('a share was built')
const { header } = share

/** Headers with a branch of their own, so that nothing is shared. */
function batchesOf(count: number, branchNodes: number): Uint8Array[] {
  return Array.from({ length: count }, (_, number) => {
    const merkleBranch = new Uint8Array(branchNodes * 32)
    if (branchNodes > 0) new DataView(merkleBranch.buffer).setUint32(0, number)
    return encodeHeaderBatch([{ header, merkleBranch }])
  })
}

const large = batchesOf(2_600, 16)
const small = batchesOf(2_600, 0)

it('carries as many whole heights as a message holds, and never so few that they would seem to be all', () => {
  const widths = fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 600 })), {
    maxLength: 200
  })
  fc.assert(
    fc.property(widths, fc.boolean(), (heightWidths, areLarge) => {
      const heights = heightWidths
        .flatMap((width, height) => Array.from({ length: width }, () => height))
        .slice(0, 2_600)
      const batches = (areLarge ? large : small).slice(0, heights.length)
      const message = headersMessage(batches, heights, Math.min(LEAST, batches.length))
      if (message === null) return
      expect(message.length).toBeLessThanOrEqual(MAX_PAYLOAD_BYTES)
      const decoded = decodeMessage(message)
      const count = decoded.type === 'shareHeaders' ? decoded.items.length : -1
      expect(count).toBeGreaterThanOrEqual(Math.min(LEAST, batches.length))
      expect(count).toBeLessThanOrEqual(MAX_BATCH_HEADERS)
      expect(count === heights.length || heights[count] !== heights[count - 1]).toBe(true)
    }),
    { numRuns: 40 }
  )
})

it('is none when the first heights alone are more than a message holds', () => {
  const heights = Array.from({ length: 2_400 }, () => 7)
  expect(headersMessage(large.slice(0, 2_400), heights, LEAST)).toBeNull()
  expect(headersMessage(small.slice(0, 2_400), heights, LEAST)).toBeNull()
})

it('leaves out only what does not fit', () => {
  const heights = Array.from({ length: 1_500 }, (_, i) => i)
  const message = headersMessage(large.slice(0, 1_500), heights, LEAST)
  const decoded = message === null ? null : decodeMessage(message)
  const count = decoded?.type === 'shareHeaders' ? decoded.items.length : 0
  expect(count).toBe(Math.floor((MAX_PAYLOAD_BYTES - 16) / (large[0]?.length ?? 1)))
  expect(headersMessage(small.slice(0, 1_500), heights, LEAST)).not.toBeNull()
})
