import { afterEach, expect, it } from 'vitest'
import { Loopback } from './testing/loopback.ts'

const loopback = new Loopback()
afterEach(() => loopback.stop())

it('hands on no character of a program’s name that a terminal obeys', async () => {
  const [node, peer] = [await loopback.start(), await loopback.start({ agent: 'x\u001b]0;owned\u0007\nbanned: y' })]
  await loopback.join(node, peer)
  expect(node.network.connections().map(({ agent }) => agent)).toEqual(['x?]0;owned??banned: y'])
})
