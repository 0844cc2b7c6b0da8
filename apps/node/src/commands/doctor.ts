import { type DoctorJson, doctorSchema } from '@p2poolv2/api/schema'
import type { Terminal } from '../cli/terminal.ts'
import { doctorView } from '../cli/views/doctor-view.ts'
import { ConfigError, type ConfigSources, loadConfig } from '../config.ts'
import { type Check, checked } from '../doctor/check.ts'
import { computerFacts } from '../doctor/computer-facts.ts'
import { COMPUTER_PROBES } from '../doctor/computer-probes.ts'
import { hostChecks } from '../doctor/host-doctor.ts'
import { SETTINGS_PROBES } from '../doctor/settings-probes.ts'
import { DEFAULTS } from '../settings.ts'
import { ask, type Form } from './ask.ts'
import { type NodeAt, runningNode } from './running-node.ts'

/** Bitcoin nodes are given some seconds each to answer. */
const DOCTOR_WITHIN_MS = 60_000

/** Looks at everything that can go wrong: with the running node, else at what can be seen without one. @returns what was found */
export async function doctor(
  at: NodeAt,
  sources: ConfigSources,
  { form, terminal }: { readonly form: Form; readonly terminal: Terminal }
): Promise<DoctorJson> {
  if ((await runningNode(at)) !== null) {
    const question = { path: '/v1/doctor', schema: doctorSchema, view: doctorView, withinMs: DOCTOR_WITHIN_MS }
    return ask(at, question, { form, terminal })
  }
  const answer = doctorAnswer(await checksWithoutNode(at, sources), Math.floor(Date.now() / 1_000))
  terminal.say(form === 'json' ? JSON.stringify(answer) : doctorView(answer, terminal.sheet()))
  if (form === 'human') terminal.remark('no node runs here: what only a running one can tell was left out')
  return answer
}

/** What can be seen without a node. */
export async function checksWithoutNode(at: NodeAt, sources: ConfigSources): Promise<readonly Check[]> {
  try {
    const { config, file } = loadConfig(sources)
    return await hostChecks({ config, file, mistakes: [], reachability: null }, null)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const facts = { config: null, file: sources.file, mistakes: error.mistakes, reachability: null }
    const computer = await computerFacts({ ...DEFAULTS, data_dir: at.dataDir }, null, null)
    return [...checked(SETTINGS_PROBES, facts).slice(0, 1), ...checked(COMPUTER_PROBES, computer)]
  }
}

function doctorAnswer(checks: readonly Check[], time: number): DoctorJson {
  const has = (state: Check['state']): boolean => checks.some(check => check.state === state)
  return { time, state: has('fail') ? 'fail' : has('warn') ? 'warn' : 'ok', checks: [...checks] }
}
