import { encodeShare } from '@p2poolv2/consensus'
import { expect, it } from 'vitest'
import { ChainBuilder, easyParams } from '../testing/build-chain.ts'
import { keptShare } from './kept-share.ts'

it('a share that waits is the same when it is read, and holds none of the message it came in', () => {
  const builder = new ChainBuilder(easyParams())
  const [share] = builder.row(builder.genesis, 1)
  if (share === undefined) throw new Error('a row of one')
  const kept = keptShare(share, { peer: 'a' })
  const { hash, header } = share
  expect(kept).toMatchObject({ hash, prevHash: header.prevShareHash, origin: { peer: 'a' } })
  expect(kept.sizeBytes).toBe(encodeShare(share).length)
  const read = kept.share()
  expect(read.hash).toBe(hash)
  const bytes = encodeShare(read)
  expect(bytes).toEqual(encodeShare(share))
  expect(bytes.buffer.byteLength).toBe(kept.sizeBytes)
})
