import { SCENARIOS, WorldBroken, WorldFailed } from '@p2poolv2/simnet'
import { parseOptions } from './options.ts'
import { play } from './play.ts'
import { makeUncleRates } from './uncle-rates.ts'

const options = parseOptions(process.argv.slice(2))
const scenario = options.scenario === null ? undefined : SCENARIOS.get(options.scenario)

if (scenario === undefined) {
  const width = Math.max(...[...SCENARIOS.keys()].map(name => name.length))
  const list = [...SCENARIOS.values()].map(({ name, sentence }) => `  ${name.padEnd(width)}  ${sentence}`).join('\n')
  if (options.scenario !== null) {
    process.stderr.write(`sim: there is no scenario ${JSON.stringify(options.scenario)}; there are\n\n${list}\n`)
    process.exitCode = 2
  } else {
    process.stdout.write(
      `usage: npm run sim -- <scenario> [--nodes N] [--hours H] [--seed S] [--json] [--plot file.svg]\n\n${list}\n`
    )
  }
} else {
  try {
    process.exitCode = scenario.name === 'uncle-rates' ? makeUncleRates(scenario, options) : play(scenario, options)
  } catch (error) {
    if (!(error instanceof WorldFailed || error instanceof WorldBroken)) throw error
    const recent = error instanceof WorldFailed ? error.recent.map(line => `  ${line}\n`).join('') : ''
    process.stderr.write(`sim: ${error.message}\n${recent}`)
    process.exitCode = 1
  }
}
