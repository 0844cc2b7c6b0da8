import { afterAll, describe, expect, it } from 'vitest'
import { LIFE } from '../../packages/stratum/src/testing/conformance/life.ts'
import { FRAMING, LOGIN } from '../../packages/stratum/src/testing/conformance/login.ts'
import { SUBMIT } from '../../packages/stratum/src/testing/conformance/submit.ts'
import { DIFFICULTY, NOTIFY } from '../../packages/stratum/src/testing/conformance/work.ts'
import { CONFORMANCE_CASES } from '../../packages/stratum/src/testing/conformance-cases.ts'
import { SessionRig, type Transcript } from '../../packages/stratum/src/testing/session-rig.ts'
import { toldOverTcp } from './stage/told-again.ts'

/** These are about numbers alone; no session takes part. */
const WITHOUT_SESSION = ['F14', 'F17', 'F18', 'F19']

const CASES = { ...FRAMING, ...LOGIN, ...DIFFICULTY, ...NOTIFY, ...SUBMIT, ...LIFE }

/** The case as the session alone passes it, and everything its sessions were told. */
async function transcriptsOf(run: () => void | Promise<void>): Promise<readonly Transcript[]> {
  const opened: Transcript[] = []
  SessionRig.opened = opened
  try {
    await run()
  } finally {
    SessionRig.opened = null
  }
  return opened
}

describe('what a session says in the cases of stratum §11 is said over TCP, byte by byte', () => {
  const played: string[] = []
  for (const [id, [behaviour, run]] of Object.entries(CASES)) {
    it(`${id}: ${behaviour}`, async () => {
      const transcripts = await transcriptsOf(run)
      expect(transcripts.length === 0).toBe(WITHOUT_SESSION.includes(id))
      for (const transcript of transcripts) {
        const { steps } = await toldOverTcp(transcript)
        expect(steps.map(({ said }) => said)).toEqual(steps.map(({ expected }) => expected))
      }
      played.push(id)
    })
  }

  afterAll(() => {
    const { session, tcp, later } = CONFORMANCE_CASES
    const overTcp = played.filter(id => !WITHOUT_SESSION.includes(id)).length + tcp.split(' ').length
    const elsewhere = Object.entries(later).map(([id, why]) => `${id} (${why})`)
    process.stdout.write(
      `stratum conformance: ${session.split(' ').length + tcp.split(' ').length + elsewhere.length} cases, ${overTcp} over TCP, ` +
        `${WITHOUT_SESSION.length} about numbers alone, elsewhere ${elsewhere.join('; ')}\n`
    )
  })
})
