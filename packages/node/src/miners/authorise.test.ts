import { consensusAddress, encodeShareAddress } from '@p2poolv2/consensus'
import { describe, expect, it } from 'vitest'
import { A_SHARE, address, PARAMS, Rig, sharesMade } from '../testing/rig.ts'
import { createAuthorise } from './authorise.ts'

const own = new Uint8Array(32).fill(0x77)
const configured = new Uint8Array(32).fill(0x55)
const given = new Uint8Array(32).fill(0x33)
const givenText = encodeShareAddress({ version: 1, program: given }, PARAMS.shareAddressHrp)

const authorise = createAuthorise({ params: PARAMS, nodeShareProgram: own, configuredShareProgram: null })
const request = { user: address(1), worker: 'rig', shareAddress: null }

function messageOf(answer: ReturnType<typeof authorise>): string {
  return answer.ok ? 'it was taken' : answer.message
}

describe('the bitcoin address', () => {
  it('is taken in its canonical form', () => {
    const answer = authorise({ ...request, user: address(1).toUpperCase() })
    expect(answer).toMatchObject({ ok: true, identity: { payoutAddress: address(1), worker: 'rig' } })
  })

  it.each([
    [
      'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4',
      'bc1qw508d6qe... is a mainnet address, this node pays bcrt1... addresses'
    ],
    [
      'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx',
      'tb1qw508d6qe... is a testnet address, this node pays bcrt1... addresses'
    ],
    ['1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2', '1BvBMSEYstWe... is a mainnet address, this node pays bcrt1... addresses']
  ])('of another network is refused by name: %s', (user, message) => {
    expect(messageOf(authorise({ ...request, user }))).toBe(message)
  })

  it('that is mistyped, or none, is refused with what to put there', () => {
    const mistyped = `${address(1).slice(0, -1)}${address(1).endsWith('q') ? 'p' : 'q'}`
    expect(messageOf(authorise({ ...request, user: mistyped }))).toContain('(checksum): put your bcrt1... address')
    expect(messageOf(authorise({ ...request, user: 'satoshi' }))).toContain(
      'put your bcrt1... address as the user name'
    )
    expect(messageOf(authorise({ ...request, user: '' }))).toContain('put your bcrt1...')
  })

  it('is echoed short and printable', () => {
    const message = messageOf(authorise({ ...request, user: `${'x\u0007'.repeat(40)}` }))
    expect(message).toMatch(/^[\x20-\x7e]+$/)
    expect(message.length).toBeLessThan(140)
  })
})

describe('a bare worker name', () => {
  const payout = consensusAddress(address(2), PARAMS.addressNetwork)
  const withPayout = createAuthorise({
    params: PARAMS,
    nodeShareProgram: own,
    configuredShareProgram: null,
    bareNamePayout: payout
  })

  it('mines for whom the operator set, under its whole name', () => {
    const answer = withPayout({ ...request, user: 'worker1', worker: '' })
    expect(answer).toMatchObject({ ok: true, identity: { payoutAddress: address(2), worker: 'worker1' } })
    const dotted = withPayout({ ...request, user: 'account', worker: 'rig.2' })
    expect(dotted).toMatchObject({ ok: true, identity: { payoutAddress: address(2), worker: 'account.rig.2' } })
  })

  it('is refused where nobody is set', () => {
    expect(authorise({ ...request, user: 'worker1' }).ok).toBe(false)
  })

  it('is never an address with a mistake in it: that would pay somebody else', () => {
    const mistyped = `${address(1).slice(0, -1)}${address(1).endsWith('q') ? 'p' : 'q'}`
    for (const user of [mistyped, 'bcrt1qw508d6', '1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN']) {
      expect(withPayout({ ...request, user }).ok).toBe(false)
    }
    expect(withPayout({ ...request, user: address(1) })).toMatchObject({ identity: { payoutAddress: address(1) } })
  })
})

describe('the share-chain address', () => {
  const programOf = (answer: ReturnType<typeof authorise>): Uint8Array | null =>
    answer.ok ? answer.identity.shareProgram : null

  it('is the one in the password, else the configured one, else the node’s own', () => {
    const withSetting = createAuthorise({ params: PARAMS, nodeShareProgram: own, configuredShareProgram: configured })
    expect(programOf(withSetting({ ...request, shareAddress: givenText }))).toEqual(given)
    expect(programOf(withSetting(request))).toEqual(configured)
    expect(programOf(authorise(request))).toEqual(own)
  })

  it.each([
    ['sp2pool1p43yn7gfseftvkhp62kvxpnhe4p8epddgthlya3hxqelwactlf5ks0hep27', 'network-mismatch'],
    ['sp2pool1q43yn7gfseftvkhp62kvxpnhe4p8epddgthlya3hxqelwactlf5kssufyhq', 'unsupported-witness-version'],
    ['p2p1p43yn7gfseftvkhp62kvxpnhe4p8epddgthlya3hxqelwactlf5ks3cfkdm', 'unknown-prefix'],
    ['nonsense', 'encoding']
  ])('that cannot be read is refused with its reason: %s', (shareAddress, reason) => {
    const message = messageOf(authorise({ ...request, shareAddress }))
    expect(message).toContain(`(${reason})`)
    expect(message).toContain(`give a ${PARAMS.shareAddressHrp}1p... address or leave p2p= out`)
  })

  it('of the password ends up in the share', () => {
    const rig = new Rig()
    rig.template()
    rig.connect(1, address(1), `d=0.000000001,p2p=${givenText}`)
    const [published] = sharesMade(rig.mine(1, A_SHARE))
    expect(published?.header.minerAddress).toEqual({ version: 1, program: given })
    expect(rig.facts('bug')).toEqual([])
  })

  it('that is refused reaches the miner as the reply to its authorisation', () => {
    const rig = new Rig()
    rig.template()
    const miner = rig.connect(1, address(1), 'p2p=nonsense')
    expect(miner.jobs).toEqual([])
    expect(JSON.stringify(miner.replies.get(2)?.error)).toContain('leave p2p= out')
  })
})
