import { bip86OutputKey, encodeTransaction, txidWire } from '@p2poolv2/bitcoin'
import { bytesToHex, bytesToHexReversed, hexToBytes, sha256d } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import { encodeShare, encodeShareHeader } from '../encoding/share-codec.ts'
import { chainParams, devnetParams } from '../params.ts'
import derived from '../vectors/derived.json' with { type: 'json' }
import { consensusFingerprint, fingerprintText, protocolTag } from './fingerprint.ts'
import { genesisShare, hasGenesisBody } from './genesis.ts'
import { GENESIS_BLOCKS } from './genesis-data.ts'

const chains = ['main', 'signet', 'regtest'] as const

describe('the genesis share', () => {
  it.each(chains)('of %s is the derived one', chain => {
    const vector = derived.genesis[chain]
    const params = chainParams(chain)
    const share = genesisShare(params)
    expect(bytesToHex(encodeShareHeader(share.header))).toBe(vector.headerHex)
    expect(share.hash).toBe(vector.shareHash)
    expect(protocolTag(params)).toBe(vector.tag)
    expect(share.transactions.map(transaction => bytesToHexReversed(txidWire(transaction)))).toEqual([
      vector.shareCoinbaseTxid
    ])
  })

  it.each(['signet', 'regtest'] as const)('of %s has the derived body of 677 bytes', chain => {
    const share = genesisShare(chainParams(chain))
    expect(bytesToHex(encodeShare(share))).toBe(derived.genesis[chain].shareHex)
    expect(encodeShare(share)).toHaveLength(677)
    expect(encodeTransaction(share.bitcoinCoinbase)).toHaveLength(204)
    expect(bytesToHexReversed(txidWire(share.bitcoinCoinbase))).toBe(
      '4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b'
    )
    expect(hasGenesisBody(chainParams(chain))).toBe(true)
  })

  it('of main has no body to serve until its bitcoin coinbase is configured', () => {
    expect(hasGenesisBody(chainParams('main'))).toBe(false)
    const bitcoinCoinbase = chainParams('signet').genesisBitcoinCoinbase ?? new Uint8Array(0)
    const configured = chainParams('main', { bitcoinCoinbase })
    expect(hasGenesisBody(configured)).toBe(true)
    expect(genesisShare(configured).hash).toBe(derived.genesis.main.shareHash)
    expect(consensusFingerprint(configured)).toBe(consensusFingerprint(chainParams('main')))
  })

  it('pays the key nobody holds', () => {
    const xOnlyKey = hexToBytes('ac493f2130ca56cb5c3a559860cef9a84f90b5a85dfe4ec6e6067eeee17f4d2d')
    expect(bytesToHex(bip86OutputKey(xOnlyKey))).toBe(derived.genesisShareProgramHex)
    const { header } = genesisShare(chainParams('signet'))
    expect(bytesToHex(header.minerAddress.program)).toBe(derived.genesisShareProgramHex)
    expect(header.minerBitcoinAddress.text).toBe('tb1qx6e0gj7q7xurl08cwnpmeve6w6zf4tw6vfwe3f')
  })

  it.each(chains)('of %s carries the header of the bitcoin block it names', chain => {
    const { genesisBitcoinHeader } = chainParams(chain)
    expect(bytesToHexReversed(sha256d(genesisBitcoinHeader))).toBe(GENESIS_BLOCKS[chain].bitcoinBlockHash)
  })

  it('is made once per set of parameters', () => {
    const params = chainParams('signet')
    expect(genesisShare(params)).toBe(genesisShare(params))
  })
})

describe('the consensus fingerprint', () => {
  const base = { genesisTimeSec: 1_700_000_000 }

  it('is the same for the same rules', () => {
    expect(consensusFingerprint(devnetParams(base))).toBe(consensusFingerprint(devnetParams({ ...base })))
  })

  it('differs with every consensus value', () => {
    const all = [
      chainParams('main'),
      chainParams('signet'),
      chainParams('regtest'),
      devnetParams(base),
      devnetParams({ genesisTimeSec: 1_700_000_001 }),
      devnetParams({ ...base, difficultyMultiplier: 11n }),
      devnetParams({ ...base, spacingSec: 10 }),
      devnetParams({ ...base, halfLifeSec: 600 }),
      devnetParams({ ...base, anchorBits: 0x1e00ffff }),
      devnetParams({ ...base, maxTargetBits: 0x1f00ffff })
    ].map(consensusFingerprint)
    expect(new Set(all).size).toBe(all.length)
    expect(all.every(text => /^[0-9a-f]{64}$/.test(text))).toBe(true)
  })

  it('covers every parameter and the genesis hash', () => {
    const params = chainParams('signet')
    const names = fingerprintText(params)
      .split('\n')
      .map(line => line.split('=')[0])
    const local = ['genesisBitcoinCoinbase', 'minimumChainWork']
    const expected = Object.keys(params).filter(name => !local.includes(name))
    expect(names).toEqual([...expected, 'genesisHash'].sort().concat(''))
    expect(fingerprintText(params)).toContain('protocolRevision=2026-10b\n')
    expect(names, 'nodes need not agree on it').not.toContain('poolSignature')
    expect(fingerprintText(params)).toContain(`genesisHash=${derived.genesis.signet.shareHash}\n`)
  })
})
