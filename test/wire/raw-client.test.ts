import { describe, expect, it } from 'vitest'
import { Inlet } from './raw/inlet.ts'
import {
  frame,
  getShareHeaders,
  handshake,
  isHeaderOf,
  readHeaderBatch,
  readShare,
  sha256d,
  shareBlock,
  takePayload
} from './raw/messages.ts'
import vectors from './vectors/frames.json' with { type: 'json' }

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex')
const wire = (display: string): Buffer => bytes(display).reverse()
const payloadOf = (hex: string): Promise<Buffer> => {
  const inlet = new Inlet()
  inlet.push(bytes(hex))
  return takePayload(inlet)
}

// The client's own codec, before anything of the project is held against it.
describe('the raw client', () => {
  it.each(Object.entries(vectors.networks))('writes the frames of a fresh node on %s', (_, network) => {
    const genesis = wire(network.genesisHashDisplay)
    expect(frame(handshake(0, genesis)).toString('hex')).toBe(network.handshakeFrame)
    expect(frame(getShareHeaders([genesis])).toString('hex')).toBe(network.getShareHeadersFrame)
  })

  it('reads a share and its hash', () => {
    const { share } = vectors
    const { hash, header } = readShare(shareBlock(bytes(share.block)))
    expect(hash).toEqual(wire(share.hashDisplay))
    expect(header.bytes.toString('hex')).toBe(share.header)
  })

  it('reads a header batch with and without roots', async () => {
    const batch = readHeaderBatch(await payloadOf(vectors.headerBatchFrame))
    const { header } = readShare(shareBlock(bytes(vectors.share.block)))
    expect(batch.map(({ hasRoot }) => hasRoot)).toEqual([true, false])
    expect(batch[0]?.bytes.toString('hex')).toBe(vectors.share.genesisHeader)
    expect(batch[1]?.branch.map(node => node.toString('hex'))).toEqual(vectors.share.branch)
    expect(batch.map(entry => isHeaderOf(entry, header))).toEqual([false, true])
    expect(readHeaderBatch(await payloadOf(vectors.emptyHeaderBatchFrame))).toEqual([])
  })

  it('reads a header with uncles, donation and fee', () => {
    const { header, hashDisplay } = vectors.headerWithEverything
    const read = readShare(shareBlock(bytes(header)))
    expect(read.header.bytes.toString('hex')).toBe(header)
    expect(sha256d(read.header.bytes)).toEqual(wire(hashDisplay))
  })
})
