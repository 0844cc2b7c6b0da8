import { chainParams } from '@p2poolv2/consensus'
import { hexToBytes, ZERO_BLOCK_HASH } from '@p2poolv2/primitives'
import { expect, it } from 'vitest'
import { MAX_ANNOUNCEMENT_BYTES, messageId, networkNames } from './protocols.ts'
import { encodeAnnouncement, MAX_TEMPLATE_TRANSACTIONS } from './template-messages.ts'

it.each([
  ['signet', '8b0d970f'],
  ['main', '183f9be7'],
  ['regtest', '8c4d616a']
] as const)('names the network of %s by its genesis, as protocol §18.1 says', (chain, tag) => {
  const { protocols, kademlia } = networkNames(chainParams(chain))
  expect(protocols.shares).toBe(`/p2pool/${chain}/${tag}/1.0.0`)
  expect(kademlia).toBe(`/p2pool/${chain}/${tag}/kad/1.0.0`)
})

it('gives every protocol and topic of every chain a name of its own', () => {
  const chains = (['main', 'signet', 'regtest'] as const).map(chain => networkNames(chainParams(chain)))
  const all = chains.flatMap(({ protocols, kademlia, topics }) => [
    ...Object.values(protocols),
    kademlia,
    ...Object.values(topics)
  ])
  expect(new Set(all).size).toBe(3 * 6)
})

it('names a message by topic and content', () => {
  // printf 'sharesabc' | sha256sum
  expect(messageId('shares', hexToBytes('616263'))).toBe('42eb59519555238c2bf1b83ba6f21b6401b70247')
  expect(messageId('templates', hexToBytes('616263'))).not.toBe(messageId('shares', hexToBytes('616263')))
})

it('leaves room for the largest announcement', () => {
  const largest = encodeAnnouncement({
    prevHash: ZERO_BLOCK_HASH,
    bitcoinHeight: 0xffff_ffff,
    coinbaseValueSats: 0xffff_ffff_ffff_ffffn,
    transactionCount: MAX_TEMPLATE_TRANSACTIONS,
    branchKey: new Uint8Array(32)
  })
  expect(largest.length).toBeLessThanOrEqual(MAX_ANNOUNCEMENT_BYTES)
})
