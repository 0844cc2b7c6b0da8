import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseMessage } from '../v1/messages.ts'
import { Redaction } from './redaction.ts'

const ADDRESS = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'
const OTHER = '1BoatSLRHtKNngkdXEeobR76b53LETtpyT'
const SHARE_ADDRESS = 'sc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr'

function authorize(user: string, password: unknown): string {
  return JSON.stringify({ id: 2, method: 'mining.authorize', params: [user, password] })
}

describe('Redaction', () => {
  it('leaves no address, and the same one is the same everywhere', () => {
    const redaction = new Redaction()
    const login = redaction.ofMiner(authorize(`${ADDRESS}.desk`, 'x'))
    const submit = redaction.ofMiner(
      `{"id":4,"method":"mining.submit","params":["${ADDRESS}.desk","6b","00","01","02"]}`
    )
    const other = redaction.ofMiner(authorize(OTHER, 'x'))
    const reply = redaction.ofNode(`{"id":2,"result":false,"error":[24,"${OTHER} is not an address",null]}`)
    for (const line of [login, submit, other, reply]) expect(line).not.toMatch(new RegExp(`${ADDRESS}|${OTHER}`))
    const name = /"(bc1q[0-9a-z]+)\.desk"/.exec(login)?.[1]
    expect(name).toHaveLength(ADDRESS.length)
    expect(submit).toContain(`"${name}.desk"`)
    expect(reply).toContain(/"(1Boa[0-9a-z]+)"/.exec(other)?.[1])
  })

  it('keeps of a password what it says of difficulty', () => {
    const line = new Redaction().ofMiner(authorize('w', `d=512,hunter2;th=1.5 p2p=${SHARE_ADDRESS},diff=secret`))
    expect(line).toMatch(/"d=512,xxxxxxx;th=1\.5 p2p=sc1p[0-9a-z]+,xxxxxxxxxxx"/)
    expect(line).not.toContain(SHARE_ADDRESS)
  })

  it('takes out what a rental service signs its login with', () => {
    const line =
      '{"id":1,"method":"mining.subscribe","params":["NiceHash/1.0.0","1755300000","9f0c33a9e28b7f0c33a9e28b7f"]}'
    expect(new Redaction().ofMiner(line)).toBe(
      '{"id":1,"method":"mining.subscribe","params":["NiceHash/1.0.0","1755300000","**************************"]}'
    )
  })

  it('finds a password that is written with escapes', () => {
    const line = '{"id":2,"method":"mining.authorize","params":["w","hun\\u0074er2"]}'
    expect(JSON.parse(new Redaction().ofMiner(line))).toEqual({
      id: 2,
      method: 'mining.authorize',
      params: ['w', 'xxxxxxx']
    })
  })

  it('leaves no words of a line that is not JSON', () => {
    const line = `{"id":2,"method":"mining.authorize","params":["${ADDRESS}","hunter2"`
    const shown = new Redaction().ofMiner(line)
    expect(shown).toHaveLength(line.length)
    expect(shown).not.toMatch(/hunter2|bc1qw508/)
    expect(parseMessage(new TextEncoder().encode(shown))).toEqual({ kind: 'not-json' })
  })

  it('leaves what the machine reads of a line as it was, whatever the line is', () => {
    fc.assert(
      fc.property(fc.json(), line => {
        const [before, after] = [line, new Redaction().ofMiner(line)].map(text =>
          parseMessage(new TextEncoder().encode(text))
        )
        expect(after?.kind).toBe(before?.kind)
      })
    )
  })
})
