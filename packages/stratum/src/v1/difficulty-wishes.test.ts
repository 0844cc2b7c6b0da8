import { describe, expect, it } from 'vitest'
import type { MinerIdentity, MinerSays, SessionEffect } from '../contract.ts'
import { DEFAULT_VARDIFF } from '../mining/difficulty.ts'
import { settingsOfDoor } from '../mining/door-settings.ts'
import { ADDRESS, difficultyIn, SETTINGS, SessionRig } from '../testing/session-rig.ts'

const ON = { ...SETTINGS, vardiff: DEFAULT_VARDIFF }
const SMALL_CHAIN = { shareDifficulty: 1155, bitcoinDifficulty: 1e14 }

/** Login and suggestion in one packet, as NerdMiners send them. */
function loginWith(
  rig: SessionRig,
  userAgent: string,
  options: { suggestion?: number; password?: string } = {}
): number | null {
  const { suggestion, password = 'x' } = options
  const suggested =
    suggestion === undefined ? [] : [{ id: 3, method: 'mining.suggest_difficulty', params: [suggestion] }]
  return difficultyIn(
    rig.read(
      { id: 1, method: 'mining.subscribe', params: [userAgent] },
      { id: 2, method: 'mining.authorize', params: [`${ADDRESS}.w`, password] },
      ...suggested
    )
  )
}

function conflictsOf(rig: SessionRig): SessionEffect[] {
  return rig.effects.filter(({ type }) => type === 'difficultyConflict')
}

describe('what a machine says of itself', () => {
  it('comes before what is remembered of its name', () => {
    const rig = new SessionRig({ settings: ON, deps: { lastDifficulty: () => 1010 } })
    expect(loginWith(rig, 'NerdMinerV2', { suggestion: 0.00015 })).toBe(0.00015)
  })

  it('gives way to a memory of the same size, which was measured', () => {
    const rig = new SessionRig({ settings: ON, deps: { lastDifficulty: () => 2700 } })
    expect(loginWith(rig, 'bitaxe/BM1370/v2.9.0', { suggestion: 1000 })).toBe(2700)
    rig.pass(20_000)
    expect(rig.request(4, 'mining.suggest_difficulty', [1000])).toEqual([])
  })

  it('is what a memory is asked for with', () => {
    const asked: [MinerIdentity, MinerSays][] = []
    const lastDifficulty = (identity: MinerIdentity, says: MinerSays): null => {
      asked.push([identity, says])
      return null
    }
    const rig = new SessionRig({ deps: { lastDifficulty } })
    loginWith(rig, 'whatsminer/v1.0', { password: 'd=64' })
    expect(asked).toMatchObject([[{ worker: 'w' }, { userAgent: 'whatsminer/v1.0', operator: { difficulty: 64 } }]])
  })
})

describe('a suggestion said again', () => {
  it('is compared with what is in force, not with what was said before', () => {
    const rig = new SessionRig({ settings: ON })
    expect(loginWith(rig, 'NerdMinerV2', { suggestion: 64 })).toBe(64)
    rig.pass(10_000)
    expect(difficultyIn(rig.request(4, 'mining.suggest_difficulty', [128]))).toBe(128)
    rig.pass(10_000)
    expect(difficultyIn(rig.request(5, 'mining.suggest_difficulty', [64]))).toBe(64)
  })

  it('is nothing once it was followed', () => {
    const rig = new SessionRig({ settings: ON })
    loginWith(rig, 'NerdMinerV2', { suggestion: 0.00015 })
    for (let i = 0; i < 10; i++) {
      rig.pass(30_000)
      expect(difficultyIn(rig.request(4, 'mining.suggest_difficulty', [0.00015]))).toBeNull()
    }
  })
})

describe('the least that somebody set', () => {
  const demands: Readonly<Record<string, readonly [userAgent: string, password: string, difficulty: number]>> = {
    'a rental service': ['NiceHash/1.0.0', 'x', 524_288],
    'd= in the password': ['cgminer/4.11.1', 'd=524288', 524_288],
    'md= in the password': ['cgminer/4.11.1', 'md=8192', 8192]
  }
  for (const [who, [userAgent, password, difficulty]] of Object.entries(demands)) {
    it(`holds above what is useful, and the node is told: ${who}`, () => {
      const rig = new SessionRig({ settings: ON, limits: SMALL_CHAIN })
      expect(loginWith(rig, userAgent, { password })).toBe(difficulty)
      rig.renew()
      rig.renew()
      expect(conflictsOf(rig)).toEqual([
        { type: 'difficultyConflict', wantedDifficulty: difficulty, usefulDifficulty: 1155, isGranted: true }
      ])
    })
  }

  it('is the configured minimum where it was configured', () => {
    const settings = { ...ON, vardiff: { ...DEFAULT_VARDIFF, minDifficulty: 4096, setMinimum: 4096 } }
    const rig = new SessionRig({ settings, limits: SMALL_CHAIN })
    expect(loginWith(rig, 'cpuminer/2.5.1')).toBe(4096)
    expect(conflictsOf(rig)).toHaveLength(1)
  })

  it('is told from a wish that is not granted', () => {
    const rig = new SessionRig({ settings: ON, limits: { shareDifficulty: 0.5, bitcoinDifficulty: 1e14 } })
    expect(loginWith(rig, 'bitaxe/BM1370/v2.9.0', { suggestion: 1000 })).toBe(0.43)
    expect(conflictsOf(rig)).toEqual([
      { type: 'difficultyConflict', wantedDifficulty: 1000, usefulDifficulty: 0.5, isGranted: false }
    ])
  })
})

describe('an ASIC that is silent', () => {
  it('is asked for no less than 1', () => {
    const rig = new SessionRig({ settings: ON })
    loginWith(rig, 'whatsminer/v1.0')
    for (let i = 0; i < 120; i++) {
      rig.pass(30_000)
      rig.renew()
    }
    expect(rig.session.difficulty).toBe(1)
  })
})

describe('clocks that differ', () => {
  it('leave the own time of a job good, however far bitcoind is ahead', () => {
    const rig = new SessionRig()
    rig.skewMs = -7_300_000
    rig.login()
    expect(rig.submit(['0000000000000001', '68a00000', '004f14e1'])[0]).toMatchObject({ result: true })
    expect(rig.submit(['0000000000000001', '68a00001', '004f14e1'])[0]?.error?.[1]).toBe('Ntime out of range')
  })
})

describe('who comes in by a door for rented machines', () => {
  const atDoor = (userAgent: string): SessionRig => {
    const on = { ...SETTINGS, vardiff: { ...SETTINGS.vardiff, retarget: 'on' } } as const
    const rig = new SessionRig({ settings: settingsOfDoor(on, 1_000_000) })
    rig.login('x', userAgent)
    return rig
  }

  it.each(['MRRProxy/1.0', '', 'cgminer/4.11.1', 'NerdMinerV2/V1.8.3'])(
    'starts there and waits for a buyer without falling below a thousandth: %s',
    userAgent => {
      const rig = atDoor(userAgent)
      expect(rig.session.difficulty).toBe(1_000_000)
      rig.pass(119_000)
      // Not taken for a microcontroller that is to be found out about.
      expect(rig.session.difficulty).toBe(1_000_000)
      rig.pass(86_400_000)
      expect(rig.session.difficulty).toBe(1_000)
    }
  )
})
