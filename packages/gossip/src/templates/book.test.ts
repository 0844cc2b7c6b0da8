import { bytesToHex, sha256d } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NaiveBook } from '../testing/naive-book.ts'
import { blockTemplate, templateTransaction } from '../testing/templates.ts'
import { branchKeyOf, TemplateBook } from './book.ts'

const TRANSACTIONS = Array.from({ length: 12 }, (_, i) => templateTransaction(i, 1 + 7 * i))
const LIMITS = { maxTemplates: 5, maxOwn: 2, maxPerPeer: 2, maxBytes: 900 }
const pick = (numbers: readonly number[]) => numbers.map(number => TRANSACTIONS[number] ?? templateTransaction(number))

type Command =
  | { readonly type: 'own'; readonly transactions: readonly number[]; readonly height: number }
  | { readonly type: 'peer'; readonly peer: string; readonly transactions: readonly number[]; readonly height: number }
  | { readonly type: 'dropBelow'; readonly height: number }

const transactions = fc.uniqueArray(fc.nat(TRANSACTIONS.length - 1), { minLength: 1, maxLength: 7 })
const height = fc.integer({ min: 100, max: 103 })
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('own' as const), transactions, height }) },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('peer' as const),
      peer: fc.constantFrom('ann', 'bob', 'cid'),
      transactions,
      height
    })
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('dropBelow' as const), height }) }
)

it('holds the same templates and transactions as the plain version of it, and never more than its caps', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 40, size: 'max' }), commands => {
      const real = new TemplateBook({ limits: LIMITS })
      const naive = new NaiveBook(LIMITS)
      for (const step of commands) {
        if (step.type === 'dropBelow') {
          real.dropBelow(step.height)
          naive.dropBelow(step.height)
        } else {
          const template = blockTemplate({ transactions: pick(step.transactions), bitcoinHeight: step.height })
          const branchKey = branchKeyOf(template.merkleBranch)
          const { bitcoinHeight } = template
          if (step.type === 'own') real.addOwn(template)
          else real.addPeers(step.peer, { branchKey, bitcoinHeight, transactions: template.transactions })
          const owner = step.type === 'own' ? 'own' : step.peer
          naive.add({ key: bytesToHex(branchKey), owner, bitcoinHeight, transactions: template.transactions })
        }
        real.checkInvariants()
        expect(real.size).toBe(naive.templates.length)
        expect(real.bytes).toBe(naive.bytes)
        expect(real.newestOwn?.key ?? null).toBe(naive.newestOwn)
        for (const template of naive.templates) {
          expect(real.find(template.key)?.transactions).toEqual(template.transactions)
        }
        for (const { wtxidWire } of TRANSACTIONS) {
          const wtxid = bytesToHex(wtxidWire)
          expect(real.transaction(wtxid) !== undefined).toBe(naive.has(wtxid))
        }
      }
    }),
    { numRuns: 300 }
  )
})

describe('a template in the book', () => {
  const book = new TemplateBook({ sha256d })
  const template = blockTemplate({ transactions: pick([1, 2, 3]) })
  const added = book.addOwn(template)

  it('is found by the branch that a share of it carries, and by the name of its list', () => {
    expect(book.find(bytesToHex(branchKeyOf(template.merkleBranch)))).toBe(added)
    expect(book.withId(added.id)).toBe(added)
    expect(book.withId(new Uint8Array(32))).toBeUndefined()
  })

  it('shares its transactions with the others', () => {
    const other = blockTemplate({ transactions: pick([2, 3, 4]) })
    const { bytes } = book
    const branchKey = branchKeyOf(other.merkleBranch)
    book.addPeers('ann', { branchKey, bitcoinHeight: 100, transactions: pick([2, 3, 4]) })
    const [, , , , fourth] = TRANSACTIONS
    expect(book.bytes - bytes).toBe((fourth?.dataHex.length ?? 0) / 2)
    expect(book.newestOf('ann')?.bitcoinHeight).toBe(100)
  })
})
