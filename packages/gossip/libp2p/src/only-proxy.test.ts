import { afterEach, describe, expect, it } from 'vitest'
import { Loopback } from './testing/loopback.ts'

describe('a node that shows itself through its proxy alone', () => {
  const loopback = new Loopback()
  afterEach(() => loopback.stop())

  it('tells nobody where it listens, but what it is told to announce', async () => {
    const hidden = await loopback.start({ proxy: { host: '127.0.0.1', port: 9, isOnly: true } })
    expect(hidden.network.addresses()).toEqual([])
    const announce = ['/ip4/8.8.8.8/tcp/6884']
    const announced = await loopback.start({ announce, proxy: { host: '127.0.0.1', port: 9, isOnly: true } })
    expect(announced.network.addresses()).toEqual(announce)
  })
})
