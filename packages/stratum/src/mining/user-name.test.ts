import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_WORKER_CHARS, userNameOf } from './user-name.ts'

const ADDRESS = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'

describe('userNameOf', () => {
  const written: Readonly<Record<string, string>> = {
    [ADDRESS]: '',
    [`${ADDRESS}.rig1`]: 'rig1',
    [`${ADDRESS}.a.b.c`]: 'a.b.c',
    [`${ADDRESS}_rig1`]: 'rig1',
    [`${ADDRESS}-rig1`]: 'rig1',
    [`${ADDRESS}+1024`]: '1024',
    [`${ADDRESS}/rig1`]: 'rig1',
    [`${ADDRESS} rig`]: 'rig',
    [`${ADDRESS}.rig \r\n`]: 'rig',
    [`bitcoin:${ADDRESS}`]: '',
    [`BITCOIN:${ADDRESS}.rig1`]: 'rig1',
    [`${ADDRESS}?label=rig`]: 'label_rig',
    [`${ADDRESS}.m\u00fchle`]: 'm_hle',
    [`${ADDRESS}."><b>\\/..`]: '___b___..'
  }
  for (const [name, worker] of Object.entries(written)) {
    it(`finds the address in ${JSON.stringify(name.replace(ADDRESS, 'ADDRESS'))}`, () => {
      expect(userNameOf(name)).toEqual({ user: ADDRESS, worker })
    })
  }

  it('finds no address where a name begins with a sign', () => {
    expect(userNameOf('.rig1').user).toBe('')
    expect(userNameOf('').user).toBe('')
  })

  it('gives plain text of bounded length, whatever was typed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), name => {
        const { user, worker } = userNameOf(name)
        expect(user).toMatch(/^[0-9A-Za-z]*$/)
        expect(worker).toMatch(/^[\x20-\x7e]*$/)
        expect(worker).not.toMatch(/["\\/<>&']/)
        expect(worker.length).toBeLessThanOrEqual(MAX_WORKER_CHARS)
      })
    )
  })
})
