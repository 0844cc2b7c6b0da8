import { expect } from 'vitest'
import type { Conformance } from '../conform.ts'
import { ADDRESS, difficultyIn, kindsOf, notifyIn, OTHER_ADDRESS, SessionRig } from '../session-rig.ts'

const SUBSCRIBED = [
  [
    ['mining.notify', '0a000001'],
    ['mining.set_difficulty', '0a000001']
  ],
  '0a000001',
  8
]
const PARSE_ERROR = { id: null, result: null, error: [-32700, 'Parse error', null] }
const ROLLING = 'version-rolling'

const subscribe = { id: 1, method: 'mining.subscribe', params: ['bitaxe/BM1370/v2.9.0'] }
const authorize = { id: 2, method: 'mining.authorize', params: [`${ADDRESS}.w`, 'x'] }
const configure = { id: 0, method: 'mining.configure', params: [[ROLLING], { 'version-rolling.mask': 'ffffffff' }] }

function subscribedWith(params: unknown): unknown {
  return new SessionRig().request(1, 'mining.subscribe', params)
}

function configured(params: unknown): unknown {
  const [reply] = new SessionRig().request(1, 'mining.configure', params)
  expect(reply?.error).toBe(null)
  return reply?.result
}

function authorized(params: unknown): SessionRig {
  const rig = new SessionRig()
  rig.read(subscribe)
  const lines = rig.request(2, 'mining.authorize', params)
  expect(lines[0]).toEqual({ id: 2, result: true, error: null })
  expect(kindsOf(lines)).toEqual([2, 'set_difficulty', 'notify'])
  expect(difficultyIn(lines)).toBe(512)
  expect(notifyIn(lines)?.at(-1)).toBe(true)
  return rig
}

function refused(params: unknown): void {
  const rig = new SessionRig()
  rig.read(subscribe)
  const [reply, ...more] = rig.request(2, 'mining.authorize', params)
  expect(reply).toEqual({ id: 2, result: false, error: [24, expect.stringMatching(/./), null] })
  expect(more).toEqual([])
  expect(rig.closed).toBe(null)
  rig.pass(10_000)
  expect(rig.closed).toBe('refused')
}

/** The first difficulty after a login with this password and no user agent. */
function firstDifficulty(password: string): number | null {
  return difficultyIn(new SessionRig().login(password))
}

/** Source: stratum §11, group A. */
export const FRAMING: Conformance = {
  A3: [
    'three requests of one read are answered in order, then comes work',
    () => {
      const rig = new SessionRig()
      expect(kindsOf(rig.read(configure, subscribe, authorize))).toEqual([0, 1, 2, 'set_difficulty', 'notify'])
      expect(rig.writes).toHaveLength(2)
    }
  ],
  A5: ['blank lines never get here and are no reason to close', () => expect(new SessionRig().read()).toEqual([])],
  A9: [
    'what is not JSON is told so and closed',
    () => {
      const rig = new SessionRig()
      expect(rig.read('hello', subscribe)).toEqual([PARSE_ERROR])
      expect(rig.closed).toBe('not-json')
    }
  ],
  A10: [
    'JSON that is no object is closed as well',
    () => {
      for (const line of ['[1,2]', '1', 'null', '"x"']) {
        const rig = new SessionRig()
        expect(rig.read(line)).toEqual([PARSE_ERROR])
        expect(rig.closed).toBe('not-json')
      }
    }
  ],
  A13: [
    'every write is whole lines of ASCII',
    () => {
      const rig = new SessionRig()
      rig.login()
      rig.request('\u00e9\n', 'mining.ping', [])
      rig.submit(['x'])
      // `linesOf` of the rig throws otherwise.
      expect(rig.writes.length).toBeGreaterThan(3)
      expect(rig.writes.every(text => text.endsWith('\n') && !text.includes('\n\n'))).toBe(true)
    }
  ],
  A14: ['a string id is echoed', () => expect(new SessionRig().request('auth', 'mining.ping', [])[0]?.id).toBe('auth')],
  A15: [
    'a null id is answered with null',
    () =>
      expect(new SessionRig().request(null, 'mining.subscribe', [])).toEqual([
        { id: null, result: SUBSCRIBED, error: null }
      ])
  ],
  A16: [
    'a big id is echoed as the same value',
    () => {
      expect(new SessionRig().read('{"id":9007199254740992,"method":"mining.ping"}')[0]?.id).toBe(9007199254740992)
      expect(new SessionRig().read('{"id":1e3,"method":"mining.ping"}')[0]?.id).toBe(1000)
    }
  ]
}

const answer = [{ id: 1, result: SUBSCRIBED, error: null }]

/** Source: stratum §11, group B. */
export const LOGIN: Conformance = {
  B1: [
    'subscribe is answered with both subscriptions',
    () => expect(subscribedWith(['bitaxe/BM1370/v2.9.0'])).toEqual(answer)
  ],
  B2: ['subscribe without user agent', () => expect(subscribedWith([])).toEqual(answer)],
  B3: [
    'subscribe without params',
    () => expect(new SessionRig().read('{"id":1,"method":"mining.subscribe"}')).toEqual(answer)
  ],
  B4: [
    'subscribe with odd params',
    () => {
      for (const params of [['NiceHash/1.0.0', '1755300000', 'abcd'], [null], ['a', null, 'host', 3333], null, 7]) {
        expect(subscribedWith(params)).toEqual(answer)
      }
    }
  ],
  B6: [
    'after subscribe alone there is silence',
    () => {
      const rig = new SessionRig()
      rig.read(subscribe)
      expect(rig.pass(5_000)).toEqual([])
    }
  ],
  B8: [
    'subscribing twice is answered the same',
    () => {
      const rig = new SessionRig()
      expect(rig.request(1, 'mining.subscribe', [])).toEqual(rig.request(1, 'mining.subscribe', ['other/1']))
    }
  ],
  B10: [
    "another connection's session id gives no claim to its extranonce",
    () => {
      const rig = new SessionRig({ extranonce1: '0a000002' })
      expect(rig.request(1, 'mining.subscribe', ['cgminer/4.11.1', '0a000001'])[0]?.result).toContain('0a000002')
    }
  ],
  B11: [
    'configure of a bitaxe',
    () => expect(configured(configure.params)).toEqual({ [ROLLING]: true, 'version-rolling.mask': '1fffe000' })
  ],
  B12: [
    'a narrower mask is kept',
    () =>
      expect(configured([[ROLLING], { 'version-rolling.mask': '00ffe000' }])).toMatchObject({
        'version-rolling.mask': '00ffe000'
      })
  ],
  B13: [
    'a mask has eight digits',
    () =>
      expect(configured([[ROLLING], { 'version-rolling.mask': '0000e000' }])).toMatchObject({
        'version-rolling.mask': '0000e000'
      })
  ],
  B14: [
    'each requested extension has its member',
    () =>
      expect(
        configured([
          [ROLLING, 'minimum-difficulty', 'subscribe-extranonce'],
          {
            'version-rolling.mask': '1fffe000',
            'version-rolling.min-bit-count': 16,
            'minimum-difficulty.value': 2048
          }
        ])
      ).toEqual({
        [ROLLING]: true,
        'version-rolling.mask': '1fffe000',
        'minimum-difficulty': true,
        'subscribe-extranonce': true
      })
  ],
  B15: [
    'no mask means ours',
    () => expect(configured([[ROLLING], {}])).toMatchObject({ 'version-rolling.mask': '1fffe000' })
  ],
  B16: ['an unknown extension is declined', () => expect(configured([['foo'], {}])).toEqual({ foo: false })],
  B17: [
    'no extension, no member',
    () => {
      expect(configured([[], {}])).toEqual({})
      expect(configured([])).toEqual({})
    }
  ],
  B18: [
    'no common bit declines rolling',
    () => expect(configured([[ROLLING], { 'version-rolling.mask': '00000001' }])).toEqual({ [ROLLING]: false })
  ],
  B19: [
    'configure after subscribe',
    () => expect(kindsOf(new SessionRig().read(subscribe, { ...configure, id: 2 }))).toEqual([1, 2])
  ],
  B20: [
    'the wanted number of bits is there',
    () =>
      expect(
        configured([[ROLLING], { 'version-rolling.mask': '1fffe000', 'version-rolling.min-bit-count': 16 }])
      ).toEqual({
        [ROLLING]: true,
        'version-rolling.mask': '1fffe000'
      })
  ],
  B21: [
    'the mask is never pushed',
    () => {
      const rig = new SessionRig()
      rig.read(configure, subscribe, authorize)
      expect(rig.writes.join('')).not.toContain('set_version_mask')
    }
  ],
  B22: ['authorize brings difficulty and a clean job', () => void authorized([`${ADDRESS}.w`, 'x'])],
  B23: ['authorize without password', () => void authorized([`${ADDRESS}.w`])],
  B24: [
    'a password may be null or a number',
    () => {
      authorized([`${ADDRESS}.w`, null])
      authorized([`${ADDRESS}.w`, 123])
    }
  ],
  B25: ['an address alone is a name', () => expect(authorized([ADDRESS, 'x']).session.identity?.worker).toBe('')],
  B26: [
    'the worker is all after the first dot',
    () => expect(authorized([`${ADDRESS}.a.b.c`, 'x']).session.identity?.worker).toBe('a.b.c')
  ],
  B27: ['a name is trimmed', () => expect(authorized([`${ADDRESS}.w \n`, 'x']).session.identity?.worker).toBe('w')],
  B28: ['a wrong address is refused, then closed', () => refused(['notanaddress', 'x'])],
  B29: ['an address of another network is refused', () => refused(['tb1qexampleaddr', 'x'])],
  B30: [
    'an empty user is refused',
    () => {
      refused(['', ''])
      refused([])
      refused(['.w', 'x'])
    }
  ],
  B31: [
    'authorize may come before subscribe',
    () => {
      const rig = new SessionRig()
      expect(kindsOf(rig.read(authorize))).toEqual([2])
      expect(kindsOf(rig.read(subscribe))).toEqual([1, 'set_difficulty', 'notify'])
    }
  ],
  B32: [
    'a second worker of the same address is welcome',
    () => {
      const rig = new SessionRig()
      rig.login()
      expect(rig.request(3, 'mining.authorize', [`${ADDRESS}.w2`, 'x'])).toEqual([{ id: 3, result: true, error: null }])
    }
  ],
  B33: [
    'a second address is refused and mining goes on',
    () => {
      const rig = new SessionRig()
      rig.login()
      const params = [`${OTHER_ADDRESS}.w`, 'x']
      const refusal = { id: 3, result: false, error: [24, 'Address already set', null] }
      expect(rig.request(3, 'mining.authorize', params)).toEqual([refusal])
      expect(rig.request(3, 'mining.authorize', params)).toEqual([refusal])
      rig.pass(11_000)
      expect(rig.closed).toBe(null)
    }
  ],
  B34: ['d= in the password', () => expect(firstDifficulty('d=512')).toBe(512)],
  B35: ['d= among other things', () => expect(firstDifficulty('x,D=1024;foo')).toBe(1024)],
  B36: ['th= in the password', () => expect(firstDifficulty('th=1')).toBe(776)],
  B37: ['d= wins over th=', () => expect(firstDifficulty('th=1,d=100')).toBe(100)],
  B38: [
    'a d= that is no difficulty is ignored',
    () => expect(['d=abc', 'd=-5', 'd=0'].map(firstDifficulty)).toEqual([1, 1, 1])
  ],
  B39: ['d= is not below the minimum', () => expect(firstDifficulty('d=0.00000001')).toBe(0.0001)],
  B40: [
    'without work the replies come at once and work when there is some',
    () => {
      const rig = new SessionRig({ work: null })
      expect(kindsOf(rig.login())).toEqual([1, 2])
      const other = new SessionRig()
      rig.work = other.work
      expect(kindsOf(rig.renew())).toEqual(['set_difficulty', 'notify'])
    }
  ]
}
