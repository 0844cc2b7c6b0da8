import { steadyMs } from '@p2poolv2/primitives'
import { describe, expect, it } from 'vitest'
import type { DifficultyLimits } from '../contract.ts'
import { NO_LIMITS, SETTINGS, SessionRig } from '../testing/session-rig.ts'
import { V1, V2 } from '../testing/vectors.ts'
import { answerOf, answerText } from './answers.ts'
import { ConnectionRecorder } from './connection-recorder.ts'
import { parseRecordings, type Recording, recordingHead, recordingLine } from './recording.ts'
import { replay } from './replay.ts'

/** A session of the rig whose every line is written down as the node writes it. */
class RecordedRig extends SessionRig {
  readonly #recorder = new ConnectionRecorder({ miner: 7, redact: 'redact' })
  readonly #startedAtMs = this.nowMs
  #text = this.#recorder.opened(0)
  #written = 0
  #heard = 0

  /** What was written so far, as it stands in a file. */
  recording(limits: DifficultyLimits = NO_LIMITS): Recording {
    this.#take(limits)
    const about = { version: '0.0.0', startedAtMs: this.#startedAtMs, redacted: true }
    const [recording] = parseRecordings(recordingLine(recordingHead(SETTINGS, about)) + this.#text)
    if (recording === undefined) throw new Error('a recording is a recording')
    return recording
  }

  /** From here on as in a next file. */
  carryOn(): void {
    this.#take(NO_LIMITS)
    this.#text = this.#recorder.carriedOn(this.nowMs - this.#startedAtMs)
  }

  #take(limits: DifficultyLimits): void {
    for (const { events, now, text } of this.transcript.steps.slice(this.#heard)) {
      const at = now.steadyMs - this.#startedAtMs
      for (const event of events)
        if (event.type === 'received') this.#text += this.#recorder.received(at, event.messages)
      if (text !== '') this.#text += this.#recorder.sent(at, text, limits)
      this.#written += text.length
    }
    this.#heard = this.transcript.steps.length
  }
}

function mined(): RecordedRig {
  const rig = new RecordedRig()
  rig.login('x', 'other/1')
  rig.submit(V1)
  rig.submit(V1)
  rig.submit(V2)
  rig.nowMs = steadyMs(rig.nowMs + 20_000)
  rig.request(5, 'mining.suggest_difficulty', [0.1])
  rig.submit(V2, { jobId: rig.jobIds[0] ?? '' })
  rig.submit(V1, { jobId: 'ffff' })
  return rig
}

describe('replay', () => {
  it('answers as the recording does, share by share', () => {
    const [connection, ...others] = replay(mined().recording())
    expect(others).toEqual([])
    expect(connection?.differences).toEqual([])
    const kinds = connection?.lines.filter(({ who }) => who === 'replayed').map(({ text }) => text)
    expect(kinds?.filter(text => text.includes('"error":null')).length).toBeGreaterThan(2)
    expect(kinds?.join()).toContain('Duplicate share')
    expect(kinds?.join()).toContain('Low difficulty share')
    expect(kinds?.join()).toContain('Job not found')
  })

  it('tells what is answered otherwise than it was', () => {
    const { head, entries } = mined().recording()
    const changed = entries.map(entry =>
      'out' in entry ? { ...entry, out: entry.out.map(line => line.replace('[22,', '[29,')) } : entry
    )
    const [connection] = replay({ head, entries: changed })
    expect(
      connection?.differences.map(({ recorded, replayed }) => [recorded, replayed].map(one => one && answerText(one)))
    ).toEqual([['4: error 29', '4: error 22']])
  })

  it('goes on in a next file as if it had the first', () => {
    const rig = mined()
    rig.carryOn()
    rig.nowMs = steadyMs(rig.nowMs + 5_000)
    rig.submit(V1, { jobId: rig.jobId })
    rig.submit(V2, { jobId: rig.jobId })
    rig.submit(V1, { jobId: 'ffff' })
    const [connection] = replay(rig.recording())
    const replayed = connection?.lines
      .filter(({ who }) => who === 'replayed')
      .map(({ text }) => answerText(answerOf(text)))
    // What was a duplicate of a submit in the first file is none here: that much a next file does not know.
    expect(replayed?.slice(-3)).toEqual(['4: true', '4: true', '4: error 21'])
    expect(connection?.differences.map(({ recorded }) => recorded?.kind)).toEqual(['4: error 22', '4: error 22'])
  })

  it('stops when the node stopped', () => {
    const rig = mined()
    rig.handle({ type: 'stopping' })
    const [connection] = replay(rig.recording())
    expect(connection?.lines.at(-1)).toMatchObject({
      who: 'replayed',
      text: expect.stringContaining('client.reconnect')
    })
    expect(connection?.differences).toEqual([])
  })

  it('closes whom it closed', () => {
    const rig = new RecordedRig({ authorise: () => ({ ok: false, message: 'Nobody' }) })
    rig.login()
    const { head, entries } = rig.recording()
    const [connection] = replay({
      head,
      entries: [...entries, { at: 10_000, miner: 7, close: 'refused' }, { at: 10_000, miner: 7, gone: 'closed' }]
    })
    expect(connection?.differences).toEqual([])
    const [late] = replay({ head, entries: [...entries, { at: 25_000, miner: 7, close: 'no-authorise' }] })
    expect(late?.differences).toHaveLength(1)
  })
})

describe('parseRecordings', () => {
  const head = recordingLine(recordingHead(SETTINGS, { version: '0.0.0', startedAtMs: 5, redacted: false }))

  it('leaves out a last line that a kill cut short', () => {
    expect(parseRecordings(`${head}{"at":1,"miner":1,"in":["a"]}\n{"at":2,"mi`)).toMatchObject([
      { entries: [{ at: 1, miner: 1, in: ['a'] }] }
    ])
  })

  it.each([
    ['nothing', ''],
    ['what is no recording', '{"id":1}\n'],
    ['an entry without a time', `${head}{"miner":1,"in":[]}\n`],
    ['lines that are no text', `${head}{"at":1,"miner":1,"out":[1]}\n`],
    ['another format', head.replace('"format":1', '"format":2')]
  ])('refuses %s, in words', (_what, text) => {
    expect(() => parseRecordings(text)).toThrow(/recording|file/)
  })

  it('reads several that were put together', () => {
    expect(parseRecordings(head + head)).toHaveLength(2)
  })
})
