import { SCENARIOS, WorldBroken, WorldFailed } from '@p2poolv2/simnet'
import { parseOptions, parseSeedOptions } from './options.ts'
import { play } from './play.ts'
import { playForParent } from './seed-run.ts'
import { playSeeds } from './seeds.ts'
import { makeUncleRates } from './uncle-rates.ts'

const [command, ...rest] = process.argv.slice(2)

if (command !== 'seeds') process.exitCode = playScenario(process.argv.slice(2))
else if (process.send !== undefined) playForParent()
else process.exitCode = await playSeeds(parseSeedOptions(rest))

/** @returns the exit code */
function playScenario(argv: readonly string[]): number {
  const options = parseOptions(argv)
  const scenario = options.scenario === null ? undefined : SCENARIOS.get(options.scenario)
  if (scenario === undefined) return listScenarios(options.scenario)
  try {
    return scenario.name === 'uncle-rates' ? makeUncleRates(scenario, options) : play(scenario, options)
  } catch (error) {
    if (!(error instanceof WorldFailed || error instanceof WorldBroken)) throw error
    const recent = error instanceof WorldFailed ? error.recent.map(line => `  ${line}\n`).join('') : ''
    process.stderr.write(`sim: ${error.message}\n${recent}`)
    return 1
  }
}

/** @param unknown what somebody asked for that is no scenario */
function listScenarios(unknown: string | null): number {
  const width = Math.max(...[...SCENARIOS.keys()].map(name => name.length))
  const list = [...SCENARIOS.values()].map(({ name, sentence }) => `  ${name.padEnd(width)}  ${sentence}`).join('\n')
  if (unknown !== null) {
    process.stderr.write(`sim: there is no scenario ${JSON.stringify(unknown)}; there are\n\n${list}\n`)
    return 2
  }
  process.stdout.write(
    `usage: npm run sim -- <scenario> [--nodes N] [--hours H] [--seed S] [--json] [--plot file.svg]\n       npm run sim -- seeds [--count N] [--from S] [--workers N] [--state file.jsonl]\n\n${list}\n`
  )
  return 0
}
