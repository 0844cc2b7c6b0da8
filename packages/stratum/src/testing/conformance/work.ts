import { decodeTransaction } from '@p2poolv2/bitcoin'
import { ByteReader, hexToBytes, targetFromBits } from '@p2poolv2/primitives'
import { expect } from 'vitest'
import { DEFAULT_VARDIFF, difficultyText, roundedDown } from '../../mining/difficulty.ts'
import type { Conformance } from '../conform.ts'
import { difficultyIn, kindsOf, notifyIn, SETTINGS, type SentLine, SessionRig } from '../session-rig.ts'
import { BRANCH_A, jobOf, PREV_HASH_A_FIELD, PREV_HASH_B, TEMPLATE_A, workOf } from '../vectors.ts'

function loggedIn(): SessionRig {
  const rig = new SessionRig()
  rig.login()
  return rig
}

function suggest(rig: SessionRig, params: unknown): SentLine[] {
  return rig.request(4, 'mining.suggest_difficulty', params)
}

function suggested(params: unknown): number | null {
  const lines = suggest(loggedIn(), params)
  if (lines.length > 0) expect(kindsOf(lines)).toEqual(['set_difficulty', 'notify'])
  return difficultyIn(lines)
}

/** Source: stratum §11, group C. */
export const DIFFICULTY: Conformance = {
  C1: [
    'a suggestion brings difficulty and a new job in one write, and no reply',
    () => {
      const rig = loggedIn()
      const writes = rig.writes.length
      const before = rig.jobId
      expect(kindsOf(suggest(rig, [1000]))).toEqual(['set_difficulty', 'notify'])
      expect(rig.writes).toHaveLength(writes + 1)
      expect(rig.jobId).not.toBe(before)
      expect(rig.session.difficulty).toBe(1000)
    }
  ],
  C2: ['a suggestion below 1', () => expect(suggested([0.00015])).toBe(0.00015)],
  C3: [
    'an exponent',
    () =>
      expect(difficultyIn(loggedIn().read('{"id":4,"method":"mining.suggest_difficulty","params":[1e-03]}'))).toBe(
        0.001
      )
  ],
  C4: ['a scalar', () => expect(suggested(1000)).toBe(1000)],
  C5: ['a number in a string', () => expect(suggested(['1024'])).toBe(1024)],
  C6: [
    'a repeated suggestion does nothing',
    () => {
      const rig = loggedIn()
      expect(kindsOf(suggest(rig, [64]))).toEqual(['set_difficulty', 'notify'])
      expect(suggest(rig, [64])).toEqual([])
      rig.pass(15_000)
      expect(suggest(rig, [64])).toEqual([])
    }
  ],
  C7: [
    'a suggestion before authorize is where it starts',
    () => {
      const rig = new SessionRig()
      rig.request(1, 'mining.subscribe', [])
      expect(suggest(rig, [700])).toEqual([])
      expect(difficultyIn(rig.login())).toBe(700)
    }
  ],
  C8: [
    'a pipelined suggestion is in the first difficulty',
    () => {
      const lines = new SessionRig().read(
        { id: 1, method: 'mining.subscribe', params: ['NerdQAxe++/BM1370/v1.0.36'] },
        { id: 2, method: 'mining.configure', params: [['version-rolling'], { 'version-rolling.mask': '1fffe000' }] },
        { id: 3, method: 'mining.authorize', params: ['bc1qexampleaddr.n', 'x'] },
        { id: 4, method: 'mining.suggest_difficulty', params: [600] }
      )
      expect(kindsOf(lines)).toEqual([1, 2, 3, 'set_difficulty', 'notify'])
      expect(difficultyIn(lines)).toBe(600)
    }
  ],
  C9: ['a suggestion below the minimum', () => expect(suggested([0.0000001])).toBe(0.0001)],
  C10: [
    'no number, no change',
    () => {
      for (const params of [['abc'], [-1], [], null, {}, [null], ['1e999']]) expect(suggested(params)).toBe(null)
    }
  ],
  C11: [
    'a suggested target is a suggested difficulty',
    () => {
      const rig = loggedIn()
      const display = (zeros: number): string => `${'0'.repeat(zeros)}ffff`.padEnd(64, '0')
      expect(rig.request(4, 'mining.suggest_target', [display(8)])).toEqual([])
      expect(difficultyIn(rig.request(4, 'mining.suggest_target', [display(12)]))).toBe(65536)
      for (const params of [['00'], [7], [], ['0'.repeat(64)]])
        expect(rig.request(4, 'mining.suggest_target', params)).toEqual([])
    }
  ],
  C12: [
    'difficulties from 1 on are whole numbers',
    () => {
      expect(suggested([16383.75])).toBe(16384)
      expect(roundedDown(16383.75)).toBe(16300)
    }
  ],
  C13: [
    'small difficulties have no exponent',
    () => {
      const settings = {
        ...SETTINGS,
        vardiff: { ...DEFAULT_VARDIFF, minDifficulty: 1e-9, startDifficulty: 0.000005 }
      }
      const rig = new SessionRig({ settings })
      rig.login()
      expect(rig.writes.join('')).toContain('"params":[0.000005]')
      expect(difficultyText(4.6e-10)).toBe('0.00000000046')
    }
  ],
  C14: [
    'after a set_difficulty comes a notify, in the same write',
    () => {
      const rig = loggedIn()
      for (const difficulty of [5, 50, 0.5, 5000]) {
        suggest(rig, [difficulty])
        rig.pass(12_000)
      }
      const withDifficulty = rig.writes.filter(text => text.includes('"method":"mining.set_difficulty"'))
      expect(withDifficulty).toHaveLength(5)
      for (const text of withDifficulty) expect(text).toMatch(/"mining\.set_difficulty".*\n.*"mining\.notify".*\n$/)
    }
  ]
}

const first = (rig: SessionRig = new SessionRig()): readonly unknown[] => notifyIn(rig.login()) ?? []

/** Source: stratum §11, group D. */
export const NOTIFY: Conformance = {
  D1: [
    'nine parameters of the right types',
    () => {
      const types = first().map(value => (Array.isArray(value) ? 'array' : typeof value))
      expect(types).toEqual([...Array(4).fill('string'), 'array', ...Array(3).fill('string'), 'boolean'])
    }
  ],
  D2: ['the previous hash in swapped words', () => expect(first()[1]).toBe(PREV_HASH_A_FIELD)],
  D3: ['the branch of four transactions', () => expect(first()[4]).toEqual(BRANCH_A)],
  D4: [
    'an empty block has no branch',
    () => expect(first(new SessionRig({ work: workOf({ ...TEMPLATE_A, txids: [] }) }))[4]).toEqual([])
  ],
  D5: [
    'one transaction is the branch, in wire order',
    () => {
      const txid = TEMPLATE_A.txids[0] ?? ''
      const wire = txid.match(/../g)?.reverse().join('')
      expect(first(new SessionRig({ work: workOf({ ...TEMPLATE_A, txids: [txid] }) }))[4]).toEqual([wire])
    }
  ],
  D6: [
    'version, bits and time have eight digits',
    () => expect(first().slice(5, 8)).toEqual(['20000000', '1702a000', '68a00000'])
  ],
  D7: [
    'the halves and an extranonce make a coinbase',
    () => {
      const [, , coinbase1, coinbase2] = first()
      const coinbase = decodeTransaction(
        new ByteReader(hexToBytes(`${coinbase1}0a000001${'00'.repeat(8)}${coinbase2}`))
      )
      const script = coinbase.inputs[0]?.scriptSig ?? new Uint8Array(101)
      expect(script.length).toBeLessThanOrEqual(100)
      expect([...script.subarray(0, 4)]).toEqual([3, 0xa0, 0xbb, 0x0d])
      expect(coinbase.outputs.at(-1)?.valueSats).toBe(0n)
    }
  ],
  D8: [
    'every job has its own id',
    () => {
      const rig = loggedIn()
      for (let i = 0; i < 200; i++) rig.renew()
      expect(new Set(rig.jobIds).size).toBe(201)
      const again = jobOf(workOf(TEMPLATE_A), rig.jobId)
      expect(() => rig.renew({ job: again })).toThrow(/new id/)
    }
  ],
  D9: [
    'a renewal is not clean',
    () => {
      const rig = loggedIn()
      const notify = notifyIn(rig.renew())
      expect(notify?.at(-1)).toBe(false)
      expect(notify?.[0]).not.toBe(rig.jobIds[0])
    }
  ],
  D10: [
    'work is asked for before a minute of silence',
    () => expect(kindsOf(loggedIn().pass(60_000))).toEqual(['notify'])
  ],
  D11: [
    'a new block is clean, whatever the node says',
    () => {
      const notify = notifyIn(loggedIn().renew({ work: workOf({ ...TEMPLATE_A, prevHash: PREV_HASH_B }) }))
      expect(notify?.[1]).toBe(wordSwapped(PREV_HASH_B))
      expect(notify?.at(-1)).toBe(true)
    }
  ],
  D12: [
    'two connections share the block and not the extranonce',
    () => {
      const [a, b] = [new SessionRig(), new SessionRig({ extranonce1: '0a000002' })]
      const [first, second] = [a.login(), b.login()]
      expect(notifyIn(first)?.slice(1, 8)).toEqual(notifyIn(second)?.slice(1, 8))
      expect(JSON.stringify(first[0])).toContain('0a000001')
      expect(JSON.stringify(second[0])).toContain('0a000002')
    }
  ],
  D13: [
    'a signalled bit inside the mask is replaced by what the miner rolls',
    () => {
      const easy = { version: 0x20800000, bitcoinTarget: targetFromBits(0x207fffff) }
      const rig = new SessionRig({ work: workOf(TEMPLATE_A, easy) })
      rig.login()
      for (let nonce = 0; rig.solutions.length === 0; nonce++) {
        rig.submit(['0000000000000000', '68a00000', nonce.toString(16), '00002000'])
      }
      expect([...(rig.solutions[0]?.header.subarray(0, 4) ?? [])]).toEqual([0x00, 0x20, 0x00, 0x20])
    }
  ]
}

/** RPC display order in reverse order of its words. */
function wordSwapped(display: string): string {
  return display.match(/.{8}/g)?.reverse().join('') ?? ''
}
