/** CPU time of one checked submit: the whole way from the line to the answer, and the checking of the work alone. */
import type { Job } from '@p2poolv2/bitcoin'
import { asciiToBytes, targetFromDifficulty } from '@p2poolv2/primitives'
import { nodeSha256d } from '@p2poolv2/runtime'
import { LineReader, type MinerSession, type SessionEffect, StratumV1 } from '@p2poolv2/stratum'
import { JobRegistry } from '../../packages/stratum/src/mining/job-registry.ts'
import { LastRoot, verifySubmit } from '../../packages/stratum/src/mining/verify-submit.ts'
import { jobOf, NOW, type Roots, submitLines, USER, workWith } from './inputs/submits.ts'
import { measure, note } from './measure.ts'

const SUBMITS = 2_000
const EXTRANONCE1 = Uint8Array.of(10, 0, 0, 1)
const VERSION_MASK = 0x1fffe000
/** Every hash meets it. */
const DIFFICULTY = 1e-12
const SIZES = [
  ['250B', 300],
  ['1kB', 1_024],
  ['16kB', 16_384]
] as const

function loggedInSession(job: Job): MinerSession {
  const session = new StratumV1().open(
    {
      extranonce: { prefix: EXTRANONCE1, minerBytes: 8 },
      versionMask: VERSION_MASK,
      sessionId: '00000000000000aa',
      connectedAtMs: NOW.steadyMs,
      remote: '192.0.2.1:4000',
      startProfiles: [],
      vardiff: {
        retarget: 'off',
        targetSharesPerSec: 0.3,
        minDifficulty: DIFFICULTY,
        maxDifficulty: 1e12,
        startDifficulty: DIFFICULTY
      }
    },
    { sha256d: nodeSha256d }
  )
  const hello = [
    { id: 1, method: 'mining.configure', params: [['version-rolling'], {}] },
    { id: 2, method: 'mining.subscribe', params: ['bench/1.0'] },
    { id: 3, method: 'mining.authorize', params: [USER, 'x'] }
  ]
  const asked = session.handle(
    { type: 'received', messages: hello.map(line => asciiToBytes(JSON.stringify(line))) },
    NOW
  )
  for (const effect of asked) {
    if (effect.type !== 'authorise') continue
    const identity = { payoutAddress: USER, payoutScript: new Uint8Array(22), worker: '', shareProgram: null }
    session.handle({ type: 'authorised', requestId: effect.requestId, identity }, NOW)
  }
  session.handle(
    {
      type: 'work',
      job,
      oldestWorkId: job.work.id,
      cleanJobs: true,
      limits: { shareDifficulty: 1_000, bitcoinDifficulty: 1e14 }
    },
    NOW
  )
  return session
}

function expectAccepted(effects: readonly SessionEffect[]): void {
  if (!effects.some(({ type }) => type === 'accepted')) throw new Error('the bench measures refusals')
}

async function measureSessions(name: string, job: Job, roots: Roots): Promise<void> {
  const session = loggedInSession(job)
  const reader = new LineReader()
  let lines: Uint8Array[] = []
  let nonce = 0
  await measure({
    id: `submit.session.${name}${roots === 'one' ? '.same-root' : ''}`,
    unit: 'submit',
    operationsPerSample: SUBMITS,
    prepare: () => {
      lines = submitLines(SUBMITS, { job, firstNonce: nonce, roots })
      nonce += SUBMITS
    },
    run: () => {
      for (const line of lines) {
        const effects = session.handle({ type: 'received', messages: reader.push(line).lines }, NOW)
        expectAccepted(effects)
      }
    }
  })
}

for (const [name, bytes] of SIZES) {
  const job = jobOf(workWith(bytes))
  note(`${name}: coinbase of ${job.work.coinbase.bytes.length} bytes, 12 branch nodes`)
  await measureSessions(name, job, 'each')
  await measureSessions(name, job, 'one')

  const registry = new JobRegistry()
  registry.add(job, { difficulty: DIFFICULTY, target: targetFromDifficulty(DIFFICULTY), nowMs: NOW.steadyMs })
  const known = registry.find(job.id)
  if (known === null) throw new Error('a job just added is known')
  const lastRoot = new LastRoot(8)
  const context = { extranoncePrefix: EXTRANONCE1, versionMask: VERSION_MASK, lastRoot, sha256d: nodeSha256d }
  const extranonce = new Uint8Array(8)
  let checked = 0
  await measure({
    id: `submit.verify.${name}`,
    unit: 'submit',
    operationsPerSample: SUBMITS,
    run: () => {
      for (let i = 0; i < SUBMITS; i++) {
        extranonce[checked & 7] = checked
        const submit = {
          jobId: job.id,
          extranonce,
          timeSec: job.work.timeSec,
          nonce: checked++,
          versionBits: 0x2000
        }
        if (!verifySubmit(known, submit, context).meetsSession) throw new Error('the bench measures refusals')
      }
    }
  })
}
