import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { steadyMs } from '@p2poolv2/primitives'
import { LineReader, parseRecordings, RecordingError, recordingLine } from '@p2poolv2/stratum'
import { hintsIn } from '../../../packages/stratum/src/mining/miner-hints.ts'
import { userNameOf } from '../../../packages/stratum/src/mining/user-name.ts'
import { Redaction } from '../../../packages/stratum/src/recording/redaction.ts'
import { ADDRESS, SessionRig } from '../../../packages/stratum/src/testing/session-rig.ts'
import { PREV_HASH_B, TEMPLATE_A, V1, workOf } from '../../../packages/stratum/src/testing/vectors.ts'
import { credentialsOf } from '../../../packages/stratum/src/v1/handshake.ts'
import { parseMessage } from '../../../packages/stratum/src/v1/messages.ts'
import { parseSubmit } from '../../../packages/stratum/src/v1/parse-submit.ts'
import { SubmitReader } from '../../../packages/stratum/src/v1/submit-reader.ts'
import { asBytes } from '../engine/change.ts'
import { hold, type Target } from '../engine/target.ts'
import { latin1 } from './same.ts'

const recording = readFileSync(new URL('../../recordings/bitaxe-axeos-2-9.stratum.jsonl', import.meta.url), 'utf8')
/** What real machines say, from a recording. */
const said = recording
  .split('\n')
  .filter(line => line.includes('"in"'))
  .flatMap(line => (JSON.parse(line) as { readonly in: readonly string[] }).in)
const SUBMIT = `{"id":4,"method":"mining.submit","params":["${ADDRESS}.w","68a0000000000001","${V1.join('","')}"]}`
const LINES = [
  ...new Set(said.map(line => line.replace(/\d+/g, '1').slice(0, 60))),
  '{"id":1,"method":"mining.subscribe","params":["cgminer/4.10","08000002"]}',
  `{"id":2,"method":"mining.authorize","params":["${ADDRESS}.w","x,d=16;md=1,th=0.5 p2p=p2pool1q"]}`,
  '{"id":3,"method":"mining.configure","params":[["version-rolling","minimum-difficulty","subscribe-extranonce","info"],{"version-rolling.mask":"1fffe000","minimum-difficulty.value":2048}]}',
  '{"id":5,"method":"mining.suggest_difficulty","params":[1.5e3]}',
  `{"id":6,"method":"mining.suggest_target","params":["${'00ff'.repeat(16)}"]}`,
  '{"id":"a\\u00e9","method":"mining.extranonce.subscribe","params":[]}',
  '{"id":null,"result":true,"error":null}',
  SUBMIT,
  SUBMIT.replace(']}', ',"00abe000"]}')
]
const EXTRANONCE2_BYTES = 8

/** Cut into pieces anywhere, what is sent are the same lines. */
const lines: Target<ReturnType<LineReader['push']>> = {
  name: 'stratum-v1-lines',
  door: 'miners',
  maxBytes: 20_000,
  seeds: () => [asBytes(LINES.join('\n')), asBytes(`${SUBMIT}\r\n\n  \n${SUBMIT}`), asBytes(`{${'a'.repeat(8_200)}\n`)],
  decode: bytes => new LineReader().push(bytes.slice()),
  laws({ lines: whole, fault }, bytes) {
    const reader = new LineReader()
    const pieces: Uint8Array[] = []
    let seen: typeof fault = null
    const step = 1 + (bytes[bytes.length >>> 1] ?? 0)
    for (let at = 0; at < bytes.length && seen === null; at += step) {
      const read = reader.push(bytes.slice(at, at + step))
      pieces.push(...read.lines)
      seen = read.fault
      hold(reader.pendingBytes <= 8_192, 'holds more than a line')
    }
    hold(seen === fault, `ends with ${seen} in pieces, with ${fault} at once`)
    hold(isDeepStrictEqual(pieces.map(latin1), whole.map(latin1)), 'are other lines in pieces')
  }
}

const message: Target<ReturnType<typeof parseMessage>> = {
  name: 'stratum-v1-message',
  door: 'miners',
  maxBytes: 8_192,
  seeds: () => LINES.map(asBytes),
  decode: parseMessage,
  laws(read, bytes) {
    if ('idJson' in read) {
      hold(/^[\x20-\x7e]*$/.test(read.idJson), 'says back an id that is not ASCII')
      hold(!['[', '{'].includes(read.idJson[0] ?? ''), 'says back an id with things in it')
      JSON.parse(read.idJson)
    }
    const quick = new SubmitReader(EXTRANONCE2_BYTES).read(bytes)
    if (quick === null) return
    hold(read.kind === 'request' && read.method === 'mining.submit', 'is a submit to the one reader only')
    if (read.kind !== 'request') return
    hold(quick.idJson === read.idJson, 'has two ids')
    hold(
      isDeepStrictEqual({ ...quick.submit }, parseSubmit(read.params, EXTRANONCE2_BYTES)),
      'is another submit to each reader'
    )
  }
}

/** In one input: work comes every half minute, and the rig keeps it all. */
const MOST_PASSED_MS = 24 * 3_600_000

/** Lines for one connection; one that begins with ~ lets time pass, one with ! brings a new block. */
const session: Target<SessionRig> = {
  name: 'stratum-v1-session',
  door: 'miners',
  maxBytes: 8_192,
  // A rig keeps what it sent and was told.
  memoryBytes: 8 * 1024 * 1024,
  seeds: () => [
    asBytes(LINES.join('\n')),
    asBytes([...LINES.slice(-8), '!', SUBMIT, '~1000', SUBMIT].join('\n')),
    asBytes(['~31000', ...LINES].join('\n'))
  ],
  decode(bytes) {
    const rig = new SessionRig()
    let text = latin1(bytes).split('\n')
    let leftMs = MOST_PASSED_MS
    for (; text.length > 0 && rig.closed === null; text = text.slice(1)) {
      const [line = ''] = text
      if (line.startsWith('~')) {
        const ms = Math.min(3_600_000, leftMs, Math.max(0, Number.parseInt(line.slice(1), 10) || 0))
        leftMs -= ms
        rig.pass(ms)
      } else if (line.startsWith('!')) rig.newBlock(PREV_HASH_B)
      else if (line.startsWith('+')) rig.renew({ work: workOf(TEMPLATE_A), cleanJobs: line.length % 2 === 0 })
      else rig.handle({ type: 'received', messages: [Uint8Array.from(line, character => character.charCodeAt(0))] })
    }
    return rig
  },
  laws(rig) {
    hold(rig.session.hashrateHps(steadyMs(rig.nowMs)) >= 0, 'has a hash rate that is none')
    hold(rig.session.difficulty > 0 && Number.isFinite(rig.session.difficulty), 'has a difficulty that is none')
    hold(rig.writes.length < 4 * 8_192, 'says more than it was told')
  }
}

const login: Target<ReturnType<typeof credentialsOf>> = {
  name: 'stratum-v1-login',
  door: 'miners',
  maxBytes: 1_024,
  seeds: () =>
    [
      `["${ADDRESS}.worker 1","x"]`,
      '["bitcoin:bc1q+a/b","d=1e3,diff=2;md=.5 th=+3.e0,p2p=p2pool1pqq"]',
      '["a_b-c",null]',
      '[1]'
    ].map(asBytes),
  decode(bytes) {
    const text = latin1(bytes)
    const params = text.startsWith('[') ? parseMessage(asBytes(`{"method":"","params":${text}}`)) : null
    return credentialsOf(params?.kind === 'request' ? params.params : [text, text])
  },
  laws({ user, worker, hints }, bytes) {
    hold(/^[0-9A-Za-z]{0,256}$/.test(user), 'is paid to what no address is')
    hold(/^[0-9A-Za-z ._:@#()[\]+-]{0,64}$/.test(worker), 'has a worker with other signs')
    for (const number of [hints.difficulty, hints.minimumDifficulty, hints.terahashes]) {
      hold(number === null || (number > 0 && Number.isFinite(number)), 'hints at what is no number')
    }
    userNameOf(latin1(bytes))
    hintsIn(latin1(bytes))
  }
}

const redaction: Target<string> = {
  name: 'stratum-redaction',
  door: 'miners',
  maxBytes: 4_096,
  seeds: () => LINES.map(asBytes),
  decode: bytes => {
    const redaction = new Redaction()
    return redaction.ofNode(redaction.ofMiner(latin1(bytes)))
  },
  laws(shown, bytes) {
    const before = parseMessage(bytes)
    hold(parseMessage(Uint8Array.from(shown, char => char.charCodeAt(0))).kind === before.kind, 'is of another kind')
    if (before.kind !== 'request' || before.method !== 'mining.authorize' || !Array.isArray(before.params)) return
    const password: unknown = before.params[1]
    if (typeof password !== 'string' || !/^[a-z]{9,}$/.test(password)) return
    hold(!shown.includes(password), 'shows a password')
  }
}

const recordings: Target<ReturnType<typeof parseRecordings>> = {
  name: 'stratum-recording',
  door: 'owner',
  maxBytes: 8_192,
  seeds: () => [
    asBytes(recording.slice(0, 6_000)),
    asBytes(
      recording
        .split('\n')
        .filter((line, i) => i === 0 || /"(open|limits|close|gone|begins)"/.test(line))
        .join('\n')
        .slice(0, 4_000)
    )
  ],
  isRefusal: error => error instanceof RecordingError,
  decode: bytes => parseRecordings(latin1(bytes)),
  laws(read) {
    const text = read.flatMap(({ head, entries }) => [head, ...entries].map(recordingLine)).join('')
    hold(isDeepStrictEqual(parseRecordings(text), read), 'is another recording when it is written again')
  }
}

export const TARGETS: readonly Target[] = [lines, message, session, login, redaction, recordings] as Target[]
