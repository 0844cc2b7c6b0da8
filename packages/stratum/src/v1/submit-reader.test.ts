import { asciiToBytes, utf8FromString } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseMessage } from './messages.ts'
import { parseSubmit } from './parse-submit.ts'
import { SubmitReader } from './submit-reader.ts'

const PARAMS = '["bc1qaddress.rig", "6653f5", "0000000a", "65a0b1c2", "deadbeef", "00002000"]'

/** What the general way reads: the id and the submit, or null if it refuses the line or it is no submit. */
function readSlowly(line: Uint8Array): unknown {
  const message = parseMessage(line)
  if (message.kind !== 'request' || message.method !== 'mining.submit') return null
  const submit = parseSubmit(message.params, 4)
  return 'code' in submit ? null : { idJson: message.idJson, submit }
}

// As the source of each writes it.
const SPELLINGS: readonly [who: string, line: string][] = [
  ['cgminer', `{"params": ${PARAMS}, "id": 17, "method": "mining.submit"}`],
  ['cpuminer', '{"method": "mining.submit", "params": ["u", "j", "0000000A", "65a0b1c2", "DEADBEEF"], "id":4}'],
  ['a Bitaxe', `{"id": 5, "method": "mining.submit", "params": ${PARAMS}}`],
  ['a NerdMiner', '{"id": 12,"method":"mining.submit","params":["u.w","1a","00000001","65a0b1c2","1f3"]}'],
  ['a proxy', `{"id":0,"method":"mining.submit","params":${PARAMS}} `]
]

it.each(SPELLINGS)('reads a submit as %s spells it', (_who, line) => {
  const bytes = asciiToBytes(line)
  expect(new SubmitReader(4).read(bytes)).not.toBeNull()
  expect(new SubmitReader(4).read(bytes)).toEqual(readSlowly(bytes))
})

const hex = (digits: number) => fc.stringMatching(new RegExp(`^[0-9a-fA-F]{${digits}}$`))
const params = fc.tuple(fc.string(), fc.string({ maxLength: 6 }), hex(8), hex(8), hex(8), hex(8))
const requests = fc
  .record({
    id: fc.oneof(fc.nat(), fc.integer(), fc.double(), fc.string(), fc.constant(null)),
    method: fc.oneof(fc.constant('mining.submit'), fc.string()),
    params: fc.oneof(
      params,
      params.map(all => all.slice(0, 5)),
      fc.array(fc.string())
    ),
    more: fc.option(fc.record({ result: fc.boolean() }), { freq: 9 }),
    order: fc.shuffledSubarray(['id', 'method', 'params'], { minLength: 2 })
  })
  .map(({ id, method, params, more, order }) => {
    const all: Record<string, unknown> = { id, method, params }
    return JSON.stringify({ ...Object.fromEntries(order.map(key => [key, all[key]])), ...more })
  })
const mutations = fc.array(
  fc.record({ at: fc.nat(), what: fc.constantFrom('replace', 'insert', 'delete'), byte: fc.nat(255) }),
  { maxLength: 3 }
)

it('reads nothing that the general way would not have read the same', () => {
  const reader = new SubmitReader(4)
  fc.assert(
    fc.property(
      fc.oneof(requests, fc.constantFrom(...SPELLINGS.map(([, line]) => line))),
      mutations,
      (text, changes) => {
        const bytes = [...utf8FromString(text)]
        for (const { at, what, byte } of changes) {
          const place = at % (bytes.length + 1)
          bytes.splice(place, what === 'insert' ? 0 : 1, ...(what === 'delete' ? [] : [byte]))
        }
        const line = Uint8Array.from(bytes)
        const read = reader.read(line)
        if (read !== null) expect(read).toEqual(readSlowly(line))
      }
    ),
    { numRuns: 3_000 }
  )
})

it('reads one line like the next, whatever the last one was', () => {
  const reader = new SubmitReader(4)
  const lineOf = (name: string, job: string): Uint8Array =>
    asciiToBytes(`{"id":1,"method":"mining.submit","params":["${name}","${job}","00000000","65a0b1c2","00000000"]}`)
  const names = fc.array(fc.tuple(fc.constantFrom('a', 'ab', 'b', ''), fc.constantFrom('1', '12', '2')), {
    maxLength: 20
  })
  fc.assert(
    fc.property(names, all => {
      for (const [name, job] of all) {
        expect(reader.read(lineOf(name, job))?.submit).toMatchObject({ name, jobId: job })
      }
    })
  )
})
