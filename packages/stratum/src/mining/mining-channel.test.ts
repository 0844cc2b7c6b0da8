import type { MiningWork } from '@p2poolv2/bitcoin'
import { bytesToHexReversed, hexToBytes, type Moment, steadyMs, unixMs } from '@p2poolv2/primitives'
import { expect, it } from 'vitest'
import type { MinerSession, SessionEffect, SessionOutput } from '../contract.ts'
import { FRAME, FrameProtocol, loginFrame, submitFrame } from '../testing/frame-protocol.ts'
import { ADDRESS, authorise, NO_LIMITS, SETTINGS } from '../testing/session-rig.ts'
import { jobOf, TEMPLATE_A, TEMPLATE_V3, V1, V3, V3_HASH, workOf } from '../testing/vectors.ts'

// Below the protocols nothing knows of lines: the same vectors, through frames of bytes and another split of the extranonce.

const NOW: Moment = { wallMs: unixMs(TEMPLATE_A.timeSec * 1000), steadyMs: steadyMs(0) }
const PREFIX = '0a0000010000'

function mining(work: MiningWork): { session: MinerSession; sent: SessionOutput[] } {
  const session = new FrameProtocol().open(
    {
      ...SETTINGS,
      vardiff: { ...SETTINGS.vardiff, startDifficulty: 0.001 },
      extranonce: { prefix: hexToBytes(PREFIX), minerBytes: 6 },
      sessionId: '00000000000000aa',
      connectedAtMs: NOW.steadyMs,
      remote: '192.0.2.1:50000'
    },
    {}
  )
  const sent: SessionOutput[] = []
  const perform = (effects: readonly SessionEffect[]): void => {
    for (const effect of effects) {
      if (effect.type === 'send') sent.push(effect.output)
      else if (effect.type === 'authorise') {
        const { requestId, request } = effect
        const answer = authorise(request)
        if (answer.ok) perform(session.handle({ type: 'authorised', requestId, identity: answer.identity }, NOW))
      } else if (effect.type === 'wantWork') {
        const job = jobOf(work, 'a-job')
        perform(session.handle({ type: 'work', job, oldestWorkId: 1, cleanJobs: true, limits: NO_LIMITS }, NOW))
      }
    }
  }
  perform(session.handle({ type: 'received', messages: [loginFrame(ADDRESS)] }, NOW))
  return { session, sent }
}

/** The submit of a vector: what its extranonce2 has beyond our longer prefix. */
function frameOf([extranonce2, time, nonce]: readonly string[]): Uint8Array {
  const numbers = [time, nonce].map(hex => Number.parseInt(hex ?? '', 16))
  return submitFrame(0, numbers[0] ?? 0, numbers[1] ?? 0, hexToBytes((extranonce2 ?? '').slice(4)))
}

it('a share of the vectors counts, once', () => {
  const { session, sent } = mining(workOf(TEMPLATE_A))
  expect(sent).toEqual([Uint8Array.of(FRAME.work, 0, 1)])
  const frame = frameOf(V1)
  const effects = session.handle({ type: 'received', messages: [frame, frame] }, NOW)
  expect(effects.filter(({ type }) => type === 'send')).toEqual([
    { type: 'send', output: Uint8Array.of(FRAME.accepted) },
    { type: 'send', output: Uint8Array.of(FRAME.refused) }
  ])
  expect([session.accepted, session.rejected]).toEqual([1, 1])
  expect(session.bestDifficulty).toBeCloseTo(1.532242, 5)
  session.checkInvariants(NOW.steadyMs)
})

it('a block of the vectors is a solution that names its work', () => {
  const work = workOf(TEMPLATE_V3, { id: 7 })
  const { session } = mining(work)
  const [first] = session.handle({ type: 'received', messages: [frameOf(V3)] }, NOW)
  if (first?.type !== 'solution') throw new Error('the block was missed')
  const { solution } = first
  expect(solution).toMatchObject({ workId: 7, nsecs: jobOf(work, 'a-job').nsecs, meetsBitcoin: true })
  expect(bytesToHexReversed(solution.hashWire)).toBe(V3_HASH)
  expect(solution.extranonce).toEqual(hexToBytes(`${PREFIX}${V3[0].slice(4)}`))
})
