import { resolve } from 'node:path'
import { type DoctorJson, doctorSchema } from '@p2poolv2/api/schema'
import { z } from 'zod'
import type { Terminal } from '../cli/terminal.ts'
import { doctorView } from '../cli/views/doctor-view.ts'
import { ConfigError, type ConfigSources, type LoadedConfig, loadConfig, loadSettings, namedFile } from '../config.ts'
import { type Check, checked } from '../doctor/check.ts'
import { computerFacts } from '../doctor/computer-facts.ts'
import { COMPUTER_PROBES } from '../doctor/computer-probes.ts'
import { hostChecks } from '../doctor/host-doctor.ts'
import { SETTINGS_PROBES } from '../doctor/settings-probes.ts'
import { DEFAULTS } from '../settings.ts'
import { configAnswer } from '../wire/api-answers.ts'
import { answerOf, ask, type Form } from './ask.ts'
import { type NodeAt, runningNode } from './running-node.ts'

/** Bitcoin nodes are given some seconds each to answer. */
const DOCTOR_WITHIN_MS = 60_000

/**
 * Looks at everything that can go wrong with the configuration that is meant: by the node that runs with it, else at what can be seen
 * without one. @returns what was found
 */
export async function doctor(
  at: NodeAt,
  sources: ConfigSources,
  { form, terminal }: { readonly form: Form; readonly terminal: Terminal }
): Promise<DoctorJson> {
  const { isAsked, said } = await whoAnswers(at, sources)
  if (form === 'human') terminal.remark(said)
  if (isAsked) {
    const question = { path: '/v1/doctor', schema: doctorSchema, view: doctorView, withinMs: DOCTOR_WITHIN_MS }
    return ask(at, question, { form, terminal })
  }
  const answer = doctorAnswer(await checksWithoutNode(at, sources), Math.floor(Date.now() / 1_000))
  terminal.say(form === 'json' ? JSON.stringify(answer) : doctorView(answer, terminal.sheet()))
  return answer
}

/** Of what a node says of its own configuration, as much as tells it from another. */
const runningConfig = z.object({
  file: z.string().nullable(),
  settings: z.array(z.object({ key: z.string(), value: z.unknown() }))
})

/** Whether the node that runs can speak for a configuration, and what to say of it. */
async function whoAnswers(
  at: NodeAt,
  sources: ConfigSources
): Promise<{ readonly isAsked: boolean; readonly said: string }> {
  const alone = (why: string) => ({ isAsked: false, said: `${why}: what only a running node can tell was left out` })
  let loaded: LoadedConfig
  try {
    loaded = loadSettings(sources)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return alone('no node was asked, for none can run with this configuration')
  }
  const what = loaded.file ?? 'the built-in values'
  const node = await runningNode(at)
  if (node === null) return alone(`no node runs here, so ${what} was checked without one`)
  const running = (await answerOf(node, { path: '/v1/config', schema: runningConfig })).answer
  const runsBy = running.file ?? 'built-in values, environment and flags'
  if (isOther(running, sources, loaded))
    return alone(
      `${what} was checked without a node, for the one at ${node.url} runs with another configuration (${runsBy})`
    )
  return { isAsked: true, said: `asked the node at ${node.url}, which runs by ${runsBy}` }
}

function isOther(
  running: z.infer<typeof runningConfig>,
  sources: ConfigSources,
  { config, file }: LoadedConfig
): boolean {
  // A node that began without a file has not read the one that is there by now; one that was told of another knows why.
  const isMeant = namedFile(sources) !== null || running.file === null
  if (isMeant && file !== null && (running.file === null || resolve(running.file) !== resolve(file))) return true
  const wanted = configAnswer(config, file).settings
  return Object.keys(sources.flags).some(flag => {
    const key = flag.replace(/^bitcoind\./, 'bitcoind.0.')
    const value = wanted.find(setting => setting.key === key)?.value
    const runs = running.settings.find(setting => setting.key === key)?.value
    // Nobody is told a password, so nobody can say whether it is the same.
    return value === '***' || JSON.stringify(value) !== JSON.stringify(runs)
  })
}

/** What can be seen without a node. */
export async function checksWithoutNode(at: NodeAt, sources: ConfigSources): Promise<readonly Check[]> {
  try {
    const { config, file } = loadConfig(sources)
    return await hostChecks({ config, file, mistakes: [], reachability: null }, null)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const facts = { config: null, file: namedFile(sources), mistakes: error.mistakes, reachability: null }
    const computer = await computerFacts({ ...DEFAULTS, data_dir: at.dataDir }, null, null)
    return [...checked(SETTINGS_PROBES, facts).slice(0, 1), ...checked(COMPUTER_PROBES, computer)]
  }
}

function doctorAnswer(checks: readonly Check[], time: number): DoctorJson {
  const has = (state: Check['state']): boolean => checks.some(check => check.state === state)
  return { time, state: has('fail') ? 'fail' : has('warn') ? 'warn' : 'ok', checks: [...checks] }
}
